// A transaction of the source, as far as its application needs it.

import type { ServerTime } from './event.ts'
import type { Lsn } from './lsn.ts'

export interface SourceTransaction {
  xid: number
  /** The position of its commit. */
  finalLsn: Lsn
  time: ServerTime
}

const epoch = Date.UTC(2000, 0, 1)

export function timeToDate(time: ServerTime): Date {
  return new Date(epoch + time / 1000)
}

export function timeToMilliseconds(time: ServerTime): number {
  return epoch + time / 1000
}

/** To the microsecond, for SQL. */
export function timeToText(time: ServerTime): string {
  const whole = Math.floor(time / 1_000_000)
  const micros = String(time - whole * 1_000_000).padStart(6, '0')
  const seconds = new Date(epoch + whole * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return `${seconds}.${micros}+00`
}

export function timeOfDate(date: Date): ServerTime {
  return (date.getTime() - epoch) * 1000
}
