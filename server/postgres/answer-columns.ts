// Refuses rows that cannot be the answer to a query: their columns have the names that the query gives them. Columns of
// `*` have the names of the table; a column without alias has the name of its column, function or type.
import { printable } from '../../shared/printable.ts'
import { ProtocolViolation } from './errors.ts'

/** SELECT INTO is answered without columns, as CREATE TABLE AS is. */
const selects = /^\s*select\b(?!.*\binto\b)/is

export function refuseMissingColumns(rows: object, text: string) {
  // The answers to several statements at once have no columns of their own.
  const hasColumns = !('columns' in rows) || rows.columns !== undefined
  if (!hasColumns && selects.test(text)) throw new ProtocolViolation('a query was answered without columns')
}

export function refuseUnexpectedColumns(rows: object, text: string) {
  const columns = 'columns' in rows ? (rows.columns as { name: string }[] | undefined) : undefined
  const unexpected = columns && unexpectedColumn(columns, text)
  if (unexpected === undefined) return
  throw new ProtocolViolation(
    `a query was answered with a column "${printable(unexpected)}", which it does not have`,
  )
}

const star = /\*\s+from\b/i
const named = /^\s*(?:select|with)\b/i
const alias = /\bas\s+["\w]/i

/** The first column, if none of the columns is named in the query. */
export function unexpectedColumn(columns: readonly { name: string }[], query: string): string | undefined {
  if (columns.length === 0 || !named.test(query) || !alias.test(query) || star.test(query)) return undefined
  const text = query.toLowerCase()
  const isKnown = ({ name }: { name: string }) =>
    name === '?column?' || text.includes(name.toLowerCase().replaceAll('"', '""'))
  return columns.some(isKnown) ? undefined : columns[0]?.name
}
