// Compares the rows of all tables of a move once nothing is written any more.

import type { TableComparison } from '../../../shared/comparison.ts'
import { formatCount, shortList } from '../../../shared/format.ts'
import { say } from '../../../shared/say.ts'
import type { SwitchoverReport } from '../../../shared/switchover.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import { compareData } from '../../compare/data.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import { filterOf, rulesOf } from '../comparison/scope.ts'
import { isSkippedIn } from '../skipped.ts'
import type { Switchover } from './work.ts'

const mostNamed = 10

/** Tables that were compared while following need only their changed rows compared; the others are compared whole. */
export async function compareTables(work: Switchover): Promise<SwitchoverReport['tables']> {
  const { record, link, options, signal, background } = work
  const all = record.tables.map(({ schema, name }) => ({ schema, name }))
  const foreign = new Set((await work.writtenByOthers()).map(tableKey))
  const isForeign = (table: TableName) => foreign.has(tableKey(table))
  const inWindow = await background?.inWindow(signal, { asProof: options.verify })
  const proven = inWindow?.proven ?? []
  // Tables that are followed only since then are in none of the lists.
  const isProven = new Set(proven.map(tableKey))
  const different = new Set(inWindow?.suspect.map(tableKey))
  const unproven = all.filter((table) => !isProven.has(tableKey(table)))
  const isSuspect = (table: TableName) => different.has(tableKey(table)) || isForeign(table)
  const suspect = unproven.filter(isSuspect)
  const whole = unproven.filter((table) => !isSuspect(table))
  if (background) {
    work.say(
      say`${formatCount(proven.length, 'table')} compared beforehand and again where they changed; ${formatCount(whole.length + suspect.length, 'table')} compared whole now`,
    )
  }
  if (inWindow && inWindow.doubtful > 0) {
    const sessions = background?.uncounted.map(({ who }) => who) ?? []
    work.say(
      say`${formatCount(inWindow.doubtful, 'table')} compared whole, because others may have written to the destination after the earlier comparison${sessions.length > 0 ? say` (sessions whose rows are not counted yet: ${shortList(sessions)})` : ''}`,
      'warn',
    )
  }
  const before = proven.map(({ schema, name, rows, lsn, again }) => ({
    ...{ schema, name, source_rows: rows, destination_rows: rows, equal: true },
    before: { lsn, again },
  }))
  const compare = async (chosen: readonly TableName[], fast: boolean) => {
    if (chosen.length === 0) return []
    const { tables } = await compareData({
      source: link.from,
      destination: link.to,
      tables: chosen.map(({ schema, name }) => ({ schema, name })),
      rules: rulesOf(record),
      filter: filterOf(record),
      fast,
      sequences: false,
      largeObjects: false,
      signal,
    })
    return tables
  }
  const tables = [...(await compare(suspect, false)), ...(await compare(whole, !options.verify))]
  const unequal = tables.filter(({ status, columns_only_on_destination: extra, source, destination }) => {
    if (status === 'same') return false
    // Further columns of the destination are no difference of the moved rows.
    return !(extra.length > 0 && source?.rows === destination?.rows && source?.hash === destination?.hash)
  })
  const isAccepted = (table: TableName) =>
    options.accept_differences && (isSkippedIn(record.skipped, table) || isForeign(table))
  const refused = unequal.filter((table) => !isAccepted(table))
  if (refused.length > 0 && !record.bidirectional) {
    const named = refused.slice(0, mostNamed).map((table) => difference(table, isForeign(table)))
    throw new PgtrekError(
      say`${formatCount(refused.length, 'table')} of ${tables.length + before.length} are not the same on both sides: ${named.join('; ')}`,
    )
  }
  for (const table of unequal.filter(isAccepted)) {
    const why = isForeign(table) ? say`other sessions have written to it` : say`a transaction was skipped`
    work.say(say`table ${showName(table)} is not the same on both sides, which was accepted: ${why}`, 'warn')
  }
  const compared = tables.map(({ schema, name, source, destination, status }) => ({
    schema,
    name,
    source_rows: source?.rows ?? 0,
    destination_rows: destination?.rows ?? 0,
    equal: status === 'same',
  }))
  return [...before, ...compared].sort((one, other) => (showName(one) < showName(other) ? -1 : 1))
}

/** `public.t (3 rows here, 4 there)` */
function difference(table: TableComparison, isForeign: boolean): string {
  const name = showName(table)
  if (table.error) return `${name} (${table.error.message})`
  const [here, there] = [table.source?.rows ?? 'no', table.destination?.rows ?? 'no']
  return isForeign
    ? say`${name} (${here} rows here, ${there} there, and other sessions have written to it there)`
    : say`${name} (${here} rows here, ${there} there)`
}
