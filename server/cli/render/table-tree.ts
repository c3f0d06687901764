// Tables as a list for people: partitions below their tables, whose sizes are the sums of their partitions.

import type { Selector } from '../../../shared/selector.ts'
import type { Counts } from '../../catalog/exact-counts.ts'
import type { ListedTable } from '../../catalog/listing.ts'

export const sortOrders = ['size', 'rows', 'name'] as const
export type SortOrder = (typeof sortOrders)[number]

export interface TreeTable {
  table: ListedTable
  /** The table of which it is a partition, shown or not. */
  partitionOf: ListedTable | undefined
  partitions: TreeTable[]
  /** Null if unknown: never counted, not readable, or stored elsewhere. */
  rows: number | null
  tableBytes: number
  indexBytes: number
  error: string | undefined
}

/** The selected tables; a partition is selected with its table. */
export function selectTables(tables: readonly ListedTable[], selector: Selector): ListedTable[] {
  const byOid = new Map(tables.map((table) => [table.oid, table]))
  const verdicts = new Map(
    tables.map((table) => [table.oid, selector.verdict({ kind: 'tables', ...namesOf(table) })]),
  )
  return tables.filter((table) => {
    let isSelected = false
    for (let one: ListedTable | undefined = table; one; one = byOid.get(one.parent ?? 0)) {
      const verdict = verdicts.get(one.oid)
      if (verdict === 'excluded') return false
      isSelected ||= verdict === 'selected'
    }
    return isSelected
  })
}

/** Roots in their order, each with its partitions in the same order. */
export function treeOf(
  all: readonly ListedTable[],
  shown: readonly ListedTable[],
  order: SortOrder,
  counts: Counts | undefined,
): TreeTable[] {
  const byOid = new Map(all.map((table) => [table.oid, table]))
  const listed = new Set(shown.map(({ oid }) => oid))
  const children = Map.groupBy(shown, ({ parent }) => parent ?? 0)
  const make = (table: ListedTable): TreeTable => {
    const partitions = (children.get(table.oid) ?? []).map(make).sort(by(order))
    return {
      table,
      partitionOf: byOid.get(table.parent ?? 0),
      partitions,
      ...amountsOf(table, partitions, counts),
    }
  }
  return shown
    .filter(({ parent }) => parent === null || !listed.has(parent))
    .map(make)
    .sort(by(order))
}

/** In the order of the output, with the depth of each. */
export function flattened(trees: readonly TreeTable[], depth = 0): { tree: TreeTable; depth: number }[] {
  return trees.flatMap((tree) => [{ tree, depth }, ...flattened(tree.partitions, depth + 1)])
}

function amountsOf(table: ListedTable, partitions: readonly TreeTable[], counts: Counts | undefined) {
  const sum = (field: 'tableBytes' | 'indexBytes') =>
    partitions.reduce((total, one) => total + one[field], table[field])
  const counted = counts?.get(table.oid)
  const own = counts ? counted : (table.estimatedRows ?? undefined)
  return {
    tableBytes: sum('tableBytes'),
    indexBytes: sum('indexBytes'),
    rows: table.kind === 'partitioned' ? rowsOf(partitions) : typeof own === 'number' ? own : null,
    error: counted instanceof Error ? counted.message : undefined,
  }
}

/** A sum with an unknown part is unknown. */
export function rowsOf(tables: readonly TreeTable[]): number | null {
  return tables.reduce<number | null>((sum, { rows }) => {
    return sum === null || rows === null ? null : sum + rows
  }, 0)
}

function by(order: SortOrder): (one: TreeTable, other: TreeTable) => number {
  const byName = (one: TreeTable, other: TreeTable) =>
    compare(one.table.schema, other.table.schema) || compare(one.table.name, other.table.name)
  const size = ({ tableBytes, indexBytes }: TreeTable) => tableBytes + indexBytes
  switch (order) {
    case 'name':
      return byName
    case 'size':
      return (one, other) => size(other) - size(one) || byName(one, other)
    case 'rows':
      return (one, other) => (other.rows ?? -1) - (one.rows ?? -1) || byName(one, other)
  }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function namesOf({ schema, name }: ListedTable) {
  return { schema, name }
}
