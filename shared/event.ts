// The events of a run, its only output. Every view is a fold over them.
import { type Static, Type } from '@sinclair/typebox'
import { TableComparison } from './comparison.ts'
import { ErrorInfo } from './error-info.ts'
import { Phase } from './phase.ts'
import { TableName } from './table-name.ts'
import { WorkerView } from './worker.ts'

export { ErrorInfo }

/** One unit of work for views: the plan's step without its SQL. */
export const StepInfo = Type.Object({
  id: Type.Number(),
  phase: Phase,
  /** pg_dump's kind (`TABLE`, `FK CONSTRAINT`) or one of pgtrek (`ROWS`, `ANALYZE`, `LARGE OBJECTS`). */
  kind: Type.String(),
  schema: Type.Optional(Type.String()),
  name: Type.String(),
  /** The table that this step belongs to: its rows, its indexes, its constraints. */
  table: Type.Optional(TableName),
})
export type StepInfo = Static<typeof StepInfo>

export const LogLevel = Type.Union([
  Type.Literal('debug'),
  Type.Literal('info'),
  Type.Literal('warn'),
  Type.Literal('error'),
])
export type LogLevel = Static<typeof LogLevel>

/** Milliseconds since 1970. */
const at = Type.Number()

export const PlannedTable = Type.Object({
  schema: Type.String(),
  name: Type.String(),
  rows: Type.Number(),
  bytes: Type.Number(),
})

export const RowsLeft = Type.Object({
  schema: Type.String(),
  name: Type.String(),
  rows: Type.Number(),
  /** There are too many to count. */
  estimated: Type.Optional(Type.Boolean()),
})
export type RowsLeft = Static<typeof RowsLeft>

export const RunStatus = Type.Union([
  Type.Literal('completed'),
  Type.Literal('completed_with_failures'),
  Type.Literal('failed'),
  Type.Literal('cancelled'),
])
export type RunStatus = Static<typeof RunStatus>

export const MigrationEvent = Type.Union([
  /** Reading catalogs and definitions has started; the amount of work is unknown. */
  Type.Object({
    type: Type.Literal('started'),
    at,
    run: Type.String(),
    /** The run ends with the plan. */
    dryRun: Type.Optional(Type.Boolean()),
  }),
  /** The plan is complete: estimates for each table (largest first) and the number of steps in each phase. */
  Type.Object({
    type: Type.Literal('planned'),
    at,
    tables: Type.Array(PlannedTable),
    steps: Type.Record(Type.String(), Type.Number()),
    warnings: Type.Array(Type.String()),
  }),
  Type.Object({ type: Type.Literal('step_started'), at, step: StepInfo }),
  /** Total rows and bytes of a ROWS step so far. */
  Type.Object({
    type: Type.Literal('rows'),
    at,
    table: TableName,
    rows: Type.Number(),
    bytes: Type.Number(),
    /** Rows that append has left out so far. */
    collided: Type.Optional(Type.Number()),
  }),
  /**
   * Keys of rows that append has left out, because the destination has rows with these keys. Rows of a part that
   * starts again are listed again; their number is in `rows`.
   */
  Type.Object({
    type: Type.Literal('collided'),
    at,
    table: TableName,
    key: Type.Array(Type.String()),
    /** The values of the key, one list for each row, as text. */
    values: Type.Array(Type.Array(Type.Union([Type.String(), Type.Null()]))),
  }),
  /** The processes on other machines that copy a table, separated by commas; sent again when another takes over. */
  Type.Object({ type: Type.Literal('copied_by'), at, table: TableName, worker: Type.String() }),
  /** All workers of this run's queue, whenever one of them has changed. */
  Type.Object({ type: Type.Literal('workers'), at, workers: Type.Array(WorkerView) }),
  Type.Object({ type: Type.Literal('step_finished'), at, step: StepInfo, seconds: Type.Number() }),
  Type.Object({
    type: Type.Literal('step_failed'),
    at,
    step: StepInfo,
    error: ErrorInfo,
    /** Tables that the destination had before the run, with their rows after the failure. */
    left: Type.Optional(Type.Array(RowsLeft)),
    /** The object was created, and steps that need it can continue: only its owner, a grant or a setting was refused. */
    incomplete: Type.Optional(Type.Boolean()),
  }),
  Type.Object({ type: Type.Literal('step_skipped'), at, step: StepInfo, reason: Type.String() }),
  /** Of the tables that were compared at the end, those that differ. */
  Type.Object({
    type: Type.Literal('verified'),
    at,
    compared: Type.Number(),
    different: Type.Array(TableComparison),
  }),
  Type.Object({ type: Type.Literal('warning'), at, message: Type.String() }),
  Type.Object({
    type: Type.Literal('log'),
    at,
    level: LogLevel,
    message: Type.String(),
    object: Type.Optional(Type.String()),
  }),
  Type.Object({
    type: Type.Literal('finished'),
    at,
    status: RunStatus,
    error: Type.Optional(ErrorInfo),
  }),
])
export type MigrationEvent = Static<typeof MigrationEvent>
