// The plan below the options: steps, destroyed objects and warnings.

import { For, Match, Show, Switch } from 'solid-js'
import type { PlanAnswer } from '../../../shared/api.ts'
import { type Phase, phases } from '../../../shared/phase.ts'
import { bytesText, inLanguage, rowsText, t } from '../../i18n/index.ts'
import { objectText } from '../../i18n/objects.ts'
import { Cut } from '../../parts/cut.tsx'
import { Notice, Problem } from '../../parts/notice.tsx'
import { isPlanCurrent, planAgain, planned } from '../../state/plan.ts'
import { Destroyed } from './destroyed.tsx'
import { PlanTables } from './plan-tables.tsx'

export function PlanPanel() {
  return (
    <section class="plan" aria-labelledby="plan" aria-busy={planned.planning()}>
      <div class="plan-head">
        <h2 id="plan">{t('options.plan')}</h2>
        <p role="status" class="quiet">
          <Switch>
            <Match when={planned.planning()}>
              <span class="spinner" aria-hidden="true" />
              {t('options.planning')}
            </Match>
            <Match when={isPlanCurrent()}>{t('options.planFresh')}</Match>
          </Switch>
        </p>
      </div>
      <Switch>
        <Match when={planned.problem()}>
          {(problem) => <Problem of={problem()} title={t('options.planFailed')} onRetry={planAgain} />}
        </Match>
        <Match when={planned.answer()}>
          {(answer) => (
            <div classList={{ stale: !isPlanCurrent() }}>
              <Destroyed list={answer().plan.destroyed} confirmable />
              <PlanFacts plan={answer().plan} />
            </div>
          )}
        </Match>
        <Match when={!planned.planning()}>
          <p class="empty small">{t('options.planWait')}</p>
        </Match>
      </Switch>
    </section>
  )
}

export function PlanFacts(props: { plan: PlanAnswer }) {
  const skipped = () => props.plan.steps.filter(({ skip }) => skip !== undefined)
  return (
    <>
      <Warnings list={props.plan.warnings} />
      <div class="panel">
        <h3>{t('options.creates')}</h3>
        <p class="plan-sum numbers">
          {t('options.planTables', {
            count: rowsText(props.plan.tables.length),
            rows: rowsText(props.plan.rows),
            bytes: bytesText(props.plan.bytes),
          })}
          <br />
          <span class="quiet">
            {t('options.planWorkers', {
              workers: props.plan.workers,
              indexWorkers: props.plan.index_workers,
            })}
          </span>
        </p>
        <ul class="phase-counts">
          <For each={phases.filter((phase) => (props.plan.counts[phase] ?? 0) > 0)}>
            {(phase: Phase) => (
              <li>
                <span>{t(`run.phase.${phase}`)}</span>
                <b class="numbers">{rowsText(props.plan.counts[phase] ?? 0)}</b>
              </li>
            )}
          </For>
        </ul>
        <PlanTables tables={props.plan.tables} />
        <Show when={skipped().length > 0}>
          <details class="plan-skipped" open={skipped().length <= 5}>
            <summary>{t('options.skipped', { count: rowsText(skipped().length) })}</summary>
            <Cut
              list={skipped()}
              each={(step) => (
                <li>
                  <b>{objectText(step.kind, step)}</b>: {inLanguage(step.skip ?? '')}
                </li>
              )}
            />
          </details>
        </Show>
      </div>
    </>
  )
}

function Warnings(props: { list: string[] }) {
  return (
    <Show when={props.list.length > 0} fallback={<p class="quiet no-warnings">{t('options.noWarnings')}</p>}>
      <Notice tone="warn" title={t('options.warnings', { count: rowsText(props.list.length) })}>
        <Cut list={props.list} each={(text) => <li>{inLanguage(text)}</li>} />
      </Notice>
    </Show>
  )
}
