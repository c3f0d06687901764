// The difference between two plans of the same databases, after an option was changed.
import type { ObjectAction, PlannedObject } from '../../shared/plan-api.ts'
import { isDestroying, keyOf } from './plan-lines.ts'

export interface LineChange {
  /** Undefined for an object that was not in the plan. */
  was: ObjectAction | undefined
  now: ObjectAction
}

export interface PlanChanges {
  /** By `keyOf`. */
  lines: ReadonlyMap<string, LineChange>
  gone: PlannedObject[]
  /** Statements are others, perhaps of objects whose lines are the same. */
  isOtherSql: boolean
}

interface Compared {
  objects: readonly PlannedObject[]
  digest: string
}

export function changesBetween(before: Compared, after: Compared): PlanChanges {
  const old = new Map(before.objects.map((object) => [keyOf(object), object]))
  const lines = new Map<string, LineChange>()
  for (const object of after.objects) {
    const key = keyOf(object)
    const was = old.get(key)
    old.delete(key)
    if (!was || isOther(was, object)) lines.set(key, { was: was?.action, now: object.action })
  }
  return { lines, gone: [...old.values()], isOtherSql: before.digest !== after.digest }
}

/** Rows and sizes change by themselves. */
function isOther(was: PlannedObject, now: PlannedObject): boolean {
  const compared = ({ action, steps, skip, into, where, mapping }: PlannedObject) =>
    JSON.stringify([action, steps, skip, into, where, mapping])
  return compared(was) !== compared(now)
}

export type ChangeKind =
  | 'emptied'
  | 'notEmptied'
  | 'dropped'
  | 'notDropped'
  | 'skipped'
  | 'added'
  | 'gone'
  | 'other'

/** How many of each, those that destroy first. */
export function summaryOf({ lines, gone }: PlanChanges): { what: ChangeKind; count: number }[] {
  const counts = new Map<ChangeKind, number>()
  const add = (what: ChangeKind) => counts.set(what, (counts.get(what) ?? 0) + 1)
  for (const { was, now } of lines.values()) {
    const drops = (action: ObjectAction | undefined) => action === 'recreate' || action === 'drop'
    let isNamed = false
    const name = (what: ChangeKind) => {
      add(what)
      isNamed = true
    }
    if (now === 'empty' && was !== 'empty') name('emptied')
    if (drops(now) && !drops(was)) name('dropped')
    if (was === 'empty' && now !== 'empty') name('notEmptied')
    if (drops(was) && !drops(now)) name('notDropped')
    if (now === 'skip' && was !== 'skip') name('skipped')
    if (!isNamed) add(was === undefined ? 'added' : 'other')
  }
  for (const object of gone) if (isDestroying(object) && object.action === 'drop') add('notDropped')
  if (gone.length > 0) counts.set('gone', gone.length)
  const order: ChangeKind[] = [
    'emptied',
    'dropped',
    'notEmptied',
    'notDropped',
    'skipped',
    'added',
    'other',
    'gone',
  ]
  return order.flatMap((what) => {
    const count = counts.get(what)
    return count === undefined ? [] : [{ what, count }]
  })
}
