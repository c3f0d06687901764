// How the rows of one table are copied: into which columns and with which mode, or why they are not.

import type { RowRule } from '../../../shared/rule-book.ts'
import { showName, tableKey } from '../../../shared/table-name.ts'
import type { ExistingTable, UniqueKey } from '../../catalog/existing.ts'
import type { TableFacts } from '../../catalog/tables.ts'
import type { Merge } from '../../copy/merge.ts'
import { quoteIdentifier } from '../../postgres/quote.ts'
import type { Route } from '../inventory/partition-routes.ts'
import type { PlanBuilder } from './builder.ts'
import { type ColumnMatch, matchColumns } from './column-match.ts'

export interface RowStrategy {
  rule: RowRule
  columns: ColumnMatch
  /** The destination's table, when it exists before the run. */
  there: ExistingTable | undefined
  /** When the rows go into a table of another name or kind. */
  route: Route | undefined
  /** `fill`: the table is new, or emptied first. */
  mode: 'fill' | 'append' | 'upsert'
  /** How rows are merged with existing ones; undefined when they cannot collide. */
  merge: Omit<Merge, 'table'> | undefined
  /** The reason when the copy is known to be impossible. */
  refused: string | undefined
}

export function planRowStrategy(builder: PlanBuilder, table: TableFacts): RowStrategy {
  const { inventory, options, rules } = builder
  const rule = rules.ruleOf(table)
  const route = inventory.routes.byTable.get(table.oid)
  const there = route?.target ?? inventory.existing.get(tableKey(table))
  const columns = matchColumns({
    columns: table.columns,
    types: inventory.columnTypes.get(table.oid) ?? new Map(),
    there: there?.columns,
    rule,
  })
  const mode = there && options.existingDataMode !== 'truncate' ? options.existingDataMode : 'fill'
  const strategy: RowStrategy = { rule, columns, there, route, mode, merge: undefined, refused: undefined }
  if (!table.mayRead) {
    strategy.refused = `"${inventory.source.user}" may not read it: grant select on it on the source`
  } else if (route?.hasForeign && mode === 'fill' && there?.hasRows) {
    strategy.refused = `its old rows are not deleted, since a partition of ${showName(route.target)} is a foreign table on the destination`
  } else if (options.dataOnly && !there) {
    strategy.refused = 'the destination has no such table'
  } else if (!there && Object.keys(rule.columns).length > 0) {
    strategy.refused = 'columns can be mapped only into a table that already exists on the destination'
  } else if (there && missingRights(there, mode).length > 0) {
    strategy.refused = `"${inventory.destination.user}" may not ${missingRights(there, mode).join(' or ')} it on the destination: grant ${missingRights(
      there,
      mode,
    )
      .map((right) => right.split(' ')[0])
      .join(', ')}`
  } else if (columns.problems.length > 0) {
    strategy.refused = columns.problems.join('; ')
  } else if (there && mode !== 'fill') {
    const merge =
      mode === 'append'
        ? appending(there, columns, options.batchSize)
        : upserting(there, columns, rule, options.batchSize)
    if (typeof merge === 'string') strategy.refused = merge
    else strategy.merge = merge
  }
  return strategy
}

/** Part of a sentence. An owner can grant itself all of them. */
function missingRights({ rights, owned, hasRows }: ExistingTable, mode: RowStrategy['mode']): string[] {
  const missing: string[] = []
  if (!rights.insert) missing.push('insert into')
  if (mode === 'fill' && hasRows && !owned && !rights.truncate && !rights.delete) missing.push('truncate')
  if (mode === 'upsert' && !rights.update) missing.push('update')
  // Merging reads the existing rows.
  if (mode !== 'fill' && !rights.select) missing.push('select from')
  return missing
}

/** Without a unique index no row can collide, and a plain COPY is faster. */
function appending(there: ExistingTable, { into }: ColumnMatch, batchSize: number): RowStrategy['merge'] {
  if (there.keys.length === 0) return undefined
  return { columns: into, conflict: { kind: 'ignore' }, key: reportedKey(there, into), batchSize }
}

function upserting(
  there: ExistingTable,
  { into }: ColumnMatch,
  rule: RowRule,
  batchSize: number,
): RowStrategy['merge'] | string {
  const key =
    rule.key === undefined
      ? there.keys.find((one) => one.isPrimary)
      : there.keys.find((one) => one.name === rule.key)
  if (!key) return noSuchKey(there, rule.key)
  const reason = unusable(key, into)
  if (reason) return `"${key.name}" cannot be used as the key of upsert: ${reason}`
  const columns = key.columns as string[]
  const fixed = new Set([
    ...columns,
    ...there.columns.filter((one) => one.identityAlways).map(({ name }) => name),
  ])
  const set = into.filter((name) => !fixed.has(name))
  const on = key.isConstraint
    ? `on constraint ${quoteIdentifier(key.name)}`
    : `(${columns.map(quoteIdentifier).join(', ')})`
  return { columns: into, conflict: { kind: 'update', on, set }, key: columns, batchSize }
}

function unusable(key: UniqueKey, into: readonly string[]): string | undefined {
  if (key.deferrable) return 'it is deferrable'
  if (key.isPartial) return 'it is a partial index'
  if (!key.columns) return 'it is an index over expressions'
  const missing = key.columns.find((name) => !into.includes(name))
  return missing === undefined ? undefined : `nothing is copied into its column "${missing}"`
}

function noSuchKey({ keys }: ExistingTable, wanted: string | undefined): string {
  const names = keys.filter((one) => one.columns && !one.isPartial && !one.deferrable).map((one) => one.name)
  const choice =
    names.length > 0 ? `it has ${names.map((name) => `"${name}"`).join(', ')}` : 'it has no unique key'
  return wanted === undefined
    ? `upsert needs a primary key on the destination, or --upsert-key with a unique constraint: ${choice}`
    : `the destination's table has no unique constraint or index "${wanted}": ${choice}`
}

/** The columns that identify a row in reports: those of a key whose columns are all copied, or all columns. */
function reportedKey({ keys }: ExistingTable, into: readonly string[]): string[] {
  const known = keys.find(
    (key) => key.columns && !key.isPartial && key.columns.every((name) => into.includes(name)),
  )
  return known?.columns ?? [...into]
}
