// The destination database does not exist: the statement that creates it like the source, for confirmation.
import { createSignal, For, Match, Show, Switch } from 'solid-js'
import type { CreateDatabaseAnswer, DatabaseChoice } from '../../../shared/create-database-api.ts'
import { api, type CallFailed } from '../../api/calls.ts'
import { language, t } from '../../i18n/index.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Notice, Problem } from '../../parts/notice.tsx'
import { toConn } from '../../state/connection-url.ts'
import { draft } from '../../state/draft.ts'
import { testConnection, testOf } from '../../state/tests.ts'

export function CreateDatabase() {
  const [answer, setAnswer] = createSignal<CreateDatabaseAnswer>()
  const [locale, setLocale] = createSignal<DatabaseChoice['locale']>()
  const [problem, setProblem] = createSignal<CallFailed>()
  const [busy, setBusy] = createSignal<'looking' | 'creating'>()
  const ends = () => ({ conn: toConn(draft.destination), like: toConn(draft.source) })

  async function ask(confirmed?: string) {
    setProblem(undefined)
    setBusy(confirmed === undefined ? 'looking' : 'creating')
    const of = JSON.stringify(ends())
    try {
      const found = await api.createDatabase({ ...ends(), ...(confirmed !== undefined && { confirmed }) })
      // Another connection may have been entered meanwhile.
      if (of !== JSON.stringify(ends())) return
      setAnswer(found)
      setLocale((known) => known ?? found.choices[0]?.locale)
      if (found.exists) void testConnection('destination')
    } catch (error) {
      setProblem(error as CallFailed)
    } finally {
      setBusy(undefined)
    }
  }

  return (
    <div class="create-database">
      <Switch>
        <Match when={!testOf('source').answer}>
          <p class="quiet">{t('connections.create.needSource')}</p>
        </Match>
        <Match when={busy() === 'looking'}>
          <p class="quiet" role="status">
            {t('connections.create.looking')}
          </p>
        </Match>
        <Match when={answer()}>
          {(found) => (
            <Confirmation
              of={found()}
              locale={locale()}
              onLocale={setLocale}
              creating={busy() === 'creating'}
              onConfirm={(sql) => void ask(sql)}
            />
          )}
        </Match>
        <Match when={true}>
          <button type="button" onClick={() => void ask()}>
            {t('connections.create.start')}
          </button>
        </Match>
      </Switch>
      <Show when={problem()}>{(failed) => <Problem of={failed()} />}</Show>
    </div>
  )
}

function Confirmation(props: {
  of: CreateDatabaseAnswer
  locale: DatabaseChoice['locale'] | undefined
  onLocale: (locale: DatabaseChoice['locale']) => void
  creating: boolean
  onConfirm: (sql: string) => void
}) {
  const chosen = () => props.of.choices.find(({ locale }) => locale === props.locale) ?? props.of.choices[0]
  const hasSame = () => props.of.choices[0]?.locale === 'same'
  return (
    <>
      <Show when={!hasSame()}>
        <Notice tone="warn">{t('connections.create.noSame')}</Notice>
      </Show>
      <Show when={props.of.choices.length > 1}>
        <fieldset class="create-choices">
          <legend>{t('connections.create.locale')}</legend>
          <For each={props.of.choices}>
            {(choice) => (
              <label>
                <input
                  type="radio"
                  name="new-database-locale"
                  checked={choice.locale === chosen()?.locale}
                  onChange={() => props.onLocale(choice.locale)}
                />
                <span>{t(`connections.create.${choice.locale}`, { collation: choice.collation })}</span>
              </label>
            )}
          </For>
        </fieldset>
      </Show>
      <Show when={chosen()?.doubt}>
        {(doubt) => (
          <Notice tone="warn">
            <p>{t('connections.create.doubt')}</p>
            <p lang="en">{language() === 'en' ? sentence(doubt()) : doubt()}</p>
          </Notice>
        )}
      </Show>
      <p>{t('connections.create.lead', { user: props.of.user, via: props.of.via })}</p>
      <pre class="sql">{chosen()?.sql}</pre>
      <Show when={!props.of.allowed}>
        <Notice tone="warn">{t('connections.create.notAllowed', { user: props.of.user })}</Notice>
      </Show>
      <div class="actions">
        <button
          type="button"
          class="primary"
          disabled={props.creating || !props.of.allowed}
          onClick={() => props.onConfirm(chosen()?.sql ?? '')}
        >
          {props.creating
            ? t('connections.create.creating')
            : t('connections.create.confirm', { name: props.of.database })}
        </button>
        <CopyButton text={chosen()?.sql ?? ''} label={t('app.copy')} />
      </div>
    </>
  )
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
