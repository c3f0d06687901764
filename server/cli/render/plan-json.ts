// A plan as JSON, with the spelling of the JSON summary.
import type { Plan } from '../../migrate/plan/types.ts'
import { estimateOf, partsOf, visibleSteps } from '../../runs/plan-parts.ts'
import { stepSql } from '../../runs/step-sql.ts'
import type { PlanDetail } from './plan.ts'

export function planAsJson(plan: Plan, { verbose }: PlanDetail) {
  const parts = partsOf(plan)
  return {
    status: 'planned',
    created: parts.created.map(({ info }) => named(info)),
    destroyed: plan.destroyed.map(({ action, kind = 'TABLE', schema, name, because }) => ({
      action,
      ...named({ kind, schema, name }),
      ...(because && { because }),
    })),
    tables: plan.tables.map((table) => ({ ...table, rows: estimateOf(table) ?? null })),
    cannot: parts.refused.map(({ step, reason }) => ({ ...named(step.info), reason })),
    warnings: plan.warnings,
    steps: visibleSteps(plan).map((step) => ({
      id: step.id,
      phase: step.info.phase,
      ...named(step.info),
      ...(verbose && { sql: stepSql(step) }),
    })),
  }
}

function named({ kind, schema, name }: { kind: string; schema?: string | undefined; name: string }) {
  return { kind, ...(schema !== undefined && { schema }), name }
}
