// A plan for programs, in the spelling of the JSON summary.
import type { Plan } from '../engine/plan.ts'
import { type CopiedTable, type Destroyed, estimateOf, partsOf, visibleSteps } from './plan-parts.ts'
import type { PlanDetail } from './plan-text.ts'
import { stepSql } from './step-sql.ts'

export function planAsJson(plan: Plan, { verbose }: PlanDetail) {
  const parts = partsOf(plan)
  const destroyed: readonly Destroyed[] = plan.destroyed
  const tables: readonly CopiedTable[] = plan.tables
  return {
    status: 'planned',
    created: parts.created.map(({ info }) => named(info)),
    destroyed: destroyed.map(({ action, kind = 'TABLE', schema, name, because }) => ({
      action,
      ...named({ kind, schema, name }),
      ...(because && { because }),
    })),
    tables: tables.map((table) => {
      const { leaveOut, ...facts } = table
      return { ...facts, rows: estimateOf(table) ?? null, ...(leaveOut && { leave_out: leaveOut }) }
    }),
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
