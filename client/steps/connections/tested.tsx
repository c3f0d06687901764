// The test button and its result.
import { Match, Show, Switch } from 'solid-js'
import { bytesText, t } from '../../i18n/index.ts'
import { Fact } from '../../parts/fact.tsx'
import { Problem } from '../../parts/notice.tsx'
import { isEmptyEnd } from '../../state/connection-url.ts'
import { draft } from '../../state/draft.ts'
import type { Side } from '../../state/draft-shape.ts'
import { testOf } from '../../state/tests.ts'

export function Tested(props: { side: Side }) {
  const test = () => testOf(props.side)
  return (
    <div class="tested">
      <div class="tested-line">
        <button type="submit" class="test" disabled={isEmptyEnd(draft[props.side]) || test().testing}>
          {t(test().testing ? 'connections.testing' : 'connections.test')}
        </button>
        <p role="status" class="tested-state" classList={{ good: Boolean(test().answer) }}>
          <Switch fallback={t('connections.untested')}>
            <Match when={test().testing}>{t('connections.testing')}</Match>
            <Match when={test().answer}>
              <span aria-hidden="true">✓ </span>
              {t('connections.tested')}
            </Match>
            <Match when={test().problem}>{''}</Match>
          </Switch>
        </p>
      </div>
      <Show when={test().problem}>{(problem) => <Problem of={problem()} />}</Show>
      <Show when={test().answer}>
        {(answer) => (
          <dl class="facts">
            <Fact name={t('connections.version')}>PostgreSQL {answer().version}</Fact>
            <Fact name={t('connections.size')}>{sizeText(answer().size_bytes)}</Fact>
            <Fact name={t('connections.latency')}>{answer().latency_ms.toFixed(1)} ms</Fact>
            <Fact name={t('connections.loggedIn')}>
              {answer().user}
              {answer().superuser ? ` (${t('connections.superuser')})` : ''}
            </Fact>
            <Fact name={t('connections.encoding')}>{answer().encoding}</Fact>
            <Fact name={t('connections.encrypted')}>{answer().tls ?? t('connections.notEncrypted')}</Fact>
          </dl>
        )}
      </Show>
    </div>
  )
}

function sizeText(bytes: number | null): string {
  return bytes === null ? '?' : bytesText(bytes)
}
