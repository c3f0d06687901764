// What every view shows of a followed database: the terminal, the page, the API and the metrics read the same object.

import { type Static, Type } from '@sinclair/typebox'
import { ErrorInfo } from './error-info.ts'
import { Direction, FollowStatus } from './follow.ts'
import { ForeignWrites } from './foreign-writes.ts'
import { LateWritesView } from './late-writes.ts'
import { oneOf } from './one-of.ts'
import { Phase } from './phase.ts'
import { SkippedTransaction } from './skipped.ts'
import { StorageFailure } from './storage-failure.ts'
import { SwitchoverView } from './switchover.ts'
import { TableName } from './table-name.ts'

/** How far the move as a whole has come. */
export const followStages = [
  /** Both ends are checked; nothing has been created yet. */
  'preflight',
  'schema',
  'copy',
  /** The rows are copied; changes since the snapshot are being applied. */
  'catchup',
  'streaming',
  'switchover',
  /** Switched over; with `--keep-reverse` changes flow back. */
  'done',
] as const
export const FollowStage = oneOf(followStages)
export type FollowStage = (typeof followStages)[number]

/** What it is doing now, in any stage. */
export const followStates = [
  'running',
  'paused',
  /** A connection was lost; another attempt follows. */
  'waiting',
  /** A decision is needed: retry, skip, or apply the schema change. */
  'conflict',
  /** Ended on request; `pgtrek follow` continues. */
  'stopped',
  'failed',
  /** Its process ended unexpectedly. */
  'lost',
] as const
export const FollowState = oneOf(followStates)
export type FollowState = (typeof followStates)[number]

/** The progress of the copy. */
export const CopyOverview = Type.Object({
  overall_percent: Type.Number(),
  current_phase: Phase,
  tables: Type.Number(),
  tables_done: Type.Number(),
  rows: Type.Number(),
  bytes: Type.Number(),
  total_bytes: Type.Number(),
  rows_per_second: Type.Number(),
  bytes_per_second: Type.Number(),
  remaining_seconds: Type.Optional(Type.Number()),
  running: Type.Array(
    Type.Object({ schema: Type.String(), name: Type.String(), percent: Type.Number(), rows: Type.Number() }),
  ),
  failed: Type.Array(Type.Object({ schema: Type.String(), name: Type.String(), error: Type.String() })),
})
export type CopyOverview = Static<typeof CopyOverview>

export const SlotView = Type.Object({
  name: Type.String(),
  active: Type.Boolean(),
  /** Log that the server keeps for it. */
  retained_bytes: Type.Number(),
  /** The server is about to invalidate it. */
  endangered: Type.Boolean(),
  lost: Type.Optional(Type.String()),
})
export type SlotView = Static<typeof SlotView>

/** One way in which changes flow. */
export const StreamView = Type.Object({
  direction: Direction,
  status: FollowStatus,
  slot: Type.Optional(SlotView),
})
export type StreamView = Static<typeof StreamView>

/** Cutover readiness. */
export const Readiness = Type.Object({
  green: Type.Boolean(),
  /** Since when it has been green, in milliseconds since 1970. */
  since: Type.Optional(Type.Number()),
  /** Why it is not ready; empty when green. */
  reasons: Type.Array(Type.String()),
  /** The limits: a lag of at most so much, for at least so long. */
  lag_bytes: Type.Number(),
  lag_seconds: Type.Number(),
  for_seconds: Type.Number(),
})
export type Readiness = Static<typeof Readiness>

/** Tables that are copied again while the move continues. */
export const RecopyView = Type.Object({
  state: oneOf(['running', 'done', 'failed'] as const),
  started_at: Type.Number(),
  tables: Type.Array(TableName),
  /** The result. */
  message: Type.Optional(Type.String()),
})
export type RecopyView = Static<typeof RecopyView>

export const FollowLogLine = Type.Object({
  at: Type.Number(),
  level: oneOf(['info', 'warn', 'error'] as const),
  message: Type.String(),
})
export type FollowLogLine = Static<typeof FollowLogLine>

export const FollowSample = Type.Object({
  at: Type.Number(),
  lag_bytes: Type.Number(),
  lag_seconds: Type.Number(),
  rows_per_second: Type.Number(),
  transactions_per_second: Type.Number(),
})
export type FollowSample = Static<typeof FollowSample>

/** A view has at most so many samples and log lines. */
export const mostSamples = 240
export const mostFollowLines = 200

/** The comparison by checksum while following, and what remains for a switchover. */
export const VerificationView = Type.Object({
  tables: Type.Number(),
  /** Tables found equal, except for rows that have changed since. */
  checked: Type.Number(),
  /** Position of the newest comparison in the source's log. */
  position: Type.Optional(Type.String()),
  running: Type.Optional(TableName),
  /** Keys and key ranges of checked tables that have to be compared again. */
  changed_rows: Type.Number(),
  /** Tables that a switchover would have to compare whole. */
  whole_tables: Type.Number(),
  whole_bytes: Type.Number(),
  /** Estimated duration of a switchover's comparison. */
  window_seconds: Type.Optional(Type.Number()),
  different: Type.Array(TableName),
  /** What it waits for, or why it cannot compare. */
  note: Type.Optional(Type.String()),
})
export type VerificationView = Static<typeof VerificationView>

export const FollowView = Type.Object({
  name: Type.String(),
  /** Without passwords. */
  source: Type.String(),
  destination: Type.String(),
  started_at: Type.Number(),
  updated_at: Type.Number(),
  stage: FollowStage,
  state: FollowState,
  /** The process that runs it; absent when none does. */
  process: Type.Optional(Type.Object({ host: Type.String(), pid: Type.Number() })),
  /** The direction in which changes flow, or will flow; the other one after a switchover with `keep_reverse`. */
  direction: Direction,
  bidirectional: Type.Boolean(),
  tables: Type.Number(),
  copy: Type.Optional(CopyOverview),
  /** Empty before the rows are copied; two when both directions are followed at once. */
  streams: Type.Array(StreamView),
  ready: Readiness,
  sequences: Type.Object({ total: Type.Number(), refreshed_at: Type.Optional(Type.Number()) }),
  /** `changed`: those that differed at the last check. */
  large_objects: Type.Object({ total: Type.Number(), changed: Type.Optional(Type.Number()) }),
  /** Absent when both sides are not compared while following. */
  verification: Type.Optional(VerificationView),
  /** Tables whose rows could not be copied, and that are not followed. */
  failed_tables: Type.Array(Type.Intersect([TableName, Type.Object({ error: Type.String() })])),
  /** Skipped transactions, with tables that were not found equal since. */
  skipped: Type.Optional(Type.Array(SkippedTransaction)),
  /** Tables of the destination that others than the move have written to. */
  foreign_writes: Type.Optional(ForeignWrites),
  warnings: Type.Array(Type.String()),
  /** The state directory cannot be written: other processes see an old view. */
  storage_failure: Type.Optional(StorageFailure),
  last_error: Type.Optional(ErrorInfo),
  late_writes: Type.Optional(LateWritesView),
  /** The old primary is watched for late writes. */
  watch: Type.Optional(
    Type.Object({
      place: Type.String(),
      /** In milliseconds since 1970; absent while changes flow back. */
      until: Type.Optional(Type.Number()),
      /** Why the last check failed. */
      trouble: Type.Optional(Type.String()),
    }),
  ),
  switchover: Type.Optional(SwitchoverView),
  recopy: Type.Optional(RecopyView),
  samples: Type.Array(FollowSample),
  log: Type.Array(FollowLogLine),
})
export type FollowView = Static<typeof FollowView>
