// Merges rows into a table that has rows: each batch goes into a temporary table of the destination's session, and
// the server merges it from there.
import type { CopyBatches } from '../postgres/copy-batches.ts'
import { ServerError, sqlstate } from '../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import type { CopyFormat } from './format.ts'

export interface Merge {
  /** As it stands in SQL: `"schema"."table"`. */
  table: string
  /** Columns of the destination, in the order of the stream. */
  columns: readonly string[]
  conflict: Conflict
  /** Columns that name a row in reports. None: all columns do. */
  key: readonly string[]
  /** Rows that are merged at once. */
  batchSize: number
}

export type Conflict =
  /** A row whose key exists, in any unique constraint, is left out. */
  | { kind: 'ignore' }
  /** `on` is SQL: `("id")` or `on constraint "x"`; `set` are the columns to overwrite, possibly none. */
  | { kind: 'update'; on: string; set: readonly string[] }

export type KeyValues = (string | null)[]

const staging = 'pg_temp.pgtrek_staging'

/** A batch of wide rows ends earlier: at most this much is in the temporary table. */
const batchBytes = 32 * 1024 * 1024
const mostKeysAtOnce = 1000

/**
 * COPY gathers up to a thousand rows before it writes them, and the time that each of its slots takes grows with
 * their number: one COPY of a thousand rows costs twice as much as writing its rows one by one, which a volatile
 * default makes it do. After the first few thousand rows the slots exist, and gathering is faster.
 */
const fewestRowsToGather = 5000
const mostColumns = 1600

/** Columns with their types only: no constraint, default or identity. */
export function stagingStatement({ table, columns, batchSize }: Merge): string {
  const create = `create temporary table pgtrek_staging on commit drop as
    select ${columns.map(quoteIdentifier).join(', ')} from ${table} with no data`
  if (batchSize >= fewestRowsToGather || columns.length === mostColumns) return create
  let unused = 'pgtrek_one_by_one'
  while (columns.includes(unused)) unused += '_'
  return `${create};
    alter table ${staging} add column ${unused} float8;
    alter table ${staging} alter column ${unused} set default pg_catalog.random()`
}

export const dropStaging = `drop table ${staging}`

/** The statements for each batch of rows. `transaction` is the one that they run in. */
export function batchStatements(merge: Merge, format: CopyFormat, transaction: string): string {
  const { table, conflict } = merge
  const columns = merge.columns.map(quoteIdentifier).join(', ')
  const suffix = format === 'binary' ? ' (format binary)' : ''
  const insert = `insert into ${table} as pgtrek_target (${columns}) overriding system value
    select ${columns} from ${staging}`
  const statement =
    conflict.kind === 'ignore'
      ? reportingCollisions(merge, `${insert} on conflict do nothing`)
      : `${insert} on conflict ${conflict.on} ${overwrite(conflict.set, transaction)}`
  return `copy ${staging} (${columns}) from stdin${suffix}; ${statement}; truncate ${staging}`
}

/** The statements for display, where no transaction is running yet. */
export function shownBatch(merge: Merge, format: CopyFormat): string {
  return batchStatements(merge, format, '0').replace(
    "<> '0'::xid",
    '<> (pg_catalog.txid_current() % 4294967296)::text::xid',
  )
}

/**
 * A row that this transaction wrote itself is not overwritten: the source has its key twice. The count shows it,
 * as the server's error shows it when both rows are in one batch.
 */
function overwrite(set: readonly string[], transaction: string): string {
  if (set.length === 0) return 'do nothing'
  const assignments = set.map((column) => `${quoteIdentifier(column)} = excluded.${quoteIdentifier(column)}`)
  const written = BigInt(transaction) & 0xffffffffn
  return `do update set ${assignments.join(', ')} where pgtrek_target.xmin <> '${written}'::xid`
}

/**
 * The first row of the result has the number of rows written. If rows were left out, the other rows have their
 * keys. They are compared as text, byte by byte: not every type has an equality operator. A full batch of which
 * every row was written is not searched.
 */
function reportingCollisions({ key, columns, batchSize }: Merge, insert: string): string {
  const named = (key.length > 0 ? key : columns).map(quoteIdentifier)
  const texts = named.map((column, index) => `${column}::text collate "C" as k${index}`).join(', ')
  const keys = named.map((_, index) => `pg_catalog.encode(pg_catalog.convert_to(k${index}, 'UTF8'), 'hex')`)
  return `
    with merged as (${insert} returning ${named.join(', ')}),
         counts as materialized (select count(*) as merged from merged)
    select merged::text, ${named.map(() => 'null').join(', ')} from counts
    union all
    select null, ${keys.join(', ')}
      from (select ${texts} from ${staging} where (select merged from counts) < ${batchSize}
            except all
            select ${texts} from merged where (select merged from counts) < ${batchSize}) as collided`
}

