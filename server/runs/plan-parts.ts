// A plan taken apart for those who show it: what its steps make, move, and cannot do.
import { uncounted } from '../catalog/estimated-rows.ts'
import type { Step } from '../migrate/plan/step.ts'
import type { Plan, PlannedRows } from '../migrate/plan/types.ts'

/** Nothing where the server has none: a table that was never counted. */
export function estimateOf({ rows }: Pick<PlannedRows, 'rows'>): number | undefined {
  return rows === uncounted ? undefined : rows
}

export interface PlanParts {
  /** Steps that make an object which a user would name. */
  created: Step[]
  /** What else is done: statistics, grants, comments, values of sequences, ... */
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
    else if (work.kind === 'barrier' || isAgain || toldElsewhere.has(info.kind)) continue
    else if (work.kind === 'sql' && objectKinds.has(info.kind) && !built.has(step.id))
      parts.created.push(step)
    else if (!built.has(step.id)) parts.others.push(step)
  }
  return parts
}

/** Steps that a run tells about, in the order that they are numbered. */
export function visibleSteps({ steps }: Plan): Step[] {
  return steps.filter(
    ({ work, skip, isAgain }) => skip || !(isAgain || work.kind === 'barrier' || work.kind === 'copied'),
  )
}

/** A key's index is built first; the key is the object, and the two should not be counted as two. */
function readyIndexes(steps: readonly Step[]): Set<number> {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const keys = steps.filter(({ info }) => info.kind === 'CONSTRAINT')
  return new Set(keys.flatMap(({ info, needs }) => needs.filter((id) => isIndexOf(info, byId.get(id)?.info))))
}

/** pg_dump calls a constraint by its table's name and its own. */
function isIndexOf(key: Step['info'], index: Step['info'] | undefined): boolean {
  return index?.kind === 'INDEX' && index.schema === key.schema && key.name.endsWith(` ${index.name}`)
}

/** In the parts about rows, and about what is lost. */
const toldElsewhere: ReadonlySet<string> = new Set(['ROWS', 'RELATED ROWS', 'DROP'])

const objectKinds: ReadonlySet<string> = new Set([
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
