// A switchover: its options, its steps, its state while it runs, and its report.

import { type Static, Type } from '@sinclair/typebox'
import { ErrorInfo } from './error-info.ts'
import { Direction } from './follow.ts'
import { oneOf } from './one-of.ts'

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
  /** After the handover. */
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
    /** Tables on which a trigger refuses writes of every session. */
    tables_guarded: Type.Optional(Type.Number()),
    /** Tables protected only by the database's default, which a session may override. */
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
       * Compared by checksum before the switchover, at this position of the source's log. The switchover compared
       * only `again` keys and key ranges that had changed since. The row counts are those of the first comparison.
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
  /** Migrated materialized views that have rows, if any. `failed`: each with the reason. */
  materialized_views: Type.Optional(
    Type.Object({ total: Type.Number(), refreshed: Type.Number(), failed: Type.Array(Type.String()) }),
  ),
  reverse: Type.Optional(Type.Object({ slot: Type.String(), publication: Type.String() })),
  /** What to do next, a sentence each. */
  next: Type.Array(Type.String()),
})
export type SwitchoverReport = Static<typeof SwitchoverReport>

export const SwitchoverView = Type.Object({
  state: oneOf(['running', 'done', 'failed'] as const),
  options: SwitchoverOptions,
  step: SwitchoverStep,
  started_at: Type.Number(),
  /** The time limit of the confirmation, in milliseconds since 1970. */
  deadline: Type.Optional(Type.Number()),
  error: Type.Optional(ErrorInfo),
  /**
   * After a failure: what could not be undone, a sentence each. Empty: everything is as before. Absent: it is unknown
   * whether it was handed over.
   */
  left: Type.Optional(Type.Array(Type.String())),
  report: Type.Optional(SwitchoverReport),
})
export type SwitchoverView = Static<typeof SwitchoverView>
