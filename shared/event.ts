// What happens during a run, and the only output of one. Every view is a fold over these.
import { type Static, Type } from '@sinclair/typebox'
import { TableComparison } from './comparison.ts'
import { ErrorInfo } from './error-info.ts'
import { Phase } from './phase.ts'
import { TableName } from './table-name.ts'
import { WorkerView } from './worker.ts'

export { ErrorInfo }

/** One unit of work as the views know it: the plan's step without its SQL. */
export const StepInfo = Type.Object({
  id: Type.Number(),
  phase: Phase,
  /** pg_dump's word for it (`TABLE`, `FK CONSTRAINT`) or ours (`ROWS`, `ANALYZE`, `LARGE OBJECTS`). */
  kind: Type.String(),
  schema: Type.Optional(Type.String()),
  name: Type.String(),
  /** The table this step works for: its rows, its indexes, its constraints. */
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
  /** There are too many to count at once. */
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
  /** Reading catalogs and DDL began; nothing is known about the amount of work. */
  Type.Object({
    type: Type.Literal('started'),
    at,
    run: Type.String(),
    /** Only the plan is made. */
    dryRun: Type.Optional(Type.Boolean()),
  }),
  /** The plan is made: estimates per table (largest first) and the number of steps in each phase. */
  Type.Object({
    type: Type.Literal('planned'),
    at,
    tables: Type.Array(PlannedTable),
    steps: Type.Record(Type.String(), Type.Number()),
    warnings: Type.Array(Type.String()),
  }),
  Type.Object({ type: Type.Literal('step_started'), at, step: StepInfo }),
  /** Rows and bytes of a ROWS step so far, not since the last event. */
  Type.Object({
    type: Type.Literal('rows'),
    at,
    table: TableName,
    rows: Type.Number(),
    bytes: Type.Number(),
    /** Rows that append left out so far. */
    collided: Type.Optional(Type.Number()),
  }),
  /**
   * Names rows that append left out, because the destination has rows with their keys. Rows of a part that had
   * to start again are named again; their number is in `rows`.
   */
  Type.Object({
    type: Type.Literal('collided'),
    at,
    table: TableName,
    key: Type.Array(Type.String()),
    /** The values of the key, one list for each row, as text. */
    values: Type.Array(Type.Array(Type.Union([Type.String(), Type.Null()]))),
  }),
  /** Which processes elsewhere copy a table, joined by commas; told again when another takes over. */
  Type.Object({ type: Type.Literal('copied_by'), at, table: TableName, worker: Type.String() }),
  /** All that take jobs of this run, whenever something about them is not as it was. */
  Type.Object({ type: Type.Literal('workers'), at, workers: Type.Array(WorkerView) }),
  Type.Object({ type: Type.Literal('step_finished'), at, step: StepInfo, seconds: Type.Number() }),
  Type.Object({
    type: Type.Literal('step_failed'),
    at,
    step: StepInfo,
    error: ErrorInfo,
    /** Tables that the destination had before the run, with the rows that they have after the failure. */
    left: Type.Optional(Type.Array(RowsLeft)),
    /** The object itself is there, and what needs it can go on: only its owner, a grant or a setting was refused. */
    incomplete: Type.Optional(Type.Boolean()),
  }),
  Type.Object({ type: Type.Literal('step_skipped'), at, step: StepInfo, reason: Type.String() }),
  /** Of the tables that were compared at the end, those that are not the same. */
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
