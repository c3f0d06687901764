// Verifies a run at its end: copied rows are counted and hashed on both servers.
import type { TableComparison } from '../../../shared/comparison.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import { compareData } from '../../compare/data.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import type { PlannedRows } from '../plan/types.ts'
import type { RunContext } from './context.ts'

const mostNamed = 20

/** Under the run's snapshot on the source, so that later changes of rows do not count. */
export async function verify(context: RunContext): Promise<Error[]> {
  const { plan, copied, emit, signal } = context
  // With rows that existed before, the sums over all rows cannot be equal.
  const tables = comparable(plan.tables.filter(isVerifiable), copied)
  const left = plan.tables.filter((table) => !isVerifiable(table)).length
  if (left > 0) {
    emit({
      type: 'warning',
      message: `${left} tables were not verified: rows were added to existing rows ("pgtrek compare data" compares all rows)`,
    })
  }
  if (tables.length === 0) return []
  // The pool's sessions may be the last that the servers have.
  await context.copyPool?.close()
  const { tables: results } = await compareData({
    source: context.source,
    destination: context.destination,
    tables: tables.map(({ schema, name }) => ({ schema, name })),
    rules: context.tables,
    filter: 'source',
    snapshot: context.snapshot,
    workers: plan.sizes.copyWorkers,
    signal,
  })
  const different = results.filter((table) => !isCopied(table))
  emit({ type: 'verified', compared: results.length, different })
  if (different.length === 0) return []
  const done = new Set(plan.tables.filter(({ mode }) => mode === 'done').map(tableKey))
  const named = different
    .slice(0, mostNamed)
    .map((table) => describeDifference(table, done.has(tableKey(table))))
  const more = different.length > mostNamed ? [`and ${different.length - mostNamed} more`] : []
  return [
    new PgtrekError([`${different.length} of ${results.length} tables differ`, ...named, ...more].join('; ')),
  ]
}

/** Where partitions differ, only the whole table can be compared. */
function comparable(tables: readonly PlannedRows[], copied: ReadonlySet<string>): TableName[] {
  const incomplete = new Set(
    tables.filter((table) => !copied.has(tableKey(table))).map((table) => tableKey(table.into ?? table)),
  )
  const named = new Map(
    tables.map(({ into, schema, name }) => [tableKey(into ?? { schema, name }), into ?? { schema, name }]),
  )
  return [...named].filter(([key]) => !incomplete.has(key)).map(([, table]) => table)
}

function isVerifiable({ mode }: { mode: string }): boolean {
  return mode === 'fill' || mode === 'done'
}

/** Columns that only the destination has are filled by their defaults. */
function isCopied({ status, source, destination, columns_only_on_source, error }: TableComparison): boolean {
  if (status === 'same') return true
  if (error || !source || !destination || columns_only_on_source.length > 0) return false
  return source.rows === destination.rows && source.hash === destination.hash
}

function describeDifference(table: TableComparison, isOlder: boolean): string {
  const { source, destination, error } = table
  const name = showName(table)
  if (error) return `${name} could not be read: ${error.message}`
  const older = isOlder ? ' (copied by the interrupted run, under an older snapshot)' : ''
  if (source && destination && source.rows !== destination.rows) {
    return `${name} has ${source.rows} rows on the source, ${destination.rows} on the destination${older}`
  }
  if (source?.hash === destination?.hash && table.columns_only_on_source.length > 0) {
    return `${name} has columns that the destination does not have: ${table.columns_only_on_source.join(', ')}`
  }
  return `${name} has different values on the destination${older}`
}
