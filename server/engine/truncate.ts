// How tables of the destination are emptied.
import type { TableName } from '../../shared/phase.ts'
import { quoteQualified } from '../postgres/quote.ts'
import type { Step } from './step.ts'

/** One transaction. TRUNCATE goes first: its tables may refer to those that are emptied row by row. */
export function truncateStatements(
  { tables, byDelete }: Extract<Step['work'], { kind: 'truncate' }>,
  asReplica: boolean,
): string[] {
  const named = (list: readonly TableName[]) =>
    list.map(({ schema, name }) => `only ${quoteQualified(schema, name)}`)
  const statements = tables.length > 0 ? [`truncate ${named(tables).join(', ')}`] : []
  if (byDelete.length === 0) return statements
  // A replica's session leaves alone what refers to the rows: the same rows come again.
  if (asReplica) statements.push('set local session_replication_role = replica')
  return [...statements, ...named(byDelete).map((name) => `delete from ${name}`)]
}