/** Observes the batches of one part: how many rows were written, and which were left out. */
export class MergeWatch {
  rows = 0
  collided = 0
  #merged = 0
  #keys: KeyValues[] = []
  #found = 0

  constructor(
    readonly merge: Merge,
    readonly onCollided: (key: readonly string[], values: KeyValues[]) => void,
    readonly onBatch: () => void,
  ) {}

  batches(statements: string | Buffer): CopyBatches {
    return {
      rows: this.merge.batchSize,
      bytes: batchBytes,
      statements,
      onRow: (values) => this.#row(values),
      onBatch: (copied, inserted) => this.#batch(copied, inserted),
    }
  }

  #row([merged, ...values]: (Buffer | null)[]) {
    if (merged) {
      this.#merged = Number(merged.toString('latin1'))
      return
    }
    this.#found++
    this.#keys.push(values.map((value) => value && Buffer.from(value.toString('latin1'), 'hex').toString()))
  }

  #batch(copied: number, inserted = this.#merged) {
    const { conflict } = this.merge
    const leftOut = copied - inserted
    if (conflict.kind === 'update' && conflict.set.length > 0 && leftOut > 0) throw sameKeyTwice(leftOut)
    if (conflict.kind === 'ignore' && leftOut > 0) {
      this.collided += leftOut
      this.#report(leftOut)
    }
    this.rows += conflict.kind === 'ignore' ? inserted : copied
    this.#keys = []
    this.#found = 0
    this.#merged = 0
    this.onBatch()
  }

  #report(leftOut: number) {
    const { key, columns } = this.merge
    // Where a trigger changes the key columns, missing rows cannot be told from changed rows.
    const known = this.#found === leftOut
    for (let first = 0; first < leftOut; first += mostKeysAtOnce) {
      const count = Math.min(mostKeysAtOnce, leftOut - first)
      if (known) this.onCollided(key.length > 0 ? key : columns, this.#keys.slice(first, first + count))
      else this.onCollided([], new Array<KeyValues>(count).fill([]))
    }
  }
}

function sameKeyTwice(rows: number): ServerError {
  return new ServerError({
    severity: 'ERROR',
    sqlstate: sqlstate.cardinalityViolation,
    message: `${rows} rows of a batch have the same key as other rows of the source`,
  })
}

/** Explains errors of a merge whose server message does not help a user who wrote no SQL. */
export function explainMerge(error: unknown): unknown {
  if (!(error instanceof ServerError)) return error
  if (error.sqlstate !== sqlstate.cardinalityViolation) return error
  return new ServerError({
    ...error.fields,
    message: `the source has several rows for one row of the destination: ${error.message}`,
    hint: 'The key columns of upsert are unique on the destination, but not in the source. Choose another key, or make the rows unique with a condition.',
  })
}

/**
 * ON CONFLICT cannot use deferrable constraints. A trigger checks them at the end; with triggers disabled,
 * a key could exist twice.
 */
export function uncheckedConstraints(table: string): string {
  return `
    with target as (select ${quoteLiteral(table)}::pg_catalog.regclass as oid)
    select conname as name
      from pg_catalog.pg_constraint, target
     where condeferrable and contype in ('p', 'u', 'x')
       and (conrelid = target.oid
            or conrelid in (select relid from pg_catalog.pg_partition_tree(target.oid)))
     order by conname`
}

export function refuseUnchecked({ conflict }: Merge, names: readonly string[]): ServerError {
  const which = `the constraint ${names.map(quoteIdentifier).join(', ')} is deferrable`
  const isIgnoring = conflict.kind === 'ignore'
  return new ServerError({
    severity: 'ERROR',
    sqlstate: sqlstate.objectNotInPrerequisiteState,
    message: isIgnoring
      ? `existing rows cannot be skipped: ${which}, and ON CONFLICT cannot use it`
      : `rows cannot be merged safely: ${which}, and it is not checked while triggers and foreign keys are disabled`,
    hint: isIgnoring
      ? 'Make the constraint not deferrable, or upsert by another key.'
      : 'Keep triggers and foreign keys enabled for this run, or make the constraint not deferrable.',
  })
}
