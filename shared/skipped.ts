// Transactions that a user has skipped at a conflict, and the tables whose rows may be missing since.

import { type Static, Type } from '@sinclair/typebox'
import { formatCount } from './format.ts'
import { say } from './say.ts'
import { showName, TableName } from './table-name.ts'

/** The transaction's changes of one table, which the other side does not have. */
export const SkippedTable = Type.Intersect([
  TableName,
  Type.Object({
    inserted: Type.Number(),
    updated: Type.Number(),
    deleted: Type.Number(),
    truncated: Type.Number(),
  }),
])
export type SkippedTable = Static<typeof SkippedTable>

export const SkippedTransaction = Type.Object({
  /** The position of its commit, in the log of the server that it was made on. */
  lsn: Type.String(),
  xid: Type.Number(),
  /** Tables that were not compared as equal, nor copied again, since. */
  tables: Type.Array(SkippedTable),
})
export type SkippedTransaction = Static<typeof SkippedTransaction>

const mostNamed = 10

/** Why the move is not ready, and what to do. */
export function describeSkipped(skipped: readonly SkippedTransaction[]): string | undefined {
  if (skipped.length === 0) return undefined
  const counts = skipped.flatMap(({ lsn, tables }) =>
    tables.map((table) => `${showName(table)} (${changesOf(table)} at ${lsn})`),
  )
  const more = counts.length - mostNamed
  const named = [...counts.slice(0, mostNamed), ...(more > 0 ? [say`and ${more} more`] : [])].join(', ')
  return say`${formatCount(skipped.length, 'transaction')} skipped, whose changes are missing: ${named}. "pgtrek recopy TABLE" copies them again; or make them equal on both sides, which the next comparison by checksum detects; or accept it at the switchover (--accept-differences)`
}

function changesOf({ inserted, updated, deleted, truncated }: SkippedTable): string {
  const changes = [
    ...(inserted > 0 ? [`${inserted} inserted`] : []),
    ...(updated > 0 ? [`${updated} updated`] : []),
    ...(deleted > 0 ? [`${deleted} deleted`] : []),
    ...(truncated > 0 ? ['truncated'] : []),
  ]
  return changes.join(', ')
}
