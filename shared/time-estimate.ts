// How long a migration may take, as a range, from a sample of its largest table and the sizes of all.
import type { Sample } from './plan-sql-api.ts'

export interface WorkToEstimate {
  /** Of the tables whose rows are copied. */
  bytes: number
  workers: number
  /** Steps that create or change objects: each is at least one round trip. */
  steps: number
  /** 0: unlimited. */
  maxBytesPerSecond: number
}

export interface TimeEstimate {
  /** Seconds. */
  least: number
  most: number
  /** Bytes of the table per second, read by one session. */
  readRate: number
}

/**
 * Not measured: writing a row, with its log, its indexes and its keys, takes this many times as long as reading it.
 * With many indexes it is more.
 */
export const writeFactor = { least: 1.2, most: 4 }
/** A statement that creates an object, without its round trip. */
const statementSeconds = { least: 0.001, most: 0.02 }
/** Connecting, reading the catalogs, planning. */
const startSeconds = { least: 1, most: 5 }
/** Below this, the clock and the first block decide, not the speed. */
const shortestSeconds = 0.002

/** Undefined when the sample does not tell which part of the table it has read. */
export function estimateTime(sample: Sample, work: WorkToEstimate): TimeEstimate | undefined {
  if (sample.share === null) return undefined
  const readRate = (sample.share * sample.table_bytes) / Math.max(sample.seconds, shortestSeconds)
  // The largest table is empty, or nothing of it was read in time.
  if (readRate === 0 && work.bytes > 0) return undefined
  const workers = Math.max(1, work.workers)
  const alone = work.bytes > 0 ? work.bytes / readRate : 0
  // At best all workers add up; at worst, as on one slow disk, half of them do.
  const best = alone / workers
  const worst = alone / Math.max(1, workers / 2)
  const held = work.maxBytesPerSecond > 0 ? work.bytes / work.maxBytesPerSecond : 0
  const trip = sample.round_trip_ms / 1000
  const total = (copy: number, side: 'least' | 'most') =>
    startSeconds[side] +
    Math.max(held, copy * writeFactor[side]) +
    work.steps * (trip + statementSeconds[side])
  return { least: total(best, 'least'), most: total(worst, 'most'), readRate }
}
