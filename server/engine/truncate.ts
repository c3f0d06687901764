// How tables of the destination are emptied.
import { quoteQualified } from '../postgres/quote.ts'
import type { Step } from './step.ts'

/** One transaction. TRUNCATE goes first: its tables may refer to those that are emptied row by row. */
export function truncateStatements(
  { tables, byDelete }: Extract<Step['work'], { kind: 'truncate' }>,
  asReplica: boolean,
): string[] {
  const targets = tables.map(({ schema, name, tree }) =>
    tree ? quoteQualified(tree.schema, tree.name) : `only ${quoteQualified(schema, name)}`,
  )
  const statements = targets.length > 0 ? [`truncate ${[...new Set(targets)].join(', ')}`] : []
  const deletes = byDelete.map(({ schema, name }) => `delete from only ${quoteQualified(schema, name)}`)
  if (deletes.length === 0) return statements
  // A replica's session leaves alone what refers to the rows: the same rows come again.
  if (asReplica) return [...statements, 'set local session_replication_role = replica', ...deletes]
  return [...statements, atOnce(deletes)]
}

/** Foreign keys are looked at when a statement is over: in one it does not matter which rows go first. */
function atOnce(deletes: readonly string[]): string {
  const others = deletes.slice(0, -1).map((statement, index) => `pgtrek_${index} as (${statement})`)
  return `${others.length > 0 ? `with ${others.join(', ')} ` : ''}${deletes.at(-1)}`
}
