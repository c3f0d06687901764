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
  /** Of all workers together; 0 or nothing is as fast as it goes. */
  maxBytesPerSecond?: number
  /** Commits wait for the destination's disk: a crash that loses them would not be noticed here. */
  durable?: boolean
  /** By which the destination's session is found and ended when this process is gone. */
  lease?: string
  /** Marks a session on the destination: nothing is committed when it is not there, since the run is over then. */
  presence?: string
  /** How long a worker waits for a row that another worker of the same table has written. */
  sharedLockTimeoutMs?: number
  /** Between attempts after a lost connection; there are as many attempts. */
  retryPausesMs?: readonly number[]
}

export const usualRetryPausesMs: readonly number[] = [500, 1000, 2000, 4000, 8000]

/** What deletes the existing rows, in the transaction that copies the new ones. */
export interface Emptying {
  statements: string[]
  /** Names the tables that still have rows afterwards: a trigger or a policy may have kept them. */
  check?: string
}

export interface RowsPart {
  kind: 'rows'
  /** Done before the first row. Such a table is copied by one session: no other could write into it. */
  empties?: Emptying
  copyOut: string
  /** Of a merge it says only the table and the format that a plain copy would take. */
  copyIn: string
  format: CopyFormat
  /** Into a table that has rows, whose keys may be there already. */
  merge?: Merge | undefined
}

export type CopyPart =
  | RowsPart
  /** Several whole small tables; none of them merges. */
  | { kind: 'tables'; tables: RowsPart[] }
  | { kind: 'large objects'; objects: LargeObject[] }

export type Job = CopyPart & {
  /** Ends the destination's transaction directly after the copy: the table has one part. */
  commit: boolean
  /** Other workers hold parts of the same table: waiting for a row of theirs would never end. */
  shared: boolean
  /** Transactions that the destination has confirmed: none of them may be gone when we come back to it. */
  confirmed: string[]
}

export interface LargeObject {
  oid: number
  size: number
}

export interface Counts {
  /** Rows that are in the destination's table now. */
  rows: number
  bytes: number
  /** Rows that were left out, since their key is there. */
  collided: number
  /** Of a table that was copied together with others: its share of the time. */
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
  /** A server rejected it: trying again would not help. */
  | 'refused'
  | 'cancelled'
  /** A connection is gone, and what was not committed with it. */
  | 'lost'
  /** The rows wait for those of another worker. */
  | 'blocked'
  /** The connection was lost at the commit, and no server could be asked what became of it. */
  | 'doubtful'
  /** Nothing can be done any more: the snapshot is gone, or what was confirmed. */
  | 'ended'
  | 'crashed'

export type FromLane =
  | { type: 'opened' }
  | ({ type: 'progress' } & Counts)
  | { type: 'collided'; key: readonly string[]; values: KeyValues[] }
  /** `transaction` is the one that was committed with it. */
  | ({ type: 'worked'; transaction?: string | undefined; each?: Counts[] } & Counts)
  | { type: 'prepared'; transaction: string }
  /** Goes ahead of a commit: should the worker be lost from here on, the rows may be there. */
  | { type: 'committing' }
  | { type: 'finished'; transaction?: string | undefined }
  | {
      type: 'failed'
      error: ErrorInfo
      kind: FailureKind
      /** Both sessions were there before. */
      connected: boolean
    }
  | { type: 'closed' }
