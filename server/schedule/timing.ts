// When a schedule is due. A cron expression is evaluated for the local time of the zone, as Vixie cron does it: with a
// fixed hour, a local time that does not exist is due as long after the change as without the change, and a local time
// that occurs twice is due once, at its first occurrence. With an hour of `*` or `*/n`, it is due by elapsed time: what
// does not exist is left out, and what occurs twice is due twice.
import { Cron } from 'croner'
import { messageOf } from '../../shared/message-of.ts'
import type { ScheduleTiming } from '../../shared/schedule-api.ts'
import { UsageError } from '../postgres/errors.ts'
import { instantsOf, isZone, offsetAt, wallOf } from './wall-clock.ts'

const minuteMs = 60_000
/** Longer than any change of the clocks. */
const changeMs = 4 * 3_600_000

export interface Timetable {
  /** The first due time after this instant. */
  next(after: number): number
  /** The latest due time in (after, until]. */
  last(after: number, until: number): number | undefined
}

/** Throws a UsageError when the expression or the zone is not valid. */
export function timetableOf(timing: ScheduleTiming, zone: string, anchor: number): Timetable {
  if (!isZone(zone)) {
    throw new UsageError(
      `"${zone}" is not a time zone: use a name of the IANA database, such as Europe/Berlin, Asia/Tokyo or UTC`,
    )
  }
  return 'cron' in timing ? cronTimetable(timing.cron, zone) : intervalTimetable(timing.every_minutes, anchor)
}

/** `count` due times, for display. */
export function upcoming(table: Timetable, after: number, count: number): number[] {
  const times: number[] = []
  for (let at = after; times.length < count; ) {
    at = table.next(at)
    times.push(at)
  }
  return times
}

/** Counted from the creation of the schedule, in elapsed time. */
function intervalTimetable(minutes: number, anchor: number): Timetable {
  const step = minutes * minuteMs
  const start = Math.floor(anchor / minuteMs) * minuteMs
  const atOrBefore = (instant: number) => start + Math.floor((instant - start) / step) * step
  return {
    next: (after) => atOrBefore(after) + step,
    last(after, until) {
      const at = atOrBefore(until)
      return at > after ? at : undefined
    },
  }
}

const nicknames: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

function cronTimetable(text: string, zone: string): Timetable {
  const expression = nicknames[text.trim().toLowerCase()] ?? text.trim()
  const wall = wallTimes(expression, text)
  const isHourly = /^\S+\s+\*/.test(expression)
  const instantsAt = (local: number) => {
    const { instants, shifted } = instantsOf(local, zone)
    if (isHourly) return instants
    return [instants[0] ?? shifted]
  }
  const next = (after: number): number => {
    const local = wall(wallOf(after, zone))
    const steady = offsetAt(after - changeMs, zone)
    const usual = local - steady
    const isSteady =
      offsetAt(after + changeMs, zone) === steady &&
      offsetAt(usual - changeMs, zone) === steady &&
      offsetAt(usual + changeMs, zone) === steady
    if (isSteady) return usual
    // Near a change of the clocks, local times are not in the order of their instants.
    let best = Number.POSITIVE_INFINITY
    for (let at = wallOf(after, zone) - changeMs; ; ) {
      at = wall(at)
      for (const instant of instantsAt(at)) if (instant > after) best = Math.min(best, instant)
      if (best < Number.POSITIVE_INFINITY && at - wallOf(best, zone) > changeMs) return best
    }
  }
  return {
    next,
    last(after, until) {
      // Searched backwards in growing steps, so that a long time with many due times costs little.
      for (let back = minuteMs; ; back *= 4) {
        const from = Math.max(after, until - back)
        let found: number | undefined
        for (let at = next(from); at <= until; at = next(at)) found = at
        if (found !== undefined || from === after) return found
      }
    },
  }
}

/** The next local time of the expression, as if it were UTC. */
function wallTimes(expression: string, text: string): (after: number) => number {
  const wrong = (why: string) => new UsageError(`"${text}" is not a cron expression: ${why}`)
  if (expression.split(/\s+/).length !== 5) {
    throw wrong('it must have five fields: minute, hour, day of the month, month and day of the week')
  }
  let cron: Cron
  try {
    cron = new Cron(expression, { timezone: 'UTC', mode: '5-part', paused: true })
  } catch (error) {
    throw wrong(messageOf(error).replace(/^CronPattern: /, ''))
  }
  const next = (after: number) => cron.nextRun(new Date(after))?.getTime()
  if (next(Date.UTC(2024, 0, 1)) === undefined) throw wrong('no day matches it')
  return (after) => {
    const found = next(after)
    if (found === undefined) throw wrong('it is not due any more')
    return found
  }
}
