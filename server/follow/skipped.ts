// Tables that lack changes of skipped transactions, recorded until they are equal again.

import type { SkippedTransaction } from '../../shared/skipped.ts'
import type { TableName } from '../../shared/table-name.ts'
import { tableKey } from '../../shared/table-name.ts'

/** A process that ended after the decision skips the same transaction again. */
export function rememberSkipped(
  skipped: readonly SkippedTransaction[] = [],
  one: SkippedTransaction,
): SkippedTransaction[] {
  const others = skipped.filter(({ lsn }) => lsn !== one.lsn)
  return one.tables.length > 0 ? [...others, one] : others
}

/** Without tables that were found equal or copied again. */
export function forgetSkipped(
  skipped: readonly SkippedTransaction[] = [],
  tables: readonly TableName[],
): SkippedTransaction[] {
  const known = new Set(tables.map(tableKey))
  return skipped
    .map((one) => ({ ...one, tables: one.tables.filter((table) => !known.has(tableKey(table))) }))
    .filter((one) => one.tables.length > 0)
}

export function isSkippedIn(skipped: readonly SkippedTransaction[] = [], table: TableName): boolean {
  return skipped.some(({ tables }) => tables.some((one) => tableKey(one) === tableKey(table)))
}
