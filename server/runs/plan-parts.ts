// The parts of a plan that are shown: objects to create, rows to copy, and what cannot be done.
import { uncounted } from '../catalog/estimated-rows.ts'
import type { Step } from '../migrate/plan/step.ts'
import type { Plan, PlannedRows } from '../migrate/plan/types.ts'

/** Undefined for a table that was never counted. */
export function estimateOf({ rows }: Pick<PlannedRows, 'rows'>): number | undefined {
  return rows === uncounted ? undefined : rows
}

export interface PlanParts {
  /** Steps that create an object which users know by name. */
  created: Step[]
  /** Other steps: statistics, grants, comments, values of sequences, ... */
  others: Step[]
  refused: { step: Step; reason: string }[]
}

export function partsOf({ steps }: Plan): PlanParts {
  const parts: PlanParts = { created: [], others: [], refused: [] }
  const built = readyIndexes(steps)
  for (const step of steps) {
    const { work, info, skip, isAgain } = step
    if (work.kind === 'refuse') parts.refused.push({ step, reason: work.reason })
    else if (skip) parts.refused.push({ step, reason: skip })
    else if (work.kind === 'barrier' || isAgain || shownElsewhere.has(info.kind)) continue
    else if (work.kind === 'sql' && objectKinds.has(info.kind) && !built.has(step.id))
      parts.created.push(step)
    else if (!built.has(step.id)) parts.others.push(step)
  }
  return parts
}

/** Steps that a run reports, in the order of their numbers. */
export function visibleSteps({ steps }: Plan): Step[] {
  return steps.filter(
    ({ work, skip, isAgain }) => skip || !(isAgain || work.kind === 'barrier' || work.kind === 'copied'),
  )
}

/** Indexes of keys: an index and its key count as one object. */
function readyIndexes(steps: readonly Step[]): Set<number> {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const keys = steps.filter(({ info }) => info.kind === 'CONSTRAINT')
  return new Set(keys.flatMap(({ info, needs }) => needs.filter((id) => isIndexOf(info, byId.get(id)?.info))))
}

/** pg_dump names a constraint by its table and its own name. */
function isIndexOf(key: Step['info'], index: Step['info'] | undefined): boolean {
  return index?.kind === 'INDEX' && index.schema === key.schema && key.name.endsWith(` ${index.name}`)
}

/** Shown in the parts about rows and about what is destroyed. */
const shownElsewhere: ReadonlySet<string> = new Set(['ROWS', 'RELATED ROWS', 'DROP'])

export const objectKinds: ReadonlySet<string> = new Set([
  'SCHEMA',
  'EXTENSION',
  'PROCEDURAL LANGUAGE',
  'ACCESS METHOD',
  'TYPE',
  'SHELL TYPE',
  'DOMAIN',
  'COLLATION',
  'FUNCTION',
  'PROCEDURE',
  'AGGREGATE',
  'OPERATOR',
  'OPERATOR CLASS',
  'OPERATOR FAMILY',
  'CAST',
  'CONVERSION',
  'TRANSFORM',
  'TEXT SEARCH PARSER',
  'TEXT SEARCH TEMPLATE',
  'TEXT SEARCH DICTIONARY',
  'TEXT SEARCH CONFIGURATION',
  'FOREIGN DATA WRAPPER',
  'SERVER',
  'USER MAPPING',
  'FOREIGN TABLE',
  'TABLE',
  'SEQUENCE',
  'VIEW',
  'MATERIALIZED VIEW',
  'INDEX',
  'CONSTRAINT',
  'CHECK CONSTRAINT',
  'FK CONSTRAINT',
  'STATISTICS',
  'RULE',
  'TRIGGER',
  'EVENT TRIGGER',
  'POLICY',
  'PUBLICATION',
  'SUBSCRIPTION',
])
