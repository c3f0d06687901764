// What every view shows of a database that is copied and followed, and what can be asked of it: the terminal,
// the page, the API and the metrics read the same object.

import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ErrorInfo } from './error-info.ts'
import { FollowStatus } from './follow.ts'
import { ForeignWrites } from './foreign-writes.ts'
import { LateWritesView } from './late-writes.ts'
import { oneOf } from './one-of.ts'
import { Phase } from './phase.ts'
import { SkippedTransaction } from './skipped.ts'
import { StorageFailure } from './storage-failure.ts'
import { TableName } from './table-name.ts'

/** How far the move as a whole has come. */
export const followStages = [
  /** Nothing has been made yet; both ends are looked at. */
  'preflight',
  'schema',
  'copy',
  /** Rows are there; changes of the meantime are being applied. */
  'catchup',
  'streaming',
  'switchover',
  /** Switched over; with `--keep-reverse` changes flow back. */
  'done',
] as const
export const FollowStage = oneOf(followStages)
export type FollowStage = (typeof followStages)[number]

/** What it is doing just now, at whatever stage. */
export const followStates = [
  'running',
  'paused',
  /** A connection was lost; another attempt follows. */
  'waiting',
  /** Somebody has to decide: retry, skip, or apply the change of the schema. */
  'conflict',
  /** Ended as it was told to; `pgtrek follow` goes on. */
  'stopped',
  'failed',
  /** Its process is gone without a word. */
  'lost',
] as const
export const FollowState = oneOf(followStates)
export type FollowState = (typeof followStates)[number]

/** `forward`: from the source to the destination. */
export const Direction = oneOf(['forward', 'back'] as const)
export type Direction = Static<typeof Direction>

/** How much of the copy is done, while there is one. */
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
  /** The server is about to give it up. */
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

/** Whether now would be a good moment to switch over. */
export const Readiness = Type.Object({
  green: Type.Boolean(),
  /** Since when it has been green, in milliseconds since 1970. */
  since: Type.Optional(Type.Number()),
  /** What is against it, in words; empty when green. */
  reasons: Type.Array(Type.String()),
  /** The marks: behind by no more than this, for at least so long. */
  lag_bytes: Type.Number(),
  lag_seconds: Type.Number(),
  for_seconds: Type.Number(),
})
export type Readiness = Static<typeof Readiness>

/** Two weeks. */
export const longestWatchSeconds = 1_209_600

export const SwitchoverOptions = Type.Object(
  {
    timeout_seconds: Type.Number({
      default: 30,
      exclusiveMinimum: 0,
      description: 'How long the destination may take to confirm the sentinel.',
    }),
    read_only_source: Type.Boolean({
      default: false,
      description: 'Makes the old primary read-only and ends its other sessions.',
    }),
    keep_reverse: Type.Boolean({
      default: false,
      description: 'Changes are then applied back to the old primary, so that a return loses nothing.',
    }),
    verify: Type.Boolean({
      default: false,
      description: 'Compares checksums of all rows instead of counts.',
    }),
    accept_differences: Type.Boolean({
      default: false,
      description:
        'Continues although objects of the source are missing or different on the destination; the report names them.',
    }),
    refresh_materialized_views: Type.Boolean({
      default: false,
      description:
        'Refreshes the migrated materialized views on the new primary after the handover. The report names each that fails.',
    }),
    sequence_margin: Type.Integer({
      default: 0,
      minimum: 0,
      description: 'Number of steps by which sequences are advanced.',
    }),
    watch_seconds: Type.Number({
      default: 60,
      minimum: 0,
      maximum: longestWatchSeconds,
      description:
        'How long the old primary is watched for late writes; 0 checks once. With `keep_reverse` it is watched as long as changes flow back.',
    }),
    discard_late_writes: Type.Boolean({
      default: false,
      description:
        'When returning: continues although changes were written to the old primary after the switchover, or although that is unknown.',
    }),
    back: Type.Boolean({ default: false, description: 'Returns to the source after `keep_reverse`.' }),
  },
  { additionalProperties: false },
)
export type SwitchoverOptions = Static<typeof SwitchoverOptions>

export const defaultSwitchoverOptions: SwitchoverOptions = Value.Create(SwitchoverOptions)

export const switchoverSteps = [
  'check',
  'read_only',
  'sentinel',
  'quiet',
  'sequences',
  'large_objects',
  'compare',
  'reverse',
  'report',
  /** It is handed over by then. */
  'materialized_views',
] as const
export const SwitchoverStep = oneOf(switchoverSteps)
export type SwitchoverStep = (typeof switchoverSteps)[number]

