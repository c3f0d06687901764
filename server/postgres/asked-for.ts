// Whether an answer can be that to a query at all: its columns have the names that the query gives them. `*` has those
// of what it stands for, and what is named neither by an alias nor by a column has that of a function or a type.
const star = /\*\s+from\b/i
const named = /^\s*(?:select|with)\b/i
const alias = /\bas\s+["\w]/i

/** The first of columns of which none is in the query. */
export function strangeColumn(columns: readonly { name: string }[], query: string): string | undefined {
  if (columns.length === 0 || !named.test(query) || !alias.test(query) || star.test(query)) return undefined
  const text = query.toLowerCase()
  const isKnown = ({ name }: { name: string }) =>
    name === '?column?' || text.includes(name.toLowerCase().replaceAll('"', '""'))
  return columns.some(isKnown) ? undefined : columns[0]?.name
}
