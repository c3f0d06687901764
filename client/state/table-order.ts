// Filter and order of the tables of a run.

import type { TableProgress, TableStatus } from '../../shared/progress.ts'
import { showName } from '../../shared/table-name.ts'

export type { TableStatus }
export const tableSorts = ['status', 'name', 'size', 'seconds'] as const
export type TableSort = (typeof tableSorts)[number]

/** What needs attention comes first. */
export const tableStatuses = [
  'failed',
  'in_progress',
  'cancelled',
  'skipped',
  'pending',
  'completed',
] as const satisfies TableStatus[]

export function visibleTables(
  tables: readonly TableProgress[],
  view: { status: TableStatus | 'all'; sort: TableSort; search: string },
): TableProgress[] {
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean)
  return tables
    .filter(({ status }) => view.status === 'all' || status === view.status)
    .filter((table) => words.every((word) => showName(table).toLowerCase().includes(word)))
    .sort(orders[view.sort])
}

export function countStatuses(tables: readonly TableProgress[]): Record<TableStatus, number> {
  const counts = { pending: 0, in_progress: 0, completed: 0, failed: 0, skipped: 0, cancelled: 0 }
  for (const { status } of tables) counts[status]++
  return counts
}

type Order = (one: TableProgress, other: TableProgress) => number

const names = new Intl.Collator('en', { numeric: true })
const byName: Order = (one, other) => names.compare(showName(one), showName(other))
const bySize: Order = (one, other) => other.total_bytes - one.total_bytes || byName(one, other)
const rank = new Map<TableStatus, number>(tableStatuses.map((status, index) => [status, index]))

const orders: Record<TableSort, Order> = {
  status: (one, other) => (rank.get(one.status) ?? 0) - (rank.get(other.status) ?? 0) || bySize(one, other),
  name: byName,
  size: bySize,
  seconds: (one, other) => other.copy_seconds - one.copy_seconds || byName(one, other),
}
