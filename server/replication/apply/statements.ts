// The statements that apply a change to a table, and which value of which row each parameter stands for.
import { quoteIdentifier } from '../../postgres/quote.ts'
import type { Relation } from '../stream/event.ts'
import type { DestinationTable } from '../tables/destination-tables.ts'
import {
  equals,
  type OldVersion,
  onlyItself,
  Parameters,
  rowConditions,
  type TargetColumn,
  whereIs,
} from './row-conditions.ts'

export interface Written {
  sql: string
  /** A column of the new row, or the bitwise complement of a column of the old row. */
  parameters: number[]
}

/** The columns that the source sends, in its order, as the destination has them, without those that both compute. */
export function targetColumns(relation: Relation, table: DestinationTable): TargetColumn[] {
  return relation.columns.flatMap(({ name, key }, index) => {
    const column = table.columns.get(name)
    if (!column) throw new Error(`no column ${name} in ${table.quoted}`)
    return column.generated ? [] : [{ ...column, key, index, quoted: quoteIdentifier(name) }]
  })
}

export function insertStatement(table: DestinationTable, columns: readonly TargetColumn[]): Written {
  if (columns.length === 0) return { sql: `insert into ${table.quoted} default values`, parameters: [] }
  const names = columns.map(({ quoted }) => quoted).join(', ')
  const values = columns.map((_, index) => `$${index + 1}`).join(', ')
  return {
    sql: `insert into ${table.quoted} (${names}) overriding system value values (${values})`,
    parameters: columns.map(({ index }) => index),
  }
}

export function copyStatement(
  table: DestinationTable,
  columns: readonly TargetColumn[],
  binary: boolean,
): string {
  const names = columns.map(({ quoted }) => quoted).join(', ')
  return `copy ${table.quoted} (${names}) from stdin${binary ? ' with (format binary)' : ''}`
}

/** `unchanged` are columns that the source did not send, because they are stored out of line. */
export function updateStatement(
  table: DestinationTable,
  columns: readonly TargetColumn[],
  unchanged: readonly boolean[],
  old: OldVersion,
): Written {
  const written = new Parameters()
  const { assignments, condition } = updateOf(table, columns, unchanged, old, written)
  const target = onlyItself(table)
  return { sql: `update ${target} set ${assignments} where ${condition}`, parameters: written.list }
}

/** Updates several rows whose keys stay. The parameters of each row are those of the statement for one. */
export function updateRowsStatement(
  table: DestinationTable,
  columns: readonly TargetColumn[],
  rows: number,
): Written {
  const fields = new Fields(columns)
  const { assignments, condition } = updateOf(
    table,
    columns,
    [],
    { kind: undefined, nulls: undefined },
    fields,
  )
  const { list, names, types } = fields
  const values = Array.from({ length: rows }, (_, row) => {
    const given = list.map((_, place) => `$${row * list.length + place + 1}::${types[place]}`)
    return `(${given.join(', ')})`
  })
  return {
    sql:
      `update ${onlyItself(table)} set ${assignments} ` +
      `from (values ${values.join(', ')}) as pgtrek (${names.join(', ')}) where ${condition}`,
    parameters: Array.from({ length: rows }, () => list).flat(),
  }
}

function updateOf(
  table: DestinationTable,
  columns: readonly TargetColumn[],
  unchanged: readonly boolean[],
  old: OldVersion,
  written: Parameters,
): { assignments: string; condition: string } {
  const keyIsSame = old.kind === undefined
  const sent = columns.filter(({ index }) => unchanged[index] !== true)
  // GENERATED ALWAYS identity columns cannot be set. The condition requires that they have the right value already.
  const fixed = sent.filter(({ identity, key }) => identity === 'a' && !(keyIsSame && key))
  const changed = sent.filter(({ identity, key }) => identity !== 'a' && !(keyIsSame && key))
  const assigned = changed.length > 0 ? changed : columns.slice(0, 1)
  const assignments = assigned.map((column) =>
    changed.length > 0
      ? `${column.quoted} = ${written.fromNew(column)}`
      : `${column.quoted} = ${column.identity === 'a' ? 'default' : column.quoted}`,
  )
  const conditions = [
    ...fixed.map((column) => `${column.quoted} = ${written.fromNew(column)}`),
    ...rowConditions(columns, old, written),
  ]
  return {
    assignments: assignments.join(', '),
    condition: whereIs(table, columns, conditions, old, written),
  }
}

/**
 * For a GENERATED ALWAYS identity column with a new value, which only a new row can have. The old row is replaced;
 * values that were not sent are taken from it.
 */
export function replaceStatement(
  table: DestinationTable,
  columns: readonly TargetColumn[],
  unchanged: readonly boolean[],
  old: OldVersion,
): Written {
  const written = new Parameters()
  const condition = whereIs(table, columns, rowConditions(columns, old, written), old, written)
  const values = columns.map((column) =>
    unchanged[column.index] ? `replaced.${column.quoted}` : `${written.fromNew(column)}::${column.sqlType}`,
  )
  return {
    sql:
      `with replaced as (delete from ${onlyItself(table)} where ${condition} returning *) ` +
      `insert into ${table.quoted} (${columns.map(({ quoted }) => quoted).join(', ')}) overriding system value ` +
      `select ${values.join(', ')} from replaced`,
    parameters: written.list,
  }
}

