// Which row of a table a statement is about: by its key, or by all that the old row was; and how its parameters are numbered.
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
  /** With a full old row: for each column, whether it was null; without: any may be. */
  nulls: readonly boolean[] | undefined
  /** What else must be true of the row. */
  only?: string | undefined
  /**
   * The row must still be what the old one says, to the last digit, also when another session has changed it while
   * this statement waited for its lock.
   */
  exact?: boolean
}

/** Which value of which row each parameter is. */
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

/** Which columns of a full old row were null, as a key for statements. */
export function nullsOf(row: Tuple): boolean[] {
  return Array.from({ length: row.count }, (_, column) => row.kinds[column] === columnKind.null)
}

/** Children that inherit get their own changes; partitions are reached through their root. */
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
    // An index can be used for an equality only.
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
  // Whatever the search path is: an extension's operator, or PostgreSQL's own.
  const equality = (column.comparable && column.equality) || 'pg_catalog.='
  return `${left} operator(${equality}) ${right}`
}

/**
 * Without a key there may be several rows alike, of which one is meant: any of them, but rather one that is
 * the same to the last bit than one that is only equal, as 1.0 and 1.00 are.
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
  // As text: two values may be equal and not the same, or be the same and stored in another way.
  const same = rows.map((row) => `${row}::pg_catalog.text collate pg_catalog."C"`)
  const condition =
    exact && given.length > 0 ? `${plain} and ${same.join(' operator(pg_catalog.=) ')}` : plain
  const order = given.length > 0 ? ` order by ${image.join(' operator(pg_catalog.*=) ')} desc` : ''
  const [place, list] = table.partitioned ? ['(tableoid, ctid)', 'tableoid, ctid'] : ['ctid', 'ctid']
  const found = `${place} = (select ${list} from ${onlyItself(table)} where ${condition}${order} limit 1)`
  // Said once more of the row itself: the server looks at it again when it had to wait for somebody's change.
  return exact ? `${found} and ${condition}` : found
}
