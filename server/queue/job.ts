// What a job of the queue says: which rows, of which run, and by which names its worker finds the connections.
// There is no connection in it, and no password.
import type { ErrorInfo } from '../../shared/event.ts'
import type { CopyPart, Counts } from '../copy/pool.ts'

/** Both databases, as every process that knows them calls them. */
export interface JobEnds {
  /** Of a fleet; nothing means the two that a worker was given itself. */
  mapping?: string
  /** Of the mapping's instances; nothing means the one that the connection names. */
  sourceDatabase?: string
  destinationDatabase?: string
}

export interface CopyJob {
  /** As the ledger knows it. */
  run: string
  /** As its sessions are marked. */
  mark: string
  ends: JobEnds
  /** So that no worker writes to another database which it knows by the same name. */
  destination: string
  snapshot: string
  clientEncoding: string
  replica: boolean
  /** Of all workers together. */
  maxBytesPerSecond: number
  title: string
  bytes: number
  parts: CopyPart[]
  /** Not to be committed before the coordinator says so: other jobs make the same table, or it keeps a record. */
  agree: boolean
  /** Other jobs write to the same table. */
  shared: boolean
  /** Several tables, each of its parts one of them. */
  together: boolean
}

export type CopyOutcome =
  | ({ kind: 'done'; each: Counts[]; seconds: number } & Counts)
  /** A server said no: another worker would hear the same. */
  | { kind: 'refused'; error: ErrorInfo }
  /** Whether it was committed cannot be found out. */
  | { kind: 'doubtful'; error: ErrorInfo }
  /** Taken back, since the run is over or the coordinator wanted it so. */
  | { kind: 'released'; reason: string }

/** Workers look only into queues whose connections they know. */
export function queueOf({ mapping }: JobEnds): string {
  return mapping === undefined ? 'copy' : `copy/${mapping}`
}
