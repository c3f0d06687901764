// Following the changes of a source: its events and its state.

import { type Static, Type } from '@sinclair/typebox'
import { ErrorInfo } from './error-info.ts'
import { oneOf } from './one-of.ts'
import { SkippedTable } from './skipped.ts'
import { TableName } from './table-name.ts'

/** Milliseconds since 1970. */
const at = Type.Number()
/** `16/B374D848` */
const lsn = Type.String()

/** `forward`: from the source to the destination. */
export const Direction = oneOf(['forward', 'back'] as const)
export type Direction = Static<typeof Direction>

export const FollowPhase = Type.Union([
  Type.Literal('connecting'),
  /** Earlier changes are being applied. */
  Type.Literal('catchup'),
  Type.Literal('streaming'),
  Type.Literal('paused'),
  /** A connection was lost; another attempt follows. */
  Type.Literal('waiting'),
  /** A user has to decide: retry, or skip the transaction. */
  Type.Literal('conflict'),
  Type.Literal('stopped'),
  Type.Literal('failed'),
])
export type FollowPhase = Static<typeof FollowPhase>

export const FollowConflict = Type.Object({
  /** The position of the transaction's commit in the source's log: the argument of `skip`. */
  lsn,
  xid: Type.Number(),
  committedAt: Type.String(),
  statement: Type.Union([
    Type.Literal('insert'),
    Type.Literal('update'),
    Type.Literal('delete'),
    Type.Literal('truncate'),
    Type.Literal('relation'),
    Type.Literal('commit'),
  ]),
  table: Type.Optional(TableName),
  /** The row by its key, or by all its columns where it has none. */
  key: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]))),
  problems: Type.Array(Type.String()),
  message: Type.String(),
  error: Type.Optional(ErrorInfo),
})
export type FollowConflict = Static<typeof FollowConflict>

export const TableChanges = Type.Object({
  schema: Type.String(),
  name: Type.String(),
  inserts: Type.Number(),
  updates: Type.Number(),
  deletes: Type.Number(),
  truncates: Type.Number(),
})
export type TableChanges = Static<typeof TableChanges>

/** Why the streamed apply of a large transaction was given up. */
export const StreamedGiveUpReason = Type.Union([
  /** The source rolled back all of it, or to a savepoint. What was committed before the stream started is aborted too. */
  Type.Literal('aborted'),
  Type.Literal('savepoint'),
  /** It is skipped, was applied before, or was replicated to the source. */
  Type.Literal('left_out'),
  /** It contains changes that are applied or reported only at its commit. */
  Type.Literal('truncate'),
  Type.Literal('message'),
  Type.Literal('schema_change'),
  /** A table that is unknown, is missing on the destination, or differs there. */
  Type.Literal('unknown_table'),
  Type.Literal('missing_table'),
  Type.Literal('misfit'),
  /** Some of its values can be sent only as text. */
  Type.Literal('text_only'),
  /** The destination refused a change, or does not have its row. */
  Type.Literal('conflict'),
  /** It waited for a lock, or other sessions may have waited for one of its locks. */
  Type.Literal('lock'),
  Type.Literal('held_up'),
  Type.Literal('connection_lost'),
  Type.Literal('no_answer'),
  Type.Literal('no_session'),
  /** The server has no resources left, or a cancel request stopped it. */
  Type.Literal('server_error'),
  /** The source sent no more of it for too long. */
  Type.Literal('source_idle'),
  /** Following was paused, or the stream ended. */
  Type.Literal('paused'),
  Type.Literal('stream_ended'),
])
export type StreamedGiveUpReason = Static<typeof StreamedGiveUpReason>

export const StreamedGiveUps = Type.Array(
  Type.Object({ reason: StreamedGiveUpReason, transactions: Type.Number() }),
)
export type StreamedGiveUps = Static<typeof StreamedGiveUps>

export const FollowStatus = Type.Object({
  phase: FollowPhase,
  /** The positions received from the source, committed on the destination, and flushed to its disk. */
  received: lsn,
  applied: lsn,
  durable: lsn,
  /** The end of the source's log, as last reported. */
  sourceEnd: lsn,
  lagBytes: Type.Number(),
  /** The age of the newest change on the destination, while there are newer ones. */
  lagMilliseconds: Type.Number(),
  /** Since the start of this process. */
  transactions: Type.Number(),
  rows: Type.Number(),
  transactionsPerSecond: Type.Number(),
  rowsPerSecond: Type.Number(),
  /** Bytes of large transactions that wait for their commit. */
  spilledBytes: Type.Number(),
  /** Large transactions whose changes were applied before the source committed them. */
  appliedEarly: Type.Number(),
  /** Streamed applies that were given up, by reason. Missing in data stored by older versions. */
  givenUpEarly: Type.Optional(StreamedGiveUps),
  tables: Type.Array(TableChanges),
  conflict: Type.Optional(FollowConflict),
  lastError: Type.Optional(ErrorInfo),
})
export type FollowStatus = Static<typeof FollowStatus>

export const FollowEvent = Type.Union([
  /** Both sides are connected; changes are streamed from this position on. */
  Type.Object({
    type: Type.Literal('follow_connected'),
    at,
    from: lsn,
    position: Type.Union([Type.Literal('origin'), Type.Literal('table')]),
    binary: Type.Boolean(),
    /** Triggers and foreign keys of the destination do not fire for applied changes. */
    replicaRole: Type.Boolean(),
  }),
  Type.Object({ type: Type.Literal('follow_progress'), at, status: FollowStatus }),
  Type.Object({
    type: Type.Literal('follow_waiting'),
    at,
    error: ErrorInfo,
    seconds: Type.Number(),
  }),
  Type.Object({ type: Type.Literal('follow_conflict'), at, conflict: FollowConflict }),
  Type.Object({
    type: Type.Literal('follow_skipped'),
    at,
    lsn,
    xid: Type.Number(),
    tables: Type.Array(SkippedTable),
  }),
  /** The source's definition of a table has changed. */
  Type.Object({
    type: Type.Literal('follow_schema_changed'),
    at,
    table: TableName,
    changes: Type.Array(Type.String()),
  }),
  Type.Object({ type: Type.Literal('follow_paused'), at }),
  Type.Object({ type: Type.Literal('follow_resumed'), at }),
  /** A logical message of the source: a sentinel of pgtrek, or one of an application. */
  Type.Object({
    type: Type.Literal('follow_message'),
    at,
    prefix: Type.String(),
    lsn,
    content: Type.String(),
  }),
  Type.Object({ type: Type.Literal('follow_warning'), at, message: Type.String() }),
  /** A large transaction is applied at its commit, and not while it is sent. */
  Type.Object({
    type: Type.Literal('follow_streamed_given_up'),
    at,
    xid: Type.Number(),
    reason: StreamedGiveUpReason,
    message: Type.String(),
  }),
  /** The end: everything up to the position is on the destination's disk, except after an error. */
  Type.Object({
    type: Type.Literal('follow_stopped'),
    at,
    durable: lsn,
    error: Type.Optional(ErrorInfo),
  }),
])
export type FollowEvent = Static<typeof FollowEvent>
