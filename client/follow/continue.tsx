import { Show } from 'solid-js'
import type { FollowView } from '../../shared/follow-view.ts'
import { api } from '../api/calls.ts'
import { t } from '../i18n/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Problem } from '../parts/notice.tsx'
import { createEnds, EndFields } from './ends.tsx'
import { createRequest } from './request.ts'

interface DialogProps {
  view: FollowView
  open: boolean
  onClose: () => void
}

export function ContinueDialog(props: DialogProps) {
  return (
    <Dialog open={props.open} title={t('follow.continue.title')} onClose={props.onClose}>
      <Form {...props} />
    </Dialog>
  )
}

function Form(props: DialogProps) {
  const ends = createEnds(props.view)
  const { busy, problem, send } = createRequest()
  async function go(event: SubmitEvent) {
    event.preventDefault()
    const { lag_bytes, lag_seconds, for_seconds } = props.view.ready
    // Keeps the limits of cutover readiness.
    const follow = {
      name: props.view.name,
      bidirectional: props.view.bidirectional,
      readyLagBytes: lag_bytes,
      readyLagSeconds: lag_seconds,
      readyForSeconds: for_seconds,
    }
    const started = await send(() => api.continueFollow({ ...ends.conns(), follow }))
    if (started) props.onClose()
  }
  return (
    <form class="dialog-form" onSubmit={(event) => void go(event)}>
      <p>{t('follow.continue.lead')}</p>
      <EndFields of={ends} />
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <div class="actions end">
        <button type="button" onClick={() => props.onClose()}>
          {t('app.cancel')}
        </button>
        <button type="submit" class="primary" disabled={busy()}>
          {t('follow.continue.yes')}
        </button>
      </div>
    </form>
  )
}
