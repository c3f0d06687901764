// The statements of one object of the plan, in the order in which they run; and all statements, as a file.
import { createEffect, createMemo, createSignal, For, Match, on, onCleanup, Show, Switch } from 'solid-js'
import type { PlanSql } from '../../../shared/plan-sql-api.ts'
import { api, type CallFailed } from '../../api/calls.ts'
import { t } from '../../i18n/index.ts'
import { objectText } from '../../i18n/objects.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { download } from '../../parts/download.ts'
import { Problem } from '../../parts/notice.tsx'
import { planAgain, type ShownPlan, shownRequest } from '../../state/plan.ts'
import type { PlanLine } from '../../state/plan-lines.ts'
import { sqlId } from './object-line.tsx'

/** More than a person reads; the rest is in the file. */
const longest = 50_000

export function ObjectSql(props: { line: PlanLine; plan: ShownPlan; onClose: () => void }) {
  const [answer, setAnswer] = createSignal<PlanSql>()
  const [problem, setProblem] = createSignal<CallFailed>()
  let current: AbortController | undefined
  const wanted = createMemo(() => `${props.plan.digest} ${props.line.place}`)
  createEffect(
    on(wanted, () => {
      current?.abort()
      const controller = new AbortController()
      current = controller
      setAnswer(undefined)
      setProblem(undefined)
      const body = { ...shownRequest(), digest: props.plan.digest, object: props.line.place }
      api.planSql(body, controller.signal).then(
        (found) => !controller.signal.aborted && setAnswer(found),
        (error) => !controller.signal.aborted && setProblem(error as CallFailed),
      )
    }),
  )
  onCleanup(() => current?.abort())
  const text = createMemo(() => scriptOf(answer()))
  const title = () => t('plan.sqlOf', { object: objectText(props.line.kind, props.line) })
  return (
    <section class="plan-sql" id={sqlId} aria-label={title()} aria-busy={!answer() && !problem()}>
      <header class="plan-sql-head">
        <h3>{title()}</h3>
        <Show when={text() !== ''}>
          <CopyButton text={text()} label={t('plan.copySql')} />
        </Show>
        <button type="button" class="small" onClick={() => props.onClose()}>
          {t('app.close')}
        </button>
      </header>
      <Switch fallback={<p class="quiet">{t('app.loading')}</p>}>
        <Match when={problem()}>{(failed) => <Problem of={failed()} onRetry={planAgain} />}</Match>
        <Match when={answer()}>
          {(found) => (
            <ol class="plan-statements" tabindex="0" aria-label={title()}>
              <For each={found().steps}>
                {(step) => (
                  <li>
                    <p class="quiet">{objectText(step.kind, step)}</p>
                    <Show
                      when={step.sql.length > 0}
                      fallback={
                        <p class="quiet">
                          {t(props.line.action === 'skip' ? 'plan.sqlNone' : 'plan.sqlLater')}
                        </p>
                      }
                    >
                      <pre class="sql">{cut(step.sql.map((one) => `${one};`).join('\n'))}</pre>
                    </Show>
                  </li>
                )}
              </For>
            </ol>
          )}
        </Match>
      </Switch>
    </section>
  )
}

export function SaveSql(props: { plan: ShownPlan }) {
  const [busy, setBusy] = createSignal(false)
  const [problem, setProblem] = createSignal<CallFailed>()
  const save = async () => {
    setBusy(true)
    setProblem(undefined)
    try {
      const found = await api.planSql({ ...shownRequest(), digest: props.plan.digest })
      download('plan.sql', scriptOf(found), 'application/sql')
    } catch (error) {
      setProblem(error as CallFailed)
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <button type="button" class="small" disabled={busy()} onClick={() => void save()}>
        {t('plan.saveSql')}
      </button>
      <Show when={problem()}>{(failed) => <Problem of={failed()} onRetry={planAgain} />}</Show>
    </>
  )
}

/** For reading: COPY needs the rows that the run sends. */
function scriptOf(answer: PlanSql | undefined): string {
  return (answer?.steps ?? [])
    .filter(({ sql }) => sql.length > 0)
    .map((step) => [`-- ${objectText(step.kind, step)}`, ...step.sql.map((one) => `${one};`)].join('\n'))
    .join('\n\n')
}

function cut(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}\n…` : text
}
