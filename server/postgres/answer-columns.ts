// Whether rows can be the answer to a query: their columns have the names that the query gives them. Columns of `*`
// have the names of the table; a column without alias has the name of its column, function or type.
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