export function deleteStatement(
  table: DestinationTable,
  columns: readonly TargetColumn[],
  old: OldVersion,
): Written {
  const written = new Parameters()
  const conditions = rowConditions(columns, old, written)
  return {
    sql: `delete from ${onlyItself(table)} where ${whereIs(table, columns, conditions, old, written)}`,
    parameters: written.list,
  }
}

/**
 * Also returns a row when the row is deleted already: when no row agrees with it in `identifying`, which are columns
 * that a foreign key of the destination cannot have set.
 */
export function deleteOrGoneStatement(
  table: DestinationTable,
  columns: readonly TargetColumn[],
  old: OldVersion,
  identifying: readonly TargetColumn[],
): Written {
  const written = new Parameters()
  const condition = whereIs(table, columns, rowConditions(columns, old, written), old, written)
  const alike = identifying.map((column) => equals(column, written.fromOld(column))).join(' and ') || 'true'
  return {
    sql: orElse(
      `delete from ${onlyItself(table)} where ${condition}`,
      `not exists (select from ${onlyItself(table)} where ${alike})`,
    ),
    parameters: written.list,
  }
}

/**
 * Also returns a row when a row exists that is exactly the new one. It is found by `identifying`, which are never
 * null.
 */
export function updateOrDoneStatement(
  table: DestinationTable,
  columns: readonly TargetColumn[],
  unchanged: readonly boolean[],
  old: OldVersion,
  identifying: readonly TargetColumn[],
): Written {
  const written = new Parameters()
  const { assignments, condition } = updateOf(table, columns, unchanged, old, written)
  const wanted = columns
    .filter(({ index }) => unchanged[index] !== true)
    .map((column) => {
      const value = written.fromNew(column)
      const [here, there] = [
        `${column.quoted}::pg_catalog.text`,
        `(${value}::${column.sqlType})::pg_catalog.text`,
      ]
      const same =
        `(${here} collate pg_catalog."C" operator(pg_catalog.=) ${there} ` +
        `or ${here} is null and ${there} is null)`
      return identifying.includes(column) ? `${equals(column, value)} and ${same}` : same
    })
  return {
    sql: orElse(
      `update ${onlyItself(table)} set ${assignments} where ${condition}`,
      `exists (select from ${onlyItself(table)} where ${wanted.join(' and ')})`,
    ),
    parameters: written.list,
  }
}

/**
 * For a row that moves to another partition. Its key is updated, so that rows that refer to it are updated and not
 * deleted. `numbered` are columns of the root that cannot be set.
 */
export function moveStatement(
  top: string,
  from: { table: DestinationTable; columns: readonly TargetColumn[]; old: OldVersion },
  columns: readonly TargetColumn[],
  numbered: readonly string[],
): Written {
  const written = new Parameters()
  const { table, old } = from
  const condition = whereIs(table, from.columns, rowConditions(from.columns, old, written), old, written)
  const isFixed = ({ name, identity }: TargetColumn) => identity === 'a' || numbered.includes(name)
  const fixed = columns.filter(isFixed).map((column) => equals(column, written.fromNew(column)))
  const assigned = columns.filter((column) => !isFixed(column))
  const assignments = assigned.map((column) => `${column.quoted} = ${written.fromNew(column)}`)
  const place = `(tableoid, ctid) = (select tableoid, ctid from ${onlyItself(table)} where ${condition} limit 1)`
  return {
    sql: `update ${top} set ${assignments.join(', ')} where ${[place, ...fixed].join(' and ')}`,
    parameters: written.list,
  }
}

function orElse(change: string, isDone: string): string {
  return (
    `with pgtrek as (${change} returning 1) select 1 from pgtrek ` +
    `union all select 1 where not exists (select from pgtrek) and ${isDone}`
  )
}

/** Never with CASCADE, so that tables that are not followed keep their rows. */
export function truncateStatement(tables: readonly DestinationTable[], restartIdentity: boolean): string {
  return `truncate ${tables.map(onlyItself).join(', ')}${restartIdentity ? ' restart identity' : ''}`
}

/** Represents the new row as a row of VALUES. */
class Fields extends Parameters {
  readonly names: string[] = []
  readonly types: string[] = []
  readonly #prefix: string

  /** The alias must not be the name of a column. */
  constructor(columns: readonly TargetColumn[]) {
    super()
    let prefix = 'pgtrek_'
    while (columns.some(({ name }) => name.startsWith(prefix))) prefix += '_'
    this.#prefix = prefix
  }

  override fromNew(column: TargetColumn): string {
    const name = `${this.#prefix}${this.list.push(column.index)}`
    this.names.push(name)
    this.types.push(column.wideType)
    return name
  }
}
