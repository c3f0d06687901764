// The plan that is the result of a dry run: amounts, steps by phase, tables, and what cannot be done.
import './plan.css'
import { For, Show } from 'solid-js'
import { type Phase, phases } from '../../../shared/phase.ts'
import type { PlanAnswer } from '../../../shared/plan-api.ts'
import { inLanguage, rowsText, t } from '../../i18n/index.ts'
import { objectText } from '../../i18n/objects.ts'
import { Cut } from '../../parts/cut.tsx'
import { Notice } from '../../parts/notice.tsx'
import { PlanSum } from './plan-sum.tsx'
import { PlanTables } from './tables.tsx'

export function PlanFacts(props: { plan: PlanAnswer }) {
  const skipped = () => props.plan.steps.filter(({ skip }) => skip !== undefined)
  return (
    <>
      <Warnings list={props.plan.warnings} />
      <div class="panel">
        <h3>{t('options.creates')}</h3>
        <PlanSum plan={props.plan} />
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
