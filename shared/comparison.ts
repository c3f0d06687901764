// The result of comparing two databases: the same for the terminal, `--json`, the page and the API.
import { type Static, Type } from '@sinclair/typebox'
import { ErrorInfo } from './error-info.ts'

const names = Type.Array(Type.String())
const values = Type.Union([Type.Array(Type.Union([Type.String(), Type.Null()])), Type.Null()])

/** `hash` is a sum over all rows, independent of their order; null when rows were only counted. */
export const Fingerprint = Type.Object({
  rows: Type.Number(),
  hash: Type.Union([Type.String(), Type.Null()]),
})
export type Fingerprint = Static<typeof Fingerprint>

/** A row, identified by its key as text, in the order of the key's columns. */
export const DifferingRow = Type.Object({
  change: Type.Union([Type.Literal('missing'), Type.Literal('extra'), Type.Literal('different')]),
  key: Type.Array(Type.Union([Type.String(), Type.Null()])),
  /** For a row that differs: the columns whose values differ. */
  columns: Type.Optional(names),
  /** Number of rows with this key, where it is not one on both sides. */
  rows: Type.Optional(Type.Object({ source: Type.Number(), destination: Type.Number() })),
  /** Only on request: the values as text, in the order of the drill's `columns`, cut where they are long; null: no such row. */
  values: Type.Optional(Type.Object({ source: values, destination: values })),
})
export type DifferingRow = Static<typeof DifferingRow>

/** `rows` has the first of them; the three totals count all. */
export const Drill = Type.Object({
  /** Null: the table has no key, and its rows are counted by the hash of all their values. */
  key: Type.Union([names, Type.Null()]),
  missing: Type.Number(),
  extra: Type.Number(),
  different: Type.Number(),
  rows: Type.Array(DifferingRow),
  /** The columns of `values` in the rows. */
  columns: Type.Optional(names),
})
export type Drill = Static<typeof Drill>

export const TypeDifference = Type.Object({
  column: Type.String(),
  source: Type.String(),
  destination: Type.String(),
})

/**
 * - `missing`: the destination has no such table; `extra`: the source has none
 * - `unknown`: it could not be read completely; `error` is the reason, and `errorSide` the database
 */
export const TableComparison = Type.Object({
  schema: Type.String(),
  name: Type.String(),
  status: Type.Union([
    Type.Literal('same'),
    Type.Literal('different'),
    Type.Literal('missing'),
    Type.Literal('extra'),
    Type.Literal('unknown'),
  ]),
  source: Type.Optional(Fingerprint),
  destination: Type.Optional(Fingerprint),
  /** Columns that are not compared, because the other database has none of that name. */
  columns_only_on_source: names,
  columns_only_on_destination: names,
  /** Not a difference by itself: values are equal when their text is equal. */
  types: Type.Array(TypeDifference),
  /** A partitioned table with different partitions on both sides, compared as a whole. */
  whole_tree: Type.Boolean(),
  drill: Type.Optional(Drill),
  error: Type.Optional(ErrorInfo),
  error_side: Type.Optional(Type.Union([Type.Literal('source'), Type.Literal('destination')])),
})
export type TableComparison = Static<typeof TableComparison>

export const SequenceDifference = Type.Object({
  schema: Type.String(),
  name: Type.String(),
  status: TableComparison.properties.status,
  /** `42`, or `42 (not yet used)`. */
  source: Type.Optional(Type.String()),
  destination: Type.Optional(Type.String()),
})
export type SequenceDifference = Static<typeof SequenceDifference>

export const SequencesComparison = Type.Object({
  compared: Type.Number(),
  differences: Type.Array(SequenceDifference),
  /** Internal ones of extensions, on the side that has more of them. They are neither migrated nor compared. */
  of_extensions: Type.Number(),
})
export type SequencesComparison = Static<typeof SequencesComparison>

/** `objects` names the first differing ones. */
export const LargeObjectsComparison = Type.Object({
  source: Fingerprint,
  destination: Fingerprint,
  missing: Type.Number(),
  extra: Type.Number(),
  different: Type.Number(),
  /** Those that the role may not read on one of the sides. */
  unreadable: Type.Number(),
  objects: Type.Array(
    Type.Object({
      oid: Type.Number(),
      status: TableComparison.properties.status,
    }),
  ),
})
export type LargeObjectsComparison = Static<typeof LargeObjectsComparison>

/** `same` only when everything that had to be compared could be, and is equal. */
const verdict = Type.Union([Type.Literal('same'), Type.Literal('different')])

export const DataComparison = Type.Object({
  status: verdict,
  elapsed_seconds: Type.Number(),
  /** Rows were only counted: the result does not cover values. */
  fast: Type.Boolean(),
  tables: Type.Array(TableComparison),
  sequences: Type.Optional(SequencesComparison),
  large_objects: Type.Optional(LargeObjectsComparison),
})
export type DataComparison = Static<typeof DataComparison>

export const ObjectDifference = Type.Object({
  /** pg_dump's kind: TABLE, INDEX, FK CONSTRAINT, ACL, ... */
  kind: Type.String(),
  schema: Type.Optional(Type.String()),
  name: Type.String(),
  status: Type.Union([Type.Literal('missing'), Type.Literal('extra'), Type.Literal('different')]),
  /** Lines of a unified diff from the source's statements to the destination's. */
  difference: names,
})
export type ObjectDifference = Static<typeof ObjectDifference>

export const SchemaComparison = Type.Object({
  status: verdict,
  elapsed_seconds: Type.Number(),
  compared: Type.Number(),
  differences: Type.Array(ObjectDifference),
  /** Differences in notation between the two versions that have the same meaning, and were therefore not counted. */
  normalised: names,
  /** Tables that the role may not read on one of the sides; they are not compared. */
  unreadable: names,
})
export type SchemaComparison = Static<typeof SchemaComparison>

/** The comparison failed as a whole. */
export const ComparisonFailure = Type.Object({
  status: Type.Union([Type.Literal('failed'), Type.Literal('cancelled')]),
  error: Type.Optional(ErrorInfo),
})
export type ComparisonFailure = Static<typeof ComparisonFailure>
