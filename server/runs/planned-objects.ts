// The objects of a plan, each with all of its steps: a table with its rows, indexes and constraints is one object.
import { createHash } from 'node:crypto'
import type { ObjectAction } from '../../shared/plan-api.ts'
import { type TableName, tableKey } from '../../shared/table-name.ts'
import type { Identity } from '../catalog/identities.ts'
import type { Step } from '../migrate/plan/step.ts'
import type { Plan, PlannedRows } from '../migrate/plan/types.ts'
import { objectKinds, visibleSteps } from './plan-parts.ts'
import { stepSql } from './step-sql.ts'

export interface ObjectOfPlan {
  kind: string
  schema?: string | undefined
  name: string
  action: ObjectAction
  skip?: string | undefined
  /** In the order of their numbers. */
  steps: Step[]
  /** What is dropped first. */
  drop?: Pick<Identity, 'type' | 'identity'>
  /** For a table whose rows are copied. */
  rows?: PlannedRows | undefined
}

export interface StatementsOfStep {
  kind: string
  schema?: string
  name: string
  sql: string[]
}

/** Objects that rows, indexes, comments and grants belong to. */
const relations: ReadonlySet<string> = new Set(['TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW'])

/** In the order of their first steps, after what is dropped. */
export function objectsOfPlan(plan: Plan): ObjectOfPlan[] {
  const drops = new Map<string, Pick<Identity, 'type' | 'identity'>>()
  const others: ObjectOfPlan[] = []
  const groups = new Map<string, Step[]>()
  const single: Step[] = []
  for (const step of visibleSteps(plan)) {
    if (step.work.kind === 'drop') for (const one of step.work.targets) drops.set(one.identity, one)
    else {
      const table = relationOf(step)
      if (!table) single.push(step)
      else {
        const group = groups.get(tableKey(table))
        if (group) group.push(step)
        else groups.set(tableKey(table), [step])
      }
    }
  }
  const dropOf = new Map<string, Pick<Identity, 'type' | 'identity'>>()
  for (const one of drops.values()) {
    const table = relationKinds.has(one.type) ? tableOfIdentity(one.identity) : undefined
    if (table) dropOf.set(tableKey(table), one)
  }
  const rows = new Map(plan.tables.map((table) => [tableKey(table), table]))
  const emptied = emptiedTables(plan)
  for (const [key, steps] of groups) {
    const main = mainOf(steps)
    if (!main) {
      single.push(...steps)
      continue
    }
    const drop = dropOf.get(key)
    if (drop) drops.delete(drop.identity)
    // A part that cannot be created is an object by itself, so that it is found.
    const lost = steps.filter(
      (step) => step !== main && step.info.kind !== 'ROWS' && skipOf(step) !== undefined,
    )
    single.push(...lost)
    const own = lost.length > 0 ? steps.filter((step) => !lost.includes(step)) : steps
    others.push(relation({ main, steps: own, drop, rows: rows.get(key), plan, emptied }))
  }
  for (const step of single) others.push(alone(step, plan))
  others.sort((one, other) => (one.steps[0]?.id ?? 0) - (other.steps[0]?.id ?? 0))
  const gone = [...drops.values()].map(
    (drop): ObjectOfPlan => ({
      kind: drop.type.toUpperCase(),
      name: drop.identity,
      action: 'drop',
      steps: [],
      drop,
    }),
  )
  return [...gone, ...others]
}

/** Kept also where existing objects are dropped. */
const neverDropped: ReadonlySet<string> = new Set(['SCHEMA', 'EXTENSION'])

const relationKinds: ReadonlySet<string> = new Set(['table', 'view', 'materialized view', 'foreign table'])

function relationOf({ info }: Step): TableName | undefined {
  if (info.table) return info.table
  return info.schema !== undefined && (relations.has(info.kind) || info.kind === 'ROWS')
    ? { schema: info.schema, name: info.name }
    : undefined
}

/** The step that creates the relation, or else the one that copies its rows. */
function mainOf(steps: readonly Step[]): Step | undefined {
  return steps.find(({ info }) => relations.has(info.kind)) ?? steps.find(({ info }) => info.kind === 'ROWS')
}

interface Relation {
  main: Step
  steps: Step[]
  drop: ObjectOfPlan['drop'] | undefined
  rows: PlannedRows | undefined
  plan: Plan
  emptied: ReadonlySet<string>
}

