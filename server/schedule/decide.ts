// What is due now, from what was decided before. A pure function: the store decides which process carries it out.
import type { Timetable } from './timing.ts'

/** A run that starts this late is on time: processes look every second, and machines are busy. */
export const graceMs = 60_000
/** More due times than this are reported as this many. */
export const mostCounted = 1_000

export interface Decision {
  /** Everything due until then is decided. */
  checked: number
  /** Due while no process ran schedules. */
  missed?: { last: number; count: number }
  /** To be run now, or skipped while the previous run still runs. */
  due?: { at: number; trigger: 'due' | 'caught_up' }
}

export interface Situation {
  table: Timetable
  checked: number
  now: number
  onMissed: 'skip' | 'once'
}

/** Undefined when nothing is due. */
export function decide({ table, checked, now, onMissed }: Situation): Decision | undefined {
  const last = table.last(checked, now)
  if (last === undefined) return undefined
  const isLate = now - last > graceMs
  const isRun = !isLate || onMissed === 'once'
  const lastMissed = isRun ? table.last(checked, last - 1) : last
  return {
    checked: last,
    ...(lastMissed !== undefined && {
      missed: { last: lastMissed, count: counted(table, checked, lastMissed) },
    }),
    ...(isRun && { due: { at: last, trigger: isLate ? ('caught_up' as const) : ('due' as const) } }),
  }
}

function counted(table: Timetable, after: number, until: number): number {
  let count = 0
  for (let at = table.next(after); at <= until && count < mostCounted; at = table.next(at)) count++
  return count
}
