// How much a plan copies, and with how many workers.
import { Show } from 'solid-js'
import type { PlanAnswer } from '../../../shared/plan-api.ts'
import { bytesText, rowsText, t } from '../../i18n/index.ts'

export function PlanSum(props: { plan: PlanAnswer }) {
  return (
    <p class="plan-sum numbers">
      {t('options.planTables', {
        count: rowsText(props.plan.tables.length),
        rows: rowsText(props.plan.rows),
        bytes: bytesText(props.plan.bytes),
      })}
      <Show when={props.plan.tables.length > 0}>
        <br />
        <span class="quiet">
          {t('options.planWorkers', {
            workers: props.plan.workers,
            indexWorkers: props.plan.index_workers,
          })}
        </span>
      </Show>
    </p>
  )
}