const lsn = Type.String()

export const SwitchoverReport = Type.Object({
  direction: Direction,
  from: Type.String(),
  to: Type.String(),
  started_at: Type.String(),
  finished_at: Type.String(),
  /** The destination confirmed everything up to here, and the sentinel itself where the server can send it. */
  sentinel: Type.Object({
    id: Type.String(),
    lsn,
    confirmed_lsn: lsn,
    confirmed_at: Type.String(),
    /** `message`: it came through the stream; `position`: everything before it is durable. */
    proof: oneOf(['message', 'position'] as const),
    seconds: Type.Number(),
  }),
  read_only: Type.Object({
    set: Type.Boolean(),
    sessions_ended: Type.Number(),
    /** Tables on which a trigger refuses to write, whatever a session asks for. */
    tables_guarded: Type.Optional(Type.Number()),
    /** Tables for which the database's default is all: a session can ask for a transaction that may write. */
    tables_unguarded: Type.Optional(Type.Array(Type.String())),
  }),
  /** Applied since this process began to follow. */
  transactions: Type.Number(),
  rows: Type.Number(),
  tables: Type.Array(
    Type.Object({
      schema: Type.String(),
      name: Type.String(),
      source_rows: Type.Number(),
      destination_rows: Type.Number(),
      equal: Type.Boolean(),
      /**
       * Compared by checksum before the switchover, at this position of the source's log, and in the
       * switchover only so many keys and key ranges that had changed since. The rows are those counted then.
       */
      before: Type.Optional(Type.Object({ lsn, again: Type.Number() })),
    }),
  ),
  compared: oneOf(['counts', 'checksums'] as const),
  sequences: Type.Array(
    Type.Object({
      schema: Type.String(),
      name: Type.String(),
      value: Type.String(),
      is_called: Type.Boolean(),
    }),
  ),
  large_objects: Type.Object({ total: Type.Number(), copied: Type.Number(), removed: Type.Number() }),
  /** Tables, views, functions, indexes and all others, compared as pg_dump writes them. */
  objects: Type.Optional(
    Type.Object({
      compared: Type.Number(),
      /** Differences that `accept_differences` has accepted, a sentence each. */
      accepted: Type.Array(Type.String()),
      /** Differences that cost no rows: owners, privileges, comments. */
      remarks: Type.Array(Type.String()),
    }),
  ),
  /** Those that were moved and have rows, when there are any; each that could not be refreshed with the reason. */
  materialized_views: Type.Optional(
    Type.Object({ total: Type.Number(), refreshed: Type.Number(), failed: Type.Array(Type.String()) }),
  ),
  reverse: Type.Optional(Type.Object({ slot: Type.String(), publication: Type.String() })),
  /** What is to be done now, a sentence each. */
  next: Type.Array(Type.String()),
})
export type SwitchoverReport = Static<typeof SwitchoverReport>

export const SwitchoverView = Type.Object({
  state: oneOf(['running', 'done', 'failed'] as const),
  options: SwitchoverOptions,
  step: SwitchoverStep,
  started_at: Type.Number(),
  /** When the confirmation must have come, in milliseconds since 1970. */
  deadline: Type.Optional(Type.Number()),
  error: Type.Optional(ErrorInfo),
  /**
   * When it has failed: what could not be taken back, a sentence each. Empty: everything is as before. Absent: it is
   * not known whether it was handed over.
   */
  left: Type.Optional(Type.Array(Type.String())),
  report: Type.Optional(SwitchoverReport),
})
export type SwitchoverView = Static<typeof SwitchoverView>

