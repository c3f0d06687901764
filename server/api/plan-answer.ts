// A plan for the page: its steps in order, what is destroyed, and the confirmation that it needs.
import type { PlanAnswer } from '../../shared/api.ts'
import type { Step } from '../migrate/plan/step.ts'
import type { Plan } from '../migrate/plan/types.ts'
import { confirmationOf } from '../runs/confirmation.ts'
import { visibleSteps } from '../runs/plan-parts.ts'
import { stepSql } from '../runs/step-sql.ts'

export function planAnswer(plan: Plan, { sql = false } = {}): PlanAnswer {
  const steps = visibleSteps(plan)
  const tables = plan.tables.filter(({ mode }) => mode !== 'done')
  const counts: Record<string, number> = {}
  for (const { info } of steps) counts[info.phase] = (counts[info.phase] ?? 0) + 1
  return {
    steps: steps.map((step) => stepAnswer(step, sql)),
    counts,
    tables,
    destroyed: plan.destroyed,
    warnings: plan.warnings,
    rows: tables.reduce((sum, { rows }) => sum + Math.max(0, rows), 0),
    bytes: tables.reduce((sum, { bytes }) => sum + Math.max(0, bytes), 0),
    workers: plan.sizes.copyWorkers,
    index_workers: plan.sizes.indexWorkers,
    confirmation: confirmationOf(plan),
  }
}

function stepAnswer(step: Step, sql: boolean): PlanAnswer['steps'][number] {
  const { id, phase, kind, schema, name } = step.info
  const skip = step.skip ?? (step.work.kind === 'refuse' ? step.work.reason : undefined)
  return {
    id,
    phase,
    kind,
    ...(schema !== undefined && { schema }),
    name,
    ...(skip !== undefined && { skip }),
    ...(sql && { sql: stepSql(step) }),
  }
}
