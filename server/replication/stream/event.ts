// The events of a stream of changes: the messages of pgoutput, and the walsender's keepalives.
// https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
import type { Lsn } from './lsn.ts'
import type { Tuple } from './tuple.ts'

/** Microseconds since 2000-01-01, as servers send time. */
export type ServerTime = number

export interface RelationColumn {
  name: string
  /** Part of the replica identity. */
  key: boolean
  type: number
  modifier: number
  /** The source computes it, and messages do not contain it. */
  computed?: boolean
}

export interface Relation {
  id: number
  schema: string
  name: string
  /** pg_class.relreplident: d(efault), n(othing), f(ull), i(ndex). */
  identity: string
  columns: RelationColumn[]
}

/** What the old version of a row contains: the columns of its key, all columns, or undefined when it was not sent. */
export type OldRow = 'key' | 'full' | undefined

export interface TransactionEnd {
  commitLsn: Lsn
  /** The position after the transaction. */
  endLsn: Lsn
  time: ServerTime
}

export interface Prepared {
  prepareLsn: Lsn
  endLsn: Lsn
  time: ServerTime
  xid: number
  gid: string
}

export interface InsertEvent {
  type: 'insert'
  relation: number
  row: Tuple
}

export interface UpdateEvent {
  type: 'update'
  relation: number
  old: OldRow
  oldRow: Tuple
  row: Tuple
}

export interface DeleteEvent {
  type: 'delete'
  relation: number
  old: OldRow
  oldRow: Tuple
}

export interface TruncateEvent {
  type: 'truncate'
  relations: number[]
  cascade: boolean
  restartIdentity: boolean
}

export interface RelationEvent {
  type: 'relation'
  relation: Relation
}

export interface TypeEvent {
  type: 'type'
  id: number
  schema: string
  name: string
}

/** A logical message. */
export interface MessageEvent {
  type: 'message'
  transactional: boolean
  lsn: Lsn
  prefix: string
  content: Uint8Array
}

/**
 * A message within a streamed transaction. Its body starts after the id of the (sub)transaction that it belongs to.
 */
export interface StreamedEvent {
  type: 'streamed'
  xid: number
  message: number
  bytes: Buffer
  start: number
  end: number
}

export type RowEvent = InsertEvent | UpdateEvent | DeleteEvent | TruncateEvent

/** The content of a transaction. */
export type ContentEvent = RowEvent | RelationEvent | TypeEvent | MessageEvent

export type ChangeEvent =
  | ContentEvent
  | { type: 'begin'; finalLsn: Lsn; time: ServerTime; xid: number }
  | { type: 'commit'; end: TransactionEnd }
  /** The transaction was replicated to the source. Follows `begin` or the first `stream_start`. */
  | { type: 'origin'; lsn: Lsn; name: string }
  /** Since protocol 2: a part of a transaction that is not committed yet. */
  | { type: 'stream_start'; xid: number; first: boolean }
  | { type: 'stream_stop' }
  | StreamedEvent
  | { type: 'stream_commit'; xid: number; end: TransactionEnd }
  | { type: 'stream_abort'; xid: number; subtransaction: number }
  /** Since protocol 3, if two-phase commit was requested. */
  | { type: 'begin_prepare' | 'prepare' | 'stream_prepare'; prepared: Prepared }
  | { type: 'commit_prepared' | 'rollback_prepared'; xid: number; end: TransactionEnd; gid: string }

/** The source has sent everything up to here. */
export interface KeepaliveEvent {
  type: 'keepalive'
  end: Lsn
  time: ServerTime
}

export type SourceEvent = ChangeEvent | KeepaliveEvent
