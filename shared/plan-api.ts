// The plan of a migration over HTTP: its steps, and one line for each object with what happens to it.
import { type Static, Type } from '@sinclair/typebox'
import { oneOf } from './one-of.ts'
import { TableName } from './table-name.ts'

/**
 * `ensure`: created if the destination does not have it. `keep`: the destination has it, and nothing is copied into it.
 * `fill`: rows into a table that the destination has, and that is not emptied. `empty`: the same, but its rows are deleted
 * first. `recreate`: dropped and created again. `done`: an earlier run has done it. `run`: work that belongs to no object.
 */
export const objectActions = [
  'create',
  'ensure',
  'keep',
  'fill',
  'empty',
  'append',
  'upsert',
  'recreate',
  'drop',
  'run',
  'done',
  'skip',
] as const
export type ObjectAction = (typeof objectActions)[number]

/** Rows that a table of the destination has now. */
export const RowsThere = Type.Object({
  rows: Type.Number({ description: '-1 if unknown.' }),
  /** Counted; otherwise an estimate of the server. */
  exact: Type.Boolean(),
})
export type RowsThere = Static<typeof RowsThere>

export const PlannedObject = Type.Object({
  kind: Type.String({ description: 'As pg_dump names it (`TABLE`), or a kind of pgtrek (`ANALYZE`).' }),
  schema: Type.Optional(Type.String()),
  name: Type.String(),
  action: oneOf(objectActions),
  /** Number of steps, as the index builds of a table. */
  steps: Type.Integer(),
  /** The reason for `skip`. */
  skip: Type.Optional(Type.String()),
  rows: Type.Optional(Type.Number({ description: 'Estimate of the source; -1 if unknown.' })),
  bytes: Type.Optional(Type.Number()),
  into: Type.Optional(TableName),
  where: Type.Optional(Type.String()),
  mapping: Type.Optional(Type.Array(Type.String())),
  there: Type.Optional(RowsThere),
})
export type PlannedObject = Static<typeof PlannedObject>

/** A plan for users. */
export const PlanAnswer = Type.Object({
  steps: Type.Array(
    Type.Object({
      id: Type.Integer(),
      phase: Type.String(),
      kind: Type.String(),
      schema: Type.Optional(Type.String()),
      name: Type.String(),
      /** The reason when the step is known to be impossible, or is left out. */
      skip: Type.Optional(Type.String()),
      /** Only on request. */
      sql: Type.Optional(Type.Array(Type.String())),
    }),
  ),
  /** Number of steps of each phase. */
  counts: Type.Record(Type.String(), Type.Number()),
  tables: Type.Array(
    Type.Object({
      schema: Type.String(),
      name: Type.String(),
      rows: Type.Number({ description: 'Estimate of the source; -1 if unknown.' }),
      bytes: Type.Number(),
      mode: Type.String(),
      /** Another table of the destination, or one that is partitioned differently there. */
      into: Type.Optional(TableName),
      where: Type.Optional(Type.String()),
      mapping: Type.Optional(Type.Array(Type.String())),
    }),
  ),
  destroyed: Type.Array(
    Type.Object({
      action: Type.Union([Type.Literal('truncate'), Type.Literal('drop')]),
      kind: Type.Optional(Type.String()),
      schema: Type.Optional(Type.String()),
      name: Type.String(),
      because: Type.Optional(Type.String()),
      /** For a table: the rows that are lost. */
      there: Type.Optional(RowsThere),
    }),
  ),
  warnings: Type.Array(Type.String()),
  rows: Type.Number(),
  bytes: Type.Number(),
  workers: Type.Integer(),
  index_workers: Type.Integer(),
  /** Identifies the objects in `destroyed`: the page sends it back as `confirmed`. */
  confirmation: Type.String(),
  /** One line for each object, with all its steps: only on request. */
  objects: Type.Optional(Type.Array(PlannedObject)),
  /** Identifies all statements of the plan: with `objects`, for `/api/plan/sql`. */
  digest: Type.Optional(Type.String()),
})
export type PlanAnswer = Static<typeof PlanAnswer>
