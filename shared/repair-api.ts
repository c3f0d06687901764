// What can be done about the failures of a run, and the request to do it.
import { type Static, Type } from '@sinclair/typebox'
import { Conn, MigrateBody, RetryBody } from './api.ts'
import { ErrorInfo } from './error-info.ts'
import { oneOf } from './one-of.ts'
import { PlanAnswer } from './plan-api.ts'
import { TableName } from './table-name.ts'

export const repairKinds = [
  'retry',
  'widen column',
  'drop constraint',
  'drop not null',
  'create role',
  'create schema',
  'create extension',
  'grant',
  'leave out',
] as const

export const RepairChoice = Type.Object({
  kind: oneOf(repairKinds),
  /** Run on the destination, in one transaction, after they were confirmed. */
  sql: Type.Array(Type.String()),
  /** For somebody else to run: pgtrek never does. */
  manual: Type.Optional(
    Type.Object({
      side: Type.Union([Type.Literal('source'), Type.Literal('destination')]),
      sql: Type.Array(Type.String()),
    }),
  ),
  /** What brings back afterwards what `sql` removes, for the user to run. */
  afterwards: Type.Optional(Type.Array(Type.String())),
  /** The tables that are left out. */
  tables: Type.Optional(Type.Array(TableName)),
})
export type RepairChoice = Static<typeof RepairChoice>
export type RepairKind = RepairChoice['kind']

export const RepairCause = Type.Object({
  /** Identifies the cause in the request to repair it. */
  key: Type.String(),
  error: ErrorInfo,
  kind: Type.String(),
  count: Type.Integer(),
  /** The first is what usually helps; `retry` is always there. */
  choices: Type.Array(RepairChoice),
})
export type RepairCause = Static<typeof RepairCause>

export const Repairs = Type.Object({
  causes: Type.Array(RepairCause),
  /** With `chosen`: what the retry then drops or empties, and the `confirmed` of the request to repair. */
  destroyed: Type.Optional(PlanAnswer.properties.destroyed),
  confirmation: Type.Optional(Type.String()),
})
export type Repairs = Static<typeof Repairs>

const chosen = {
  cause: Type.String(),
  kind: oneOf(repairKinds),
}

export const RepairsBody = Type.Object(
  {
    source: Conn,
    destination: Conn,
    /** Plans the retry with these choices. */
    chosen: Type.Optional(
      Type.Array(Type.Object(chosen, { additionalProperties: false }), { maxItems: 1000 }),
    ),
  },
  { additionalProperties: false },
)
export type RepairsBody = Static<typeof RepairsBody>

export const RepairBody = Type.Object(
  {
    ...RetryBody.properties,
    confirmed: MigrateBody.properties.confirmed,
    repairs: Type.Array(
      Type.Object(
        {
          ...chosen,
          /** As they were shown: other statements are refused. */
          sql: Type.Array(Type.String()),
        },
        { additionalProperties: false },
      ),
      { maxItems: 1000 },
    ),
  },
  { additionalProperties: false },
)
export type RepairBody = Static<typeof RepairBody>
