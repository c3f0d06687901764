// A notification at the end of a run, for those who asked for one.
import { createEffect, createRoot, createSignal } from 'solid-js'
import { t } from '../../i18n/index.ts'
import { job } from '../../state/job.ts'
import { outcomeOf } from '../../state/run-outcome.ts'

export type NotifyState = 'impossible' | 'off' | 'on' | 'blocked'

const [wantedFor, setWantedFor] = createSignal<string>()
const [blocked, setBlocked] = createSignal(false)

export function notifyState(): NotifyState {
  if (!('Notification' in globalThis)) return 'impossible'
  if (blocked()) return 'blocked'
  return wantedFor() !== undefined && wantedFor() === job.overview()?.id ? 'on' : 'off'
}

/** The browser asks the user the first time. The wish is for this run only. */
export async function notifyAtEnd() {
  const id = job.overview()?.id
  if (typeof id !== 'string') return
  const permission = await Notification.requestPermission()
  setBlocked(permission !== 'granted')
  if (permission !== 'granted') return
  setWantedFor(id)
  createRoot((dispose) =>
    createEffect(() => {
      const now = job.overview()
      if (now?.id === id && now.running) return
      const summary = now?.id === id ? now.summary : undefined
      if (summary) {
        const { whole, tables } = outcomeOf(summary)
        const title = `pgtrek: ${t(`run.result.${summary.status}`)}`
        new Notification(title, { body: t('repair.notifyBody', { whole, tables }), tag: `pgtrek-${id}` })
      }
      queueMicrotask(dispose)
    }),
  )
}
