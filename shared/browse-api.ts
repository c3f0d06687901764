// What the page reads from a source for the selection: its objects, the details of a table, its rows.
import { type Static, Type } from '@sinclair/typebox'
import { Conn, nullable } from './api.ts'
import { oneOf } from './one-of.ts'
import { TableName } from './table-name.ts'

export const ConnectionBody = Type.Object({ conn: Conn }, { additionalProperties: false })
export type ConnectionBody = Static<typeof ConnectionBody>

const tableKinds = ['table', 'partitioned', 'partition', 'foreign'] as const

export const BrowsedTable = Type.Object({
  name: Type.String(),
  kind: oneOf(tableKinds),
  /** The table directly above a partition. */
  parent: Type.Optional(TableName),
  estimated_rows: Type.Number({ description: 'Estimate of the server; -1 if unknown.' }),
  /** With TOAST and indexes; for a partitioned table the sum of its partitions. */
  bytes: Type.Number(),
  readable: Type.Boolean(),
  primary_key: Type.Boolean(),
})
export type BrowsedTable = Static<typeof BrowsedTable>

/** `needs` are objects as `kind schema.name`, so that the page can show what a selection requires. */
export const BrowsedObject = Type.Object({
  name: Type.String(),
  /** For a trigger: its table. */
  table: Type.Optional(Type.String()),
  needs: Type.Array(Type.Object({ kind: Type.String(), schema: Type.String(), name: Type.String() })),
})
export type BrowsedObject = Static<typeof BrowsedObject>

export const BrowsedSchema = Type.Object({
  name: Type.String(),
  owner: Type.String(),
  tables: Type.Array(Type.Composite([BrowsedTable, Type.Pick(BrowsedObject, ['needs'])])),
  views: Type.Array(BrowsedObject),
  materializedViews: Type.Array(BrowsedObject),
  /** `name(argument types)` */
  functions: Type.Array(BrowsedObject),
  sequences: Type.Array(BrowsedObject),
  triggers: Type.Array(BrowsedObject),
  types: Type.Array(BrowsedObject),
})
export type BrowsedSchema = Static<typeof BrowsedSchema>

export const Browse = Type.Object({
  database: Type.String(),
  version: Type.String(),
  size_bytes: nullable(Type.Number()),
  schemas: Type.Array(BrowsedSchema),
  extensions: Type.Array(Type.Object({ name: Type.String(), version: Type.String() })),
})
export type Browse = Static<typeof Browse>

export const TableInfoBody = Type.Object(
  {
    conn: Conn,
    schema: Type.String(),
    table: Type.String(),
    /** Number of rows to return. */
    sample: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, default: 0 })),
    /** Time limit for counting the rows. */
    countSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 600, default: 5 })),
  },
  { additionalProperties: false },
)
export type TableInfoBody = Static<typeof TableInfoBody>

export const TableInfo = Type.Object({
  schema: Type.String(),
  name: Type.String(),
  columns: Type.Array(
    Type.Object({
      name: Type.String(),
      type: Type.String(),
      nullable: Type.Boolean(),
      default: nullable(Type.String()),
      identity: nullable(Type.Union([Type.Literal('always'), Type.Literal('by default')])),
      generated: Type.Boolean(),
      comment: nullable(Type.String()),
    }),
  ),
  keys: Type.Array(Type.Object({ name: Type.String(), kind: Type.String(), definition: Type.String() })),
  indexes: Type.Array(
    Type.Object({
      name: Type.String(),
      definition: Type.String(),
      bytes: Type.Number(),
      valid: Type.Boolean(),
    }),
  ),
  foreign_keys: Type.Array(
    Type.Object({
      name: Type.String(),
      definition: Type.String(),
      references: TableName,
      validated: Type.Boolean(),
    }),
  ),
  /** The foreign keys of other tables to this one. */
  referenced_by: Type.Array(
    Type.Object({
      name: Type.String(),
      definition: Type.String(),
      table: TableName,
      validated: Type.Boolean(),
    }),
  ),
  triggers: Type.Array(
    Type.Object({ name: Type.String(), definition: Type.String(), enabled: Type.Boolean() }),
  ),
  comment: nullable(Type.String()),
  bytes: Type.Number(),
  estimated_rows: Type.Number({ description: 'Estimate of the server; -1 if unknown.' }),
  /** Null when counting exceeded its time limit. */
  exact_rows: nullable(Type.Number()),
  /** Rows as text, in the order of the columns; only on request. */
  sample: Type.Optional(Type.Array(Type.Array(nullable(Type.String())))),
})
export type TableInfo = Static<typeof TableInfo>

const where = Type.Optional(
  Type.String({ maxLength: 20_000, description: 'One SQL expression on the columns of the table.' }),
)
const countSeconds = Type.Optional(
  Type.Number({
    minimum: 0,
    maximum: 600,
    default: 5,
    description: 'Time limit of each statement; 0: no count.',
  }),
)

export const TableRowsBody = Type.Object(
  {
    conn: Conn,
    schema: Type.String(),
    table: Type.String(),
    where,
    /** Number of rows to return. */
    sample: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, default: 0 })),
    countSeconds,
  },
  { additionalProperties: false },
)
export type TableRowsBody = Static<typeof TableRowsBody>

export const TableRows = Type.Object({
  /** Null when counting exceeded its time limit, or was not requested. */
  rows: nullable(Type.Number()),
  columns: Type.Array(Type.String()),
  /** Rows as text, in the order of the columns; null when finding them exceeded the time limit. */
  sample: nullable(Type.Array(Type.Array(nullable(Type.String())))),
})
export type TableRows = Static<typeof TableRows>

/** Which rows of a table a migration keeps: all, those of a condition, or none. */
export const KeptRows = Type.Object(
  { schema: Type.String(), name: Type.String(), where, left_out: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
)
export type KeptRows = Static<typeof KeptRows>

export const OrphansBody = Type.Object(
  {
    conn: Conn,
    schema: Type.String(),
    table: Type.String(),
    /** Tables, and partitions, of which not all rows are kept. */
    kept: Type.Optional(Type.Array(KeptRows)),
    countSeconds,
  },
  { additionalProperties: false },
)
export type OrphansBody = Static<typeof OrphansBody>

export const Orphans = Type.Object({
  /** Those from or to the table, between tables that are both migrated. */
  foreign_keys: Type.Array(
    Type.Object({
      name: Type.String(),
      table: TableName,
      references: TableName,
      /** Rows that are kept and reference rows that are left out; null when this is not known. */
      orphans: nullable(Type.Number()),
      /** A condition for the referencing table with which no such rows are kept. */
      suggestion: Type.Optional(Type.String()),
    }),
  ),
})
export type Orphans = Static<typeof Orphans>
