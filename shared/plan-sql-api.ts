// The statements of a plan, of one object or of all, and the sample that a time estimate is computed from.
import { type Static, Type } from '@sinclair/typebox'
import { Conn, RequestBody } from './api.ts'

/** The request again: the plan is made again if the server no longer has the one that was shown. */
export const PlanSqlBody = Type.Object(
  {
    ...RequestBody.properties,
    /** The `digest` of the plan that was shown. */
    digest: Type.String(),
    /** The position in the plan's `objects`; without it all statements. */
    object: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
)
export type PlanSqlBody = Static<typeof PlanSqlBody>

export const PlanSql = Type.Object({
  /** In the order of their numbers, which is the order of the run where no dependency decides otherwise. */
  steps: Type.Array(
    Type.Object({
      kind: Type.String(),
      schema: Type.Optional(Type.String()),
      name: Type.String(),
      /** Empty where the statements depend on values that the run reads. */
      sql: Type.Array(Type.String()),
    }),
  ),
})
export type PlanSql = Static<typeof PlanSql>

export const SampleBody = Type.Object(
  { source: Conn, destination: Conn, schema: Type.String(), table: Type.String() },
  { additionalProperties: false },
)
export type SampleBody = Static<typeof SampleBody>

/** How fast a table of the source was read for a moment, and how long the destination takes to answer. */
export const Sample = Type.Object({
  schema: Type.String(),
  table: Type.String(),
  seconds: Type.Number(),
  rows: Type.Number(),
  /** As sent by COPY. */
  bytes: Type.Number(),
  /** The whole table was read. */
  complete: Type.Boolean(),
  /** Which part of the table was read, between 0 and 1; null if the server has no estimate of its rows. */
  share: Type.Union([Type.Number(), Type.Null()]),
  table_bytes: Type.Number(),
  /** The median of a few empty queries on the destination. */
  round_trip_ms: Type.Number(),
})
export type Sample = Static<typeof Sample>
