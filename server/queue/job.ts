// A job of the queue: which rows, of which run, and the names by which its worker finds the connections. It contains
// no connection settings and no password.
import type { ErrorInfo } from '../../shared/event.ts'
import type { CopyPart, Counts } from '../copy/pool.ts'

/** Both databases, by names that every process with their connections knows. */
export interface JobEnds {
  /** Of a fleet. Undefined: the two connections that the worker was started with. */
  mapping?: string
  /** Of the mapping's instances. Undefined: the database that the connection names. */
  sourceDatabase?: string
  destinationDatabase?: string
}

export interface CopyJob {
  /** Its name in the ledger. */
  run: string
  /** The mark of its sessions. */
  mark: string
  ends: JobEnds
  /** Identifies the database, so that no worker writes to another one with the same name. */
  destination: string
  snapshot: string
  clientEncoding: string
  replica: boolean
  /** Of all workers together. */
  maxBytesPerSecond: number
  title: string
  bytes: number
  parts: CopyPart[]
  /** Commit only when the coordinator has decided it: other jobs copy the same table, or the coordinator keeps a record. */
  agree: boolean
  /** Other jobs write to the same table. */
  shared: boolean
  /** Several tables; each part is one of them. */
  together: boolean
}

export type CopyOutcome =
  | ({ kind: 'done'; each: Counts[]; seconds: number } & Counts)
  /** A server rejected it: another worker would get the same answer. */
  | { kind: 'refused'; error: ErrorInfo }
  /** It cannot be determined whether it was committed. */
  | { kind: 'doubtful'; error: ErrorInfo }
  /** Not committed, because the run is over or the coordinator has decided so. */
  | { kind: 'released'; reason: string }

/** Workers read only queues whose connections they know. */
export function queueOf({ mapping }: JobEnds): string {
  return mapping === undefined ? 'copy' : `copy/${mapping}`
}
