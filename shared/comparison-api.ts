// Comparisons over HTTP: the request, a comparison that runs or has ended, and the synchronisation of a schema.
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { RequestBody } from './api.ts'
import {
  DataComparison,
  LargeObjectsComparison,
  ObjectDifference,
  SchemaComparison,
  SequencesComparison,
  TableComparison,
} from './comparison.ts'
import { ErrorInfo } from './error-info.ts'
import { oneOf } from './one-of.ts'

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const isOn = Type.Optional(Type.Boolean())

/** The options of `pgtrek compare data` and `pgtrek compare schema`. */
export const CompareBody = Type.Object(
  {
    kind: oneOf(['data', 'schema']),
    source: RequestBody.properties.source,
    destination: RequestBody.properties.destination,
    selection: RequestBody.properties.selection,
    /** Conditions and mappings of tables. Only for `data`. */
    tables: RequestBody.properties.tables,
    /** Only count rows (default: false). */
    fast: Type.Optional(Type.Boolean()),
    /** How many differing rows to list per table; 0: none (default: 50). */
    rows: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
    /** List these rows with the values of both sides (default: false). */
    values: Type.Optional(Type.Boolean()),
    /** Whether conditions select rows on both sides, or on the source only. */
    filter: Type.Optional(oneOf(['both', 'source'])),
    /** Reading sessions per server; 0: chosen automatically. */
    workers: Type.Optional(Type.Integer({ minimum: 0, maximum: 64 })),
    // For `schema`: which differences count (default: all).
    owner: isOn,
    acl: isOn,
    comments: isOn,
    tablespaces: isOn,
    publications: isOn,
    securityLabels: isOn,
  },
  { additionalProperties: false },
)
export type CompareBody = Static<typeof CompareBody>

/** What a statement removes from the destination: an object, a column with its values, values that do not fit a type. */
export const Destroyed = Type.Object({
  what: oneOf(['object', 'column', 'type', 'privilege', 'protection']),
  kind: Type.String(),
  name: Type.String(),
})
export type Destroyed = Static<typeof Destroyed>

/** A difference between the schemas, with the statements that make the destination like the source. */
export const SchemaChange = Type.Composite([
  ObjectDifference,
  Type.Object({
    /** A digest of the object and its statements: confirming it confirms exactly these. */
    id: Type.String(),
    /** The definitions as pg_dump writes them, without secrets. */
    source: nullable(Type.String()),
    destination: nullable(Type.String()),
    /** In the order in which they run, in one transaction. Empty: `by_hand` has the reason. */
    sql: Type.Array(Type.String()),
    by_hand: Type.Optional(oneOf(['unsupported', 'table', 'partition', 'secrets'])),
    destroys: Type.Array(Destroyed),
  }),
])
export type SchemaChange = Static<typeof SchemaChange>

export const SchemaResult = Type.Composite([
  Type.Omit(SchemaComparison, ['differences']),
  Type.Object({ differences: Type.Array(SchemaChange) }),
])
export type SchemaResult = Static<typeof SchemaResult>

/** What became of one object of the destination. A failed one is as it was before. */
export const AppliedChange = Type.Object({
  id: Type.String(),
  kind: Type.String(),
  schema: Type.Optional(Type.String()),
  name: Type.String(),
  sql: Type.Array(Type.String()),
  status: oneOf(['done', 'failed', 'not_reached', 'unknown']),
  error: Type.Optional(ErrorInfo),
})
export type AppliedChange = Static<typeof AppliedChange>

export const CompareProgress = Type.Object({
  tables: Type.Integer(),
  settled_tables: Type.Integer(),
  differing_tables: Type.Integer(),
  /** Of both sides together; the total is an estimate of the servers. */
  bytes: Type.Number(),
  read_bytes: Type.Number(),
  read_rows: Type.Number(),
  bytes_per_second: Type.Number(),
  seconds_left: nullable(Type.Number()),
})
export type CompareProgress = Static<typeof CompareProgress>

/**
 * - `comparing`, `applying`, `checking`: it runs; checking is the comparison after statements were applied
 * - `done`: it has a result; `failed`, `cancelled`: it has none
 */
export const Comparison = Type.Object({
  id: Type.String(),
  kind: oneOf(['data', 'schema']),
  state: oneOf(['comparing', 'applying', 'checking', 'done', 'failed', 'cancelled']),
  /** Cancelled, and still waiting for the servers. */
  stopping: Type.Boolean(),
  /** `same` only if everything could be compared. Null: there is no result, or no difference where some could not be. */
  outcome: nullable(oneOf(['same', 'different'])),
  started_at: Type.String(),
  finished_at: nullable(Type.String()),
  elapsed_seconds: Type.Number(),
  /** Without passwords. */
  source: Type.String(),
  destination: Type.String(),
  /** What was compared, without connections. */
  request: Type.Omit(CompareBody, ['source', 'destination']),
  /** Only for `data`. */
  progress: nullable(CompareProgress),
  error: Type.Optional(ErrorInfo),
  /** The statements of a synchronisation, with what became of each object. */
  applied: Type.Optional(Type.Array(AppliedChange)),
})
export type Comparison = Static<typeof Comparison>

/** `rows` of a table are listed up to the limit of the request; `rows_cut` tables have fewer, to bound the answer. */
export const ComparisonResult = Type.Object({
  comparison: Comparison,
  data: Type.Optional(
    Type.Composite([
      Type.Omit(DataComparison, ['tables', 'sequences', 'large_objects']),
      Type.Object({
        tables: Type.Array(TableComparison),
        sequences: Type.Optional(SequencesComparison),
        large_objects: Type.Optional(LargeObjectsComparison),
        rows_cut: Type.Integer(),
      }),
    ]),
  ),
  schema: Type.Optional(SchemaResult),
})
export type ComparisonResult = Static<typeof ComparisonResult>

/** The connections again, because passwords are not kept, and exactly the changes that were shown. */
export const ApplyBody = Type.Object(
  {
    source: RequestBody.properties.source,
    destination: RequestBody.properties.destination,
    /** The ids of the changes to apply. Refused if one of them is not what the comparison of now would do. */
    confirmed: Type.Array(Type.String(), { minItems: 1, maxItems: 100_000 }),
  },
  { additionalProperties: false },
)
export type ApplyBody = Static<typeof ApplyBody>