/** Tables that are copied anew while the move goes on. */
export const RecopyView = Type.Object({
  state: oneOf(['running', 'done', 'failed'] as const),
  started_at: Type.Number(),
  tables: Type.Array(TableName),
  /** What became of it. */
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

/** Samples and log lines that a view carries at most. */
export const mostSamples = 240
export const mostFollowLines = 200

/** How far both sides were compared by checksum while changes flow, and what is left for a switchover. */
export const VerificationView = Type.Object({
  tables: Type.Number(),
  /** Compared, and the same but for rows that have changed since. */
  checked: Type.Number(),
  /** Of the newest comparison, in the source's log. */
  position: Type.Optional(Type.String()),
  running: Type.Optional(TableName),
  /** Keys and key ranges of checked tables that are compared again. */
  changed_rows: Type.Number(),
  /** Tables that a switchover would have to compare whole. */
  whole_tables: Type.Number(),
  whole_bytes: Type.Number(),
  /** How long a switchover's comparison will presumably take. */
  window_seconds: Type.Optional(Type.Number()),
  different: Type.Array(TableName),
  /** What it waits for, or cannot do. */
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
  /** The process that works; absent when none does. */
  process: Type.Optional(Type.Object({ host: Type.String(), pid: Type.Number() })),
  /** Which way changes flow, or will flow; the other way after a switchover with `keep_reverse`. */
  direction: Direction,
  bidirectional: Type.Boolean(),
  tables: Type.Number(),
  copy: Type.Optional(CopyOverview),
  /** Empty before rows are there; two when both ways are followed at once. */
  streams: Type.Array(StreamView),
  ready: Readiness,
  sequences: Type.Object({ total: Type.Number(), refreshed_at: Type.Optional(Type.Number()) }),
  /** Those that are not in the stream and were not the same when last looked at. */
  large_objects: Type.Object({ total: Type.Number(), changed: Type.Optional(Type.Number()) }),
  /** Absent where both sides are not compared while changes flow. */
  verification: Type.Optional(VerificationView),
  /** Tables whose rows could not be copied: they are not followed. */
  failed_tables: Type.Array(Type.Intersect([TableName, Type.Object({ error: Type.String() })])),
  /** Transactions left out at a conflict, with the tables that were not found equal since. */
  skipped: Type.Optional(Type.Array(SkippedTransaction)),
  /** Tables of the destination that others than the move have written to. */
  foreign_writes: Type.Optional(ForeignWrites),
  warnings: Type.Array(Type.String()),
  /** While the state directory cannot be written: the view that other processes see is an old one. */
  storage_failure: Type.Optional(StorageFailure),
  last_error: Type.Optional(ErrorInfo),
  late_writes: Type.Optional(LateWritesView),
  /** The side that was left by a switchover is looked at. */
  watch: Type.Optional(
    Type.Object({
      place: Type.String(),
      /** In milliseconds since 1970; without it as long as changes flow back. */
      until: Type.Optional(Type.Number()),
      /** Why the last look has failed. */
      trouble: Type.Optional(Type.String()),
    }),
  ),
  switchover: Type.Optional(SwitchoverView),
  recopy: Type.Optional(RecopyView),
  samples: Type.Array(FollowSample),
  log: Type.Array(FollowLogLine),
})
export type FollowView = Static<typeof FollowView>

/** Where the conflict stands that was decided about; it is refused when there is another one by now. */
const sameConflict = Type.Optional(lsn)

/** What can be asked of one that is running. */
export const FollowAction = Type.Union([
  Type.Object({ type: Type.Literal('pause') }),
  Type.Object({ type: Type.Literal('resume') }),
  /** Of a conflict: the destination was mended. */
  Type.Object({ type: Type.Literal('retry') }),
  /** Of a conflict: leaves that transaction out, whole. */
  Type.Object({ type: Type.Literal('skip'), lsn: sameConflict }),
  /** Of a conflict: gives the destination's table the columns that the source's has. */
  Type.Object({ type: Type.Literal('apply_schema'), lsn: sameConflict }),
  /** Copies tables anew and follows them from there: those that were named, or all that have failed. */
  Type.Object({ type: Type.Literal('recopy'), tables: Type.Array(Type.String()) }),
  Type.Object({ type: Type.Literal('switchover'), options: SwitchoverOptions }),
  /** Ends with what is whole; `pgtrek follow` goes on from there. */
  Type.Object({ type: Type.Literal('stop') }),
])
export type FollowAction = Static<typeof FollowAction>

export const FollowAnswer = Type.Union([
  Type.Object({ ok: Type.Literal(true), message: Type.String() }),
  Type.Object({ ok: Type.Literal(false), message: Type.String() }),
])
export type FollowAnswer = Static<typeof FollowAnswer>

/**
 * Where somebody sees a followed database and says what is to be done: in the process that follows, or from another
 * one through the store.
 */
export interface FollowController {
  readonly name: string
  /** Nothing when it has never been started, or was cleaned up. */
  view(): FollowView | undefined
  /** Answers as soon as the action has been taken up; what becomes of it is in the view. */
  act(action: FollowAction): Promise<FollowAnswer>
}
