import './connections.css'
import { Show } from 'solid-js'
import { t } from '../../i18n/index.ts'
import { Notice } from '../../parts/notice.tsx'
import { isEmptyEnd } from '../../state/connection-url.ts'
import { draft, swapEnds } from '../../state/draft.ts'
import { goToStep } from '../../state/route.ts'
import { testOf } from '../../state/tests.ts'
import { UnusedSelection } from '../selection/unused.tsx'
import { EndPanel } from './end-panel.tsx'
import { Preflight } from './preflight.tsx'
import { Profiles } from './profiles.tsx'

export function ConnectionsStep() {
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
  return (
    <section class="step">
      <header class="step-head">
        <h1>{t('connections.title')}</h1>
        <p class="lead">{t('connections.lead')}</p>
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
      <Preflight />
      <div class="actions end">
        <button
          type="button"
          class="primary"
          disabled={isEmptyEnd(draft.source)}
          onClick={() => goToStep('selection')}
        >
          {t('app.next')} <span aria-hidden="true">→</span>
        </button>
      </div>
      <Profiles />
    </section>
  )
}
