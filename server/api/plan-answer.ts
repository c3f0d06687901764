// A plan for the page: its objects or its steps in order, what is destroyed, and the confirmation that it needs.
import type { PlanAnswer, PlannedObject, RowsThere } from '../../shared/plan-api.ts'
import { type TableName, tableKey } from '../../shared/table-name.ts'
import type { Step } from '../migrate/plan/step.ts'
import type { Destroyed, Plan } from '../migrate/plan/types.ts'
import { confirmationOf } from '../runs/confirmation.ts'
import { visibleSteps } from '../runs/plan-parts.ts'
import {
  digestOf,
  type ObjectOfPlan,
  objectsOfPlan,
  skipOf,
  tableOfIdentity,
} from '../runs/planned-objects.ts'
import { stepSql } from '../runs/step-sql.ts'

export interface AnswerOptions {
  /** The statements of each step. */
  sql?: boolean
  /** One line for each object instead of all steps: of these only those that cannot be done. */
  objects?: boolean
  /** The rows that tables of the destination have, by `tableKey`. */
  there?: ReadonlyMap<string, RowsThere>
}

export function planAnswer(plan: Plan, options: AnswerOptions = {}): PlanAnswer {
  const { sql = false, objects = false, there = new Map() } = options
  const steps = visibleSteps(plan)
  const tables = plan.tables.filter(({ mode }) => mode !== 'done')
  const counts: Record<string, number> = {}
  for (const { info } of steps) counts[info.phase] = (counts[info.phase] ?? 0) + 1
  const listed = objects ? steps.filter((step) => skipOf(step) !== undefined) : steps
  return {
    steps: listed.map((step) => stepAnswer(step, sql)),
    counts,
    tables,
    destroyed: plan.destroyed.map((one) => destroyedAnswer(one, there)),
    warnings: plan.warnings,
    rows: tables.reduce((sum, { rows }) => sum + Math.max(0, rows), 0),
    bytes: tables.reduce((sum, { bytes }) => sum + Math.max(0, bytes), 0),
    workers: plan.sizes.copyWorkers,
    index_workers: plan.sizes.indexWorkers,
    confirmation: confirmationOf(plan),
    ...(objects && {
      objects: objectsOfPlan(plan).map((one) => objectAnswer(one, there)),
      digest: digestOf(plan),
    }),
  }
}

function stepAnswer(step: Step, sql: boolean): PlanAnswer['steps'][number] {
  const { id, phase, kind, schema, name } = step.info
  const skip = skipOf(step)
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

function objectAnswer(one: ObjectOfPlan, there: ReadonlyMap<string, RowsThere>): PlannedObject {
  const { kind, schema, name, action, skip, steps, rows, drop } = one
  const own = schema === undefined ? undefined : { schema, name }
  const target = rows?.into ?? own ?? (drop && tableOfIdentity(drop.identity))
  const rowsThere = target && there.get(tableKey(target))
  return {
    kind,
    ...(schema !== undefined && { schema }),
    name,
    action,
    steps: steps.length,
    ...(skip !== undefined && { skip }),
    ...(rows && { rows: rows.rows, bytes: rows.bytes }),
    ...(rows?.into && { into: rows.into }),
    ...(rows?.where !== undefined && { where: rows.where }),
    ...(rows?.mapping && { mapping: rows.mapping }),
    ...(rowsThere && { there: rowsThere }),
  }
}

function destroyedAnswer(
  one: Destroyed,
  there: ReadonlyMap<string, RowsThere>,
): PlanAnswer['destroyed'][number] {
  const table = destroyedTable(one)
  const rows = table && there.get(tableKey(table))
  return { ...one, ...(rows && { there: rows }) }
}

function destroyedTable({ action, kind, schema, name }: Destroyed): TableName | undefined {
  if (action === 'truncate') return schema === undefined ? undefined : { schema, name }
  return kind === 'table' ? tableOfIdentity(name) : undefined
}

/** Tables of the destination that may have rows now. */
export function tablesThere({ tables, destroyed, existing }: Plan): TableName[] {
  const wanted = new Map<string, TableName>()
  const add = (table: TableName | undefined) => table && wanted.set(tableKey(table), table)
  for (const { schema, name, into } of tables) {
    if (into) add(into)
    else if (existing.has(tableKey({ schema, name }))) add({ schema, name })
  }
  for (const one of destroyed) add(destroyedTable(one))
  return [...wanted.values()]
}
