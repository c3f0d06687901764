// What the main thread and a copy worker say to each other.
import type { ErrorInfo } from '../../shared/event.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { CopyFormat } from './format.ts'

export interface LaneSettings {
  source: ConnectionSettings
  destination: ConnectionSettings
  /** Exported by the session that reads the catalogs: every lane sees the same rows. */
  snapshot: string
  /** The source's own encoding; the destination converts. */
  clientEncoding: string
  /** Switch off the destination's triggers and foreign keys for our rows. */
  replica: boolean
}

/** `commit` ends the destination's transaction right behind the copy: the table has one part. */
export type Job = { id: number; commit: boolean } & (
  | { kind: 'rows'; copyOut: string; copyIn: string; format: CopyFormat }
  | { kind: 'large objects'; objects: LargeObject[] }
)

export interface LargeObject {
  oid: number
  size: number
}

export type ToLane =
  | { type: 'open'; settings: LaneSettings }
  | { type: 'work'; job: Job }
  | { type: 'finish'; commit: boolean }
  | { type: 'abort' }
  | { type: 'close' }

export type FromLane =
  | { type: 'opened' }
  | { type: 'progress'; job: number; rows: number; bytes: number }
  | { type: 'worked'; job: number; rows: number; bytes: number }
  | { type: 'finished' }
  | { type: 'failed'; error: ErrorInfo; cancelled: boolean; lost: boolean }
  | { type: 'closed' }
