// The first step: two connections side by side, and what the preflight checks say about them.
import './connections.css'
import { createSignal, Show } from 'solid-js'
import { sides } from '../../../shared/constants.ts'
import { t } from '../../i18n/index.ts'
import { loadedLater } from '../../parts/loaded-later.tsx'
import { Notice } from '../../parts/notice.tsx'
import { StepFoot } from '../../parts/step-foot.tsx'
import { isEmptyEnd, isPort } from '../../state/connection-url.ts'
import { draft, swapEnds } from '../../state/draft.ts'
import { goOn } from '../../state/journey.ts'
import { areBothTested, preflighted } from '../../state/preflight.ts'
import { testOf } from '../../state/tests.ts'
import { UnusedSelection } from '../selection/unused.tsx'
import { EndPanel } from './end-panel.tsx'
import { ProfilesMenu } from './profiles-menu.tsx'

const Preflight = loadedLater(async () => (await import('./preflight.tsx')).Preflight)

export function ConnectionsStep() {
  const [dropped, setDropped] = createSignal<File>()
  const [over, setOver] = createSignal(false)
  const isSame = () => {
    const [from, to] = [draft.source.fields, draft.destination.fields]
    return (
      from.database !== '' && (['host', 'port', 'database'] as const).every((name) => from[name] === to[name])
    )
  }
  const older = () => {
    const [from, to] = [testOf('source').answer, testOf('destination').answer]
    return from && to && to.major < from.major ? { source: from.version, destination: to.version } : undefined
  }
  const missing = () => {
    if (isEmptyEnd(draft.source)) return t('connections.needSource')
    return sides.every((side) => isPort(draft[side].fields.port)) ? undefined : t('connections.needPort')
  }
  const note = () => {
    if (isEmptyEnd(draft.destination)) return t('connections.needDestination')
    const untested = sides.filter((side) => !testOf(side).answer)
    if (untested.length > 0) {
      const names = untested.map((side) => t(`connections.${side}`)).join(', ')
      return t('connections.untestedEnds', { sides: names })
    }
    const isBlocked = !preflighted.looking() && preflighted.answer()?.report.status === 'blocker'
    return isBlocked ? t('connections.hasBlockers') : ''
  }
  return (
    <section
      class="step connections"
      classList={{ over: over() }}
      aria-labelledby="connections-title"
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes('Files')) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        const [file] = event.dataTransfer?.files ?? []
        if (!file) return
        event.preventDefault()
        setOver(false)
        setDropped(file)
      }}
    >
      <header class="step-head with-action">
        <div>
          <h1 id="connections-title">{t('connections.title')}</h1>
          <p class="lead">{t('connections.lead')}</p>
        </div>
        <ProfilesMenu dropped={dropped()} onTaken={() => setDropped(undefined)} />
      </header>
      <div class="ends">
        <EndPanel side="source" />
        <button type="button" class="swap" onClick={swapEnds} title={t('connections.swap')}>
          <span aria-hidden="true">⇄</span>
          <span class="for-readers">{t('connections.swap')}</span>
        </button>
        <EndPanel side="destination" />
      </div>
      <Show when={isSame()}>
        <Notice tone="warn" role="status">
          {t('connections.sameDatabase')}
        </Notice>
      </Show>
      <Show when={older()}>
        {(versions) => (
          <Notice tone="warn" role="status">
            {t('connections.older', versions())}
          </Notice>
        )}
      </Show>
      <UnusedSelection />
      <Show when={areBothTested()}>
        <Preflight />
      </Show>
      <StepFoot missing={missing()} note={note()} onNext={() => goOn('connections')} />
    </section>
  )
}
