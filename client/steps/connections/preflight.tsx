// Preflight checks: blockers first, passed checks collapsed.
import './preflight.css'
import { createMemo, For, Show } from 'solid-js'
import type { CheckStatus, PreflightItem, PreflightReport } from '../../../shared/preflight.ts'
import { checkTitle } from '../../i18n/checks.ts'
import { inLanguage, language, languageOf, rowsText, t } from '../../i18n/index.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Disclosure } from '../../parts/disclosure.tsx'
import { Check } from '../../parts/field.tsx'
import { Problem } from '../../parts/notice.tsx'
import { Section } from '../../parts/section.tsx'
import { draft, setFollowing } from '../../state/draft.ts'
import { keepPreflight, lookAgain, preflighted } from '../../state/preflight.ts'

export function Preflight() {
  keepPreflight()
  const report = () => (preflighted.looking() ? undefined : preflighted.answer()?.report)
  return (
    <Section
      title={t('preflight.title')}
      class="preflight"
      aside={
        <>
          <Check label={t('preflight.follow')} checked={draft.following} onChange={setFollowing} />
          <button type="button" class="small" disabled={preflighted.looking()} onClick={lookAgain}>
            {t('preflight.again')}
          </button>
        </>
      }
    >
      <p role="status" class={`verdict ${report()?.status ?? ''}`}>
        <Show when={report()} fallback={preflighted.looking() ? t('preflight.looking') : ''}>
          {(found) => <Verdict of={found()} />}
        </Show>
      </p>
      <Show when={!preflighted.looking() && preflighted.problem()}>
        {(problem) => <Problem of={problem()} onRetry={lookAgain} />}
      </Show>
      <Show when={report()}>{(found) => <Groups of={found()} />}</Show>
      <p class="help">{t('preflight.lead')}</p>
    </Section>
  )
}

function Verdict(props: { of: PreflightReport }) {
  const counted = () => ({
    blockers: countOf(props.of, 'blocker'),
    warnings: countOf(props.of, 'warning'),
    tables: rowsText(props.of.scope.tables),
    of: rowsText(props.of.scope.of),
  })
  return (
    <>
      {t(`preflight.verdict.${props.of.status}`, counted())}
      <Show when={!props.of.scope.everything}> {t('preflight.chosen', counted())}</Show>
    </>
  )
}

function countOf({ items }: PreflightReport, status: CheckStatus): number {
  return items.filter((item) => item.status === status).length
}

function Groups(props: { of: PreflightReport }) {
  const items = (status: CheckStatus) => props.of.items.filter((item) => item.status === status)
  return (
    <>
      <For each={['blocker', 'warning'] as const}>
        {(status) => (
          <Show when={items(status).length > 0}>
            <h3>{t(`preflight.groups.${status}`)}</h3>
            <ul class="findings">
              <For each={items(status)}>{(item) => <Finding of={item} />}</For>
            </ul>
          </Show>
        )}
      </For>
      <Disclosure class="in-order" summary={t('preflight.groups.ok', { count: items('ok').length })}>
        <ul class="passed">
          <For each={items('ok')}>
            {(item) => (
              <li>
                <b>{titleOf(item)}</b>: <Sentence of={item.found} />
              </li>
            )}
          </For>
        </ul>
      </Disclosure>
    </>
  )
}

const shownObjects = 10

/** What to do about a blocker is open at first. */
function Finding(props: { of: PreflightItem }) {
  const shown = () => props.of.objects.slice(0, shownObjects)
  const script = createMemo(() => props.of.sql.map((statement) => `${statement};`).join('\n'))
  return (
    <li class={`finding ${props.of.status}`}>
      <Disclosure
        open={props.of.status === 'blocker'}
        summary={
          <>
            <h4>{titleOf(props.of)}</h4> <Sentence of={props.of.found} />
          </>
        }
      >
        <Show when={shown().length > 0}>
          <ul class="finding-objects">
            <For each={shown()}>{(name) => <li class="mono">{inLanguage(name)}</li>}</For>
            <Show when={props.of.total > shown().length}>
              <li>{t('selection.andMore', { count: rowsText(props.of.total - shown().length) })}</li>
            </Show>
          </ul>
        </Show>
        <p class="quiet">{inLanguage(props.of.why)}</p>
        <Show when={props.of.todo}>
          {(todo) => (
            <p>
              <Sentence of={todo()} />
            </p>
          )}
        </Show>
        <Show when={script()}>
          {(sql) => (
            <div class="mending">
              <pre class="sql">{sql()}</pre>
              <CopyButton text={sql()} label={t('preflight.copyFor', { title: titleOf(props.of) })} />
            </div>
          )}
        </Show>
      </Disclosure>
    </li>
  )
}

/** Of the server, in the language of the page. */
function Sentence(props: { of: string }) {
  const shown = createMemo(() => inLanguage(props.of))
  return <span lang={languageOf(shown())}>{shown()}</span>
}

function titleOf(item: PreflightItem): string {
  return checkTitle(language(), item)
}
