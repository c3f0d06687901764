// The test button, and its result in one line.
import { Match, Show, Switch } from 'solid-js'
import type { ConnectionTest } from '../../../shared/api.ts'
import { bytesText, t } from '../../i18n/index.ts'
import { Disclosure } from '../../parts/disclosure.tsx'
import { Fact } from '../../parts/fact.tsx'
import { loadedLater } from '../../parts/loaded-later.tsx'
import { Problem } from '../../parts/notice.tsx'
import { isEmptyEnd } from '../../state/connection-url.ts'
import { draft } from '../../state/draft.ts'
import type { Side } from '../../state/draft-shape.ts'
import { testOf } from '../../state/tests.ts'

const CreateDatabase = loadedLater(async () => (await import('./create-database.tsx')).CreateDatabase)
/** The SQLSTATE of a database that does not exist. */
const undefinedDatabase = '3D000'

export function Tested(props: { side: Side; reading: boolean }) {
  const test = () => testOf(props.side)
  const isMissing = () =>
    props.side === 'destination' && test().problem?.info.sqlstate === undefinedDatabase && !test().testing
  return (
    <div class="tested">
      <div class="tested-line">
        <button
          type="submit"
          class="test"
          disabled={isEmptyEnd(draft[props.side]) || test().testing || props.reading}
        >
          {t(test().testing ? 'connections.testing' : 'connections.test')}
        </button>
        <p role="status" class="tested-state" classList={{ good: Boolean(test().answer) }}>
          <Switch fallback={t('connections.untested')}>
            <Match when={props.reading}>{t('connections.reading')}</Match>
            <Match when={test().testing}>{t('connections.testing')}</Match>
            <Match when={test().answer}>
              {(answer) => (
                <>
                  <span aria-hidden="true">✓ </span>
                  {lineOf(answer())}
                </>
              )}
            </Match>
            <Match when={test().problem}>{''}</Match>
          </Switch>
        </p>
      </div>
      <Show when={test().problem}>{(problem) => <Problem of={problem()} />}</Show>
      <Show when={isMissing()}>
        <CreateDatabase />
      </Show>
      <Show when={test().answer}>
        {(answer) => (
          <Disclosure summary={t('connections.testDetails')}>
            <dl class="facts">
              <Fact name={t('connections.version')}>{answer().version}</Fact>
              <Fact name={t('connections.database')}>{answer().database}</Fact>
              <Fact name={t('connections.size')}>{sizeText(answer().size_bytes)}</Fact>
              <Fact name={t('connections.latency')}>{latencyText(answer())}</Fact>
              <Fact name={t('connections.loggedIn')}>{userText(answer())}</Fact>
              <Fact name={t('connections.encoding')}>{answer().encoding}</Fact>
              <Fact name={t('connections.encrypted')}>{answer().tls ?? t('connections.notEncrypted')}</Fact>
            </dl>
          </Disclosure>
        )}
      </Show>
    </div>
  )
}

function lineOf(answer: ConnectionTest): string {
  return [
    `PostgreSQL ${answer.version}`,
    sizeText(answer.size_bytes),
    latencyText(answer),
    answer.tls ?? t('connections.noTls'),
    userText(answer),
  ].join(' · ')
}

function userText({ user, superuser }: ConnectionTest): string {
  return superuser ? `${user} (${t('connections.superuser')})` : user
}

function latencyText({ latency_ms }: ConnectionTest): string {
  return `${latency_ms.toFixed(1)} ms`
}

function sizeText(bytes: number | null): string {
  return bytes === null ? '?' : bytesText(bytes)
}
