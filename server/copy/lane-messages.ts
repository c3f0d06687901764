// The messages between the main thread and a copy worker.
import type { ErrorInfo } from '../../shared/event.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { CopyFormat } from './format.ts'
import type { KeyValues, Merge } from './merge.ts'

export interface LaneSettings {
  source: ConnectionSettings
  destination: ConnectionSettings
  /** Exported by the session that reads the catalogs: every lane sees the same rows. */
  snapshot: string
  /** The source's own encoding; the destination converts. */
  clientEncoding: string
  /** Switch off the destination's triggers and foreign keys for our rows. */
  replica: boolean
  /** Of all workers together. Undefined or 0: no limit. */
  maxBytesPerSecond?: number
  /** Commits wait for the destination's disk: this process would not notice that a crash has lost them. */
  durable?: boolean
  /** The name by which other processes find and end the destination's session when this process is gone. */
  lease?: string
  /** The mark of a session on the destination. Without that session the run is over, and nothing is committed. */
  presence?: string
  /** How long a worker waits for a row that another worker of the same table has written. */
  sharedLockTimeoutMs?: number
  /** Pauses between attempts after a lost connection. Their number is the number of attempts. */
  retryPausesMs?: readonly number[]
}

export const usualRetryPausesMs: readonly number[] = [500, 1000, 2000, 4000, 8000]

/** How existing rows are deleted, in the transaction that copies the new ones. */
export interface Emptying {
  statements: string[]
  /** Names the tables that still have rows afterwards: a trigger or a policy may have kept them. */
  check?: string
}

export interface RowsPart {
  kind: 'rows'
  /** Run before the first row. Such a table is copied by one session: no other session could write to it. */
  empties?: Emptying
  copyOut: string
  /** For a merge it states only the table and the format of a plain copy. */
  copyIn: string
  format: CopyFormat
  /** For a table that has rows, which may have the same keys. */
  merge?: Merge | undefined
}

export type CopyPart =
  | RowsPart
  /** Several whole small tables; none of them merges. */
  | { kind: 'tables'; tables: RowsPart[] }
  | { kind: 'large objects'; objects: LargeObject[] }

export type Job = CopyPart & {
  /** Commit the destination's transaction directly after the copy: the table has one part. */
  commit: boolean
  /** Other workers copy parts of the same table: a wait for one of their rows would never end. */
  shared: boolean
  /** Transactions that the destination has confirmed. After a reconnect each of them must still be there. */
  confirmed: string[]
}

export interface LargeObject {
  oid: number
  size: number
}

export interface Counts {
  /** Rows that are now in the destination's table. */
  rows: number
  bytes: number
  /** Rows that were left out because their key exists. */
  collided: number
  /** For a table that was copied together with others: its share of the time. */
  seconds?: number
}

export type ToLane =
  | { type: 'open'; settings: LaneSettings; clock: SharedArrayBuffer }
  | { type: 'work'; job: Job }
  | { type: 'prepare' }
  | { type: 'finish'; commit: boolean }
  | { type: 'abort' }
  | { type: 'close' }

export type FailureKind =
  /** A server rejected the job: another attempt would not help. */
  | 'refused'
  | 'cancelled'
  /** A connection is lost. What was not committed is rolled back. */
  | 'lost'
  /** The rows wait for rows of another worker. */
  | 'blocked'
  /** The connection was lost during the commit, and its outcome could not be determined. */
  | 'doubtful'
  /** The worker cannot continue: the snapshot is gone, or a confirmed transaction is missing. */
  | 'ended'
  | 'crashed'

export type FromLane =
  | { type: 'opened' }
  | ({ type: 'progress' } & Counts)
  | { type: 'collided'; key: readonly string[]; values: KeyValues[] }
  /** `transaction` was committed together with this job. */
  | ({ type: 'worked'; transaction?: string | undefined; each?: Counts[] } & Counts)
  | { type: 'prepared'; transaction: string }
  /** Sent before a commit: if the worker is lost after it, the rows may be there. */
  | { type: 'committing' }
  | { type: 'finished'; transaction?: string | undefined }
  | {
      type: 'failed'
      error: ErrorInfo
      kind: FailureKind
      /** Both sessions had been opened. */
      connected: boolean
    }
  | { type: 'closed' }
