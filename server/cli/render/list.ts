// The output of `pgtrek list`: a table for people, an object for programs.
import { formatBytes, formatCount, formatRows } from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import { showName } from '../../../shared/table-name.ts'
import { columnLines } from './columns.ts'
import type { Style } from './style.ts'
import { flattened, rowsOf, type TreeTable } from './table-tree.ts'

export function listLines(trees: readonly TreeTable[], exact: boolean, style: Style): string[] {
  if (trees.length === 0) return ['No tables.']
  const rows = flattened(trees).map(({ tree, depth }) => [
    `${'  '.repeat(depth)}${printable(showName(tree.table))}`,
    tree.error === undefined ? shownRows(tree.rows) : 'not counted',
    formatBytes(tree.tableBytes),
    formatBytes(tree.indexBytes),
    formatBytes(tree.tableBytes + tree.indexBytes),
    kindWords(tree, depth > 0),
  ])
  const titles = ['Table', exact ? 'Rows' : 'Rows (estimate)', 'Table size', 'Indexes', 'Total', 'Kind']
  // Names are not cut, whatever the width of the terminal, so that they can be copied.
  return [
    ...columnLines(titles, rows, Number.POSITIVE_INFINITY, style),
    '',
    style.bold(totalLine(trees, exact)),
  ]
}

export function listAsJson(trees: readonly TreeTable[], exact: boolean, sizesEstimated: boolean) {
  return {
    rows_are: exact ? 'exact' : 'estimated',
    sizes_are: sizesEstimated ? 'estimated' : 'exact',
    tables: flattened(trees).map(({ tree }) => ({
      schema: tree.table.schema,
      name: tree.table.name,
      kind: tree.table.kind,
      unlogged: tree.table.unlogged,
      ...(tree.partitionOf && {
        partition_of: { schema: tree.partitionOf.schema, name: tree.partitionOf.name },
      }),
      rows: tree.rows,
      table_bytes: tree.tableBytes,
      index_bytes: tree.indexBytes,
      total_bytes: tree.tableBytes + tree.indexBytes,
      ...(tree.error !== undefined && { error: tree.error }),
    })),
    total: {
      tables: trees.length,
      partitions: flattened(trees).length - trees.length,
      rows: rowsOf(trees),
      table_bytes: sum(trees, 'tableBytes'),
      index_bytes: sum(trees, 'indexBytes'),
      total_bytes: sum(trees, 'tableBytes') + sum(trees, 'indexBytes'),
    },
  }
}

function shownRows(rows: number | null): string {
  return rows === null ? '?' : formatRows(rows)
}

function kindWords({ table, partitionOf }: TreeTable, isBelow: boolean): string {
  const words = [
    ...(table.unlogged ? ['unlogged'] : []),
    ...(partitionOf && table.kind === 'table' ? [] : [table.kind]),
    ...(partitionOf ? [isBelow ? 'partition' : `partition of ${printable(showName(partitionOf))}`] : []),
    ...(table.mayRead ? [] : ['(not readable)']),
  ]
  return words.join(' ')
}

function totalLine(trees: readonly TreeTable[], exact: boolean): string {
  const all = flattened(trees)
  const partitions = all.length - trees.length
  // Sums of the known values: one uncounted table should not hide all others.
  const own = all.map(({ tree }) => tree).filter(({ table }) => table.kind !== 'partitioned')
  const known = own.filter(({ rows }) => rows !== null)
  const unknown = own.length - known.length
  const rows = known.reduce((total, tree) => total + (tree.rows ?? 0), 0)
  const bytes = sum(trees, 'tableBytes')
  const indexes = sum(trees, 'indexBytes')
  return [
    formatCount(trees.length, 'table') +
      (partitions > 0 ? ` with ${formatCount(partitions, 'partition')}` : ''),
    `${exact ? '' : 'about '}${formatCount(rows, 'row')}` +
      (unknown > 0 ? ` and those of ${formatCount(unknown, 'table')} that are not counted` : ''),
    `${formatBytes(bytes + indexes)} (${formatBytes(bytes)} and indexes of ${formatBytes(indexes)})`,
  ].join(', ')
}

function sum(trees: readonly TreeTable[], field: 'tableBytes' | 'indexBytes'): number {
  return trees.reduce((total, tree) => total + tree[field], 0)
}
