// The lines of the plan: objects with their place in the plan, in an order that shows first what destroys.
import type { ObjectAction, PlannedObject } from '../../shared/plan-api.ts'

export interface PlanLine extends PlannedObject {
  /** In the plan's `objects`: the server knows the object by it. */
  place: number
}

/** The same for the same object in another plan. */
export function keyOf({ kind, schema, name }: Pick<PlannedObject, 'kind' | 'schema' | 'name'>): string {
  return JSON.stringify([kind, schema ?? null, name])
}

/** Emptying a table that is known to be empty destroys nothing. */
export function isDestroying({ action, there }: PlannedObject): boolean {
  if (action === 'recreate' || action === 'drop') return true
  return action === 'empty' && !(there?.exact && there.rows === 0)
}

/** Rows of the destination with the same keys get other values. */
export function isOverwriting({ action, there }: PlannedObject): boolean {
  return action === 'upsert' && !(there?.exact && there.rows === 0)
}

/** Destroyed objects, then what cannot be done, then tables by size, then the others in the order of the run. */
export function linesOf(objects: readonly PlannedObject[]): PlanLine[] {
  return objects
    .map((object, place) => ({ ...object, place }))
    .sort(
      (one, other) =>
        rank(one) - rank(other) || (other.bytes ?? -1) - (one.bytes ?? -1) || one.place - other.place,
    )
}

function rank(line: PlannedObject): number {
  if (isDestroying(line)) return 0
  return line.action === 'skip' ? 1 : 2
}

export interface LineFilter {
  search: string
  kind: string
  action: ObjectAction | ''
}

export function matching(
  lines: readonly PlanLine[],
  { search, kind, action }: LineFilter,
): readonly PlanLine[] {
  const text = search.trim().toLowerCase()
  if (text === '' && kind === '' && action === '') return lines
  return lines.filter(
    (line) =>
      (kind === '' || line.kind === kind) &&
      (action === '' || line.action === action) &&
      (text === '' || `${line.schema ?? ''}.${line.name}`.toLowerCase().includes(text)),
  )
}
