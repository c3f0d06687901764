// The progress of a run for every view: a pure fold over its events.
import { type Static, Type } from '@sinclair/typebox'
import { TableComparison } from './comparison.ts'
import { RunStatus } from './event.ts'
import { FailedObject, FailedStep } from './failure.ts'
import { Phase } from './phase.ts'
import { WorkerView } from './worker.ts'

export const TableStatus = Type.Union([
  Type.Literal('pending'),
  Type.Literal('in_progress'),
  Type.Literal('completed'),
  Type.Literal('failed'),
  Type.Literal('skipped'),
  Type.Literal('cancelled'),
])
export type TableStatus = Static<typeof TableStatus>

export const TableProgress = Type.Object({
  schema: Type.String(),
  name: Type.String(),
  status: TableStatus,
  /** An estimate until the table is complete, then the exact number. */
  total_rows: Type.Integer(),
  migrated_rows: Type.Integer(),
  /** Rows that append left out because their keys exist on the destination. */
  collided: Type.Number(),
  /** 100 only when it is complete. */
  percent: Type.Integer({ minimum: 0, maximum: 100 }),
  total_bytes: Type.Number(),
  migrated_bytes: Type.Number(),
  /** Seconds spent copying rows, and building this table's indexes and constraints (summed over workers). */
  copy_seconds: Type.Number(),
  index_seconds: Type.Number(),
  /** The processes that copy or have copied it, if they are others, separated by commas. */
  worker: Type.Optional(Type.String()),
})
export type TableProgress = Static<typeof TableProgress>

export const PhaseProgress = Type.Object({
  phase: Phase,
  total: Type.Number(),
  done: Type.Number(),
  failed: Type.Number(),
  skipped: Type.Number(),
  running: Type.Number(),
  /** From the first step's start to the last step's end. */
  wall_seconds: Type.Number(),
  /** The sum of the steps' times, including those of concurrent steps. */
  cumulative_seconds: Type.Number(),
})
export type PhaseProgress = Static<typeof PhaseProgress>

export const SkippedObject = Type.Object({
  schema: Type.String(),
  name: Type.String(),
  kind: Type.String(),
  reason: Type.String(),
})

export const Progress = Type.Object({
  overall_percent: Type.Number(),
  elapsed_seconds: Type.Number(),
  tables: Type.Array(TableProgress),
  current_phase: Phase,
  log_message: Type.String(),
  failedTables: Type.Array(FailedObject),
  status: Type.Union([Type.Literal('running'), RunStatus]),
  /** The run ends with the plan: its tables stay pending. */
  dry_run: Type.Optional(Type.Boolean()),
  /** Every failed step, not only tables; `kind` is its kind. */
  failed: Type.Array(FailedStep),
  skipped: Type.Array(SkippedObject),
  warnings: Type.Array(Type.String()),
  phases: Type.Array(PhaseProgress),
  verification: Type.Optional(
    Type.Object({ compared: Type.Number(), different: Type.Array(TableComparison) }),
  ),
  /** The connected workers, if other processes copy the rows. */
  workers: Type.Optional(Type.Array(WorkerView)),
  migrated_rows: Type.Number(),
  migrated_bytes: Type.Number(),
  total_bytes: Type.Number(),
  /** Recent rates; zero while no rows are copied. */
  rows_per_second: Type.Number(),
  bytes_per_second: Type.Number(),
  remaining_seconds: Type.Optional(Type.Number()),
})
export type Progress = Static<typeof Progress>
