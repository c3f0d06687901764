// Conditions that find the row of a change, by its key or by the whole old row, with the numbers of their parameters.
import type { OldRow } from '../stream/event.ts'
import { columnKind, type Tuple } from '../stream/tuple.ts'
import type { DestinationColumn, DestinationTable } from '../tables/destination-tables.ts'

export interface TargetColumn extends DestinationColumn {
  quoted: string
  /** Part of the replica identity. */
  key: boolean
  index: number
}

export interface OldVersion {
  kind: OldRow
  /** With a full old row: for each column, whether it was null. Undefined without one: any column may be null. */
  nulls: readonly boolean[] | undefined
  /** A further condition for the row. */
  only?: string | undefined
  /**
   * The row must still be exactly the old one, also when another session has changed it while this statement waited
   * for its lock.
   */
  exact?: boolean
}

/** Which value of which row each parameter stands for. */
export class Parameters {
  readonly list: number[] = []

  fromNew({ index }: TargetColumn): string {
    return `$${this.list.push(index)}`
  }

  fromOld({ index }: TargetColumn): string {
    const known = this.list.indexOf(~index)
    return known < 0 ? `$${this.list.push(~index)}` : `$${known + 1}`
  }
}

/** Which columns of a full old row were null. Statements are prepared for each combination. */
export function nullsOf(row: Tuple): boolean[] {
  return Array.from({ length: row.count }, (_, column) => row.kinds[column] === columnKind.null)
}

/** Children that inherit are changed by changes of their own. Partitions are reached through their root. */
export function onlyItself(table: DestinationTable): string {
  return table.partitioned ? table.quoted : `only ${table.quoted}`
}

export function rowConditions(
  columns: readonly TargetColumn[],
  { kind, nulls }: OldVersion,
  written: Parameters,
): string[] {
  const value = (column: TargetColumn) =>
    kind === undefined ? written.fromNew(column) : written.fromOld(column)
  const identifying = kind === 'full' ? columns : columns.filter(({ key }) => key)
  return identifying.map((column) => {
    if (nulls?.[column.index]) return `${column.quoted} is null`
    const given = value(column)
    const [left, right] = sidesOf(column, given)
    const equal = equals(column, given)
    // An index can only be used with an equality.
    if (kind !== 'full' || nulls) return equal
    return `(${equal} or ${left} is null and ${right} is null)`
  })
}

function sidesOf(column: TargetColumn, value: string): [string, string] {
  return column.comparable
    ? [column.quoted, value]
    : [`${column.quoted}::text`, `(${value}::${column.sqlType})::text`]
}

export function equals(column: TargetColumn, value: string): string {
  const [left, right] = sidesOf(column, value)
  // The operator must not depend on the search path: the one of an extension, or PostgreSQL's own.
  const equality = (column.comparable && column.equality) || 'pg_catalog.='
  return `${left} operator(${equality}) ${right}`
}

/**
 * Without a key several rows may be equal, and any of them is meant. A row with the same representation is preferred
 * to one that is only equal, as 1.00 is to 1.0.
 */
export function whereIs(
  table: DestinationTable,
  columns: readonly TargetColumn[],
  conditions: readonly string[],
  { kind, nulls, only, exact = false }: OldVersion,
  written: Parameters,
): string {
  const plain = [...conditions, ...(only ? [only] : [])].join(' and ') || 'true'
  if (kind !== 'full') return plain
  const given = columns.filter(({ index }) => !nulls?.[index])
  const rows = [
    `row(${given.map(({ quoted }) => quoted).join(', ')})`,
    `row(${given.map((column) => `${written.fromOld(column)}::${column.sqlType}`).join(', ')})`,
  ]
  const image = rows.map((row) => `${row}::record`)
  // Compared as text: values may be equal without being the same, and be the same in another storage format.
  const same = rows.map((row) => `${row}::pg_catalog.text collate pg_catalog."C"`)
  const condition =
    exact && given.length > 0 ? `${plain} and ${same.join(' operator(pg_catalog.=) ')}` : plain
  const order = given.length > 0 ? ` order by ${image.join(' operator(pg_catalog.*=) ')} desc` : ''
  const [place, list] = table.partitioned ? ['(tableoid, ctid)', 'tableoid, ctid'] : ['ctid', 'ctid']
  const found = `${place} = (select ${list} from ${onlyItself(table)} where ${condition}${order} limit 1)`
  // Repeated for the row itself: the server evaluates it again after it waited for a change of another session.
  return exact ? `${found} and ${condition}` : found
}