function relation({ main, steps, drop, rows, plan, emptied }: Relation): ObjectOfPlan {
  const { kind, schema, name } = main.info
  const copy = steps.find(({ info }) => info.kind === 'ROWS')
  const skip = skipOf(main) ?? (copy && skipOf(copy))
  return {
    kind: kind === 'ROWS' ? 'TABLE' : kind,
    schema,
    name,
    action: skip === undefined ? actionOf({ main, steps, drop, rows, plan, emptied }, copy) : 'skip',
    ...(skip !== undefined && { skip }),
    steps,
    ...(drop && { drop }),
    ...(rows && copy && { rows }),
  }
}

function actionOf(
  { main, drop, rows, plan, emptied }: Relation,
  copy: Step | undefined,
): Exclude<ObjectAction, 'skip'> {
  if (drop) return 'recreate'
  const { schema = '', name } = main.info
  const target = rows?.into ?? { schema, name }
  const exists = plan.existing.has(tableKey({ schema, name })) || plan.existing.has(tableKey(target))
  if (!copy) {
    if (main.info.kind === 'TABLE') return exists ? 'keep' : 'create'
    return isPerhapsThere(main) && plan.isKept ? 'ensure' : 'create'
  }
  if (copy.work.kind === 'copied') return 'done'
  if (rows?.mode === 'append' || rows?.mode === 'upsert') return rows.mode
  if (emptied.has(tableKey(target))) return 'empty'
  return exists || rows?.into ? 'fill' : 'create'
}

function alone(step: Step, plan: Plan): ObjectOfPlan {
  const { kind, schema, name } = step.info
  const skip = skipOf(step)
  const isObject = step.work.kind === 'sql' && objectKinds.has(kind)
  const isKept = plan.isKept || neverDropped.has(kind)
  const action = isObject ? (isPerhapsThere(step) && isKept ? 'ensure' : 'create') : 'run'
  return {
    kind,
    schema,
    name,
    action: skip === undefined ? action : 'skip',
    ...(skip !== undefined && { skip }),
    steps: [step],
  }
}

function isPerhapsThere({ work }: Step): boolean {
  return work.kind === 'sql' && work.mayExist
}

export function skipOf(step: Step): string | undefined {
  return step.skip ?? (step.work.kind === 'refuse' ? step.work.reason : undefined)
}

function emptiedTables({ steps }: Plan): Set<string> {
  const emptied = new Set<string>()
  for (const { work } of steps) {
    if (work.kind !== 'copy' && work.kind !== 'copy together') continue
    for (const table of work.replaces?.tables ?? []) emptied.add(tableKey(table))
    for (const table of work.replaces?.byDelete ?? []) emptied.add(tableKey(table))
  }
  return emptied
}

/** `public."Odd name"` as the server writes it; undefined for a name with other parts. */
export function tableOfIdentity(identity: string): TableName | undefined {
  const found = /^("(?:[^"]|"")+"|[^".]+)\.("(?:[^"]|"")+"|[^".]+)$/.exec(identity)
  if (!found) return undefined
  const [, schema = '', name = ''] = found
  return { schema: unquoted(schema), name: unquoted(name) }
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
}

/** What runs for one object, in order. Rows of related tables are copied by a step that they share. */
export function statementsOf(one: ObjectOfPlan, plan: Plan): StatementsOfStep[] {
  const shared = new Set<number>(
    one.steps.flatMap(({ work, needs }) => (work.kind === 'copied together' ? needs : [])),
  )
  const together = plan.steps.filter(({ id, work }) => work.kind === 'copy together' && shared.has(id))
  const steps = [...together, ...one.steps].toSorted((a, b) => a.id - b.id)
  return [
    ...(one.drop ? [{ kind: 'DROP', name: one.drop.identity, sql: [dropStatement(one.drop)] }] : []),
    ...steps.map((step) => ofStep(step)),
  ]
}

export function allStatements(plan: Plan): StatementsOfStep[] {
  return visibleSteps(plan).map(ofStep)
}

function ofStep(step: Step): StatementsOfStep {
  const { kind, schema, name } = step.info
  // What is known to be impossible does not run.
  return {
    kind,
    ...(schema !== undefined && { schema }),
    name,
    sql: skipOf(step) === undefined ? stepSql(step) : [],
  }
}

function dropStatement({ type, identity }: Pick<Identity, 'type' | 'identity'>): string {
  return `drop ${type} if exists ${identity} cascade`
}

/** Changes with every statement of the plan. Only plans with the same statements have the same. */
export function digestOf(plan: Plan): string {
  const hash = createHash('sha256')
  for (const step of visibleSteps(plan)) {
    const { id, kind, schema, name } = step.info
    hash.update(JSON.stringify([id, kind, schema, name, skipOf(step), stepSql(step)]))
  }
  hash.update(JSON.stringify([plan.destroyed, [...plan.existing].sort(), plan.isKept, plan.tables]))
  return hash.digest('hex').slice(0, 32)
}
