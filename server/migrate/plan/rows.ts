// The steps that copy rows: one for each table, in one or many parts.

import type { RuleBook } from '../../../shared/rule-book.ts'
import { say } from '../../../shared/say.ts'
import { nameOf, showName, tableKey } from '../../../shared/table-name.ts'
import type { TableFacts } from '../../catalog/tables.ts'
import { PlanRefused } from '../../postgres/errors.ts'
import { rowsKey } from '../../store/run-memory.ts'
import type { PlanBuilder } from './builder.ts'
import { copyWork, writtenQuery } from './copy-work.ts'
import { type Filled, orderByForeignKeys, planRelease, planRestore } from './existing.ts'
import { RelatedTableSteps } from './related-tables.ts'
import { planRowStrategy, type RowStrategy } from './row-strategy.ts'
import type { Step } from './step.ts'
import { planTruncates } from './truncates.ts'
import type { CreatedTables, PlannedRows, RowSteps } from './types.ts'
import { planLargeObjects, planSequences } from './values.ts'

export function planRows(builder: PlanBuilder, created: CreatedTables): RowSteps {
  const { inventory, options, rules } = builder
  const result: RowSteps = {
    tables: [],
    byTable: new Map(),
    byRoot: new Map(),
    all: [],
    restored: [],
    planned: [],
  }
  if (options.schemaOnly) {
    result.planned = inventory.tables
      .map((table) => ({
        ...nameOf(table),
        rows: table.estimatedRows,
        bytes: table.bytes,
        mode: 'fill' as const,
      }))
      .sort((a, b) => b.bytes - a.bytes)
    return result
  }
  const skipped = new Set(options.skipExtensions)
  const tables = inventory.tables
    .filter((table) => table.extension === null || !skipped.has(table.extension))
    // Unreadable tables have a failing TABLE step already, where tables are created.
    .filter((table) => table.mayRead || table.extension !== null || options.dataOnly)
    .sort((a, b) => b.bytes - a.bytes)
  const isElsewhere = (table: TableFacts) => builder.rowsElsewhere.has(tableKey(table))
  result.tables = tables.filter((table) => !isElsewhere(table))
  const strategies = new Map(tables.map((table) => [table, planRowStrategy(builder, table)]))
  const isDone = (table: TableFacts) => builder.resumed?.done.has(rowsKey(table)) ?? false
  refuseHalfReplaced(
    strategies,
    tables.filter((table) => !isDone(table)),
  )
  refuseUnknownRules(rules)
  if (options.dataOnly) refuseMismatches(strategies)
  const open = tables.filter((table) => !isDone(table) && !strategies.get(table)?.refused)
  const existing = [
    ...new Set(
      open.flatMap((table) => {
        const { there, route } = strategies.get(table) as RowStrategy
        return there ? [there, ...(route?.below ?? [])] : []
      }),
    ),
  ]
  const release = planRelease(builder, existing, created.ready)
  const ready = release ?? created.ready
  // A table that gets several partitions may have rows of the run that is resumed.
  const isFilledAlready = (table: TableFacts) => {
    const route = strategies.get(table)?.route
    if (!route || route.sources.length === 1) return false
    const sources = new Set(route.sources)
    return !route.target.hasRows || tables.some((one) => sources.has(one.oid) && isDone(one))
  }
  // The user's rows of an extension's table are added to those of the extension.
  const emptied = open.filter(
    (table) =>
      table.extension === null &&
      strategies.get(table)?.mode === 'fill' &&
      !strategies.get(table)?.refused &&
      !isElsewhere(table) &&
      !isFilledAlready(table) &&
      skipOf(builder, table) === undefined,
  )
  const truncates = planTruncates(builder, [
    ...new Set(emptied.flatMap((table) => strategies.get(table)?.there ?? [])),
  ])
  const isEmptied = new Set(emptied)
  const emptiedBy = (table: TableFacts) => {
    const there = isEmptied.has(table) ? strategies.get(table)?.there : undefined
    return there && truncates.get(tableKey(there))
  }
  const together = new RelatedTableSteps(builder, created, ready)
  for (const table of emptied) {
    const outcome = emptiedBy(table)
    if (outcome && 'replaced' in outcome)
      together.add(outcome.replaced, table, strategies.get(table) as RowStrategy)
  }
  const filled: Filled[] = []
  for (const table of tables) {
    const strategy = strategies.get(table) as RowStrategy
    const outcome = emptiedBy(table)
    const refused = strategy.refused ?? (outcome && 'refused' in outcome ? outcome.refused : undefined)
    const replaced = outcome && 'replaced' in outcome ? outcome.replaced : undefined
    const done = builder.resumed?.done.get(rowsKey(table))
    const creating = created.steps.get(table.oid)
    const needs = creating ? [creating.id] : []
    if (isElsewhere(table) && refused === undefined) {
      const step = builder.barrier(`rows of ${showName(table)}, by another way`, { needs, after: [ready.id] })
      result.byTable.set(table.oid, step)
      result.all.push(step)
      continue
    }
    const leader = replaced && together.stepOf(replaced)
    const isCopied = refused === undefined && !done && !leader
    const step = builder.add(
      { phase: 'data', kind: 'ROWS', ...nameOf(table), table: nameOf(table) },
      refused !== undefined
        ? { kind: 'refuse', reason: refused }
        : done
          ? { kind: 'copied', ...done }
          : leader
            ? { kind: 'copied together', ...queryOf(table, strategy) }
            : copyWork(builder, table, strategy, replaced),
      {
        pool: isCopied ? 'copy' : 'none',
        weight: table.bytes,
        needs: [...needs, ...(leader ? [leader.id] : [])],
        after: [ready.id],
        skip: skipOf(builder, table),
      },
    )
    result.byTable.set(table.oid, step)
    result.all.push(step)
    const isFilled = step.work.kind === 'copy' || step.work.kind === 'copied together'
    if (strategy.there && isFilled) filled.push({ there: strategy.there, rows: step })
    warn(builder, table, strategy, refused)
    result.planned.push(plannedRows(table, strategy, done !== undefined))
  }
  if (!options.disableFk || together.isUsed) orderByForeignKeys(builder, filled)
  together.complete(result.byTable)
  const restoring = planRestore(builder, release, result.all)
  result.restored = restoring.filter(({ work }) => work.kind === 'restore')
  result.all.push(...restoring)
  const members = new Map<number, number[]>()
  for (const table of tables) {
    const step = result.byTable.get(table.oid) as Step
    if (table.root === null) continue
    const list = members.get(table.root)
    if (list) list.push(step.id)
    else members.set(table.root, [step.id])
  }
  for (const [root, needs] of members) {
    result.byRoot.set(root, builder.barrier('rows of all partitions', { needs }))
  }
  planSequences(builder, created)
  planLargeObjects(builder, created)
  return result
}

function queryOf(table: TableFacts, strategy: RowStrategy): { query?: string } {
  const query = writtenQuery(table, strategy)
  return query === undefined ? {} : { query }
}

/** Known before the run. The table's rows on the destination are not changed then. */
function skipOf({ inventory: { source }, leftOut }: PlanBuilder, table: TableFacts): string | undefined {
  if (leftOut.has(tableKey(table))) return 'left out as requested'
  return table.unlogged && source.inRecovery
    ? 'the source is a standby, where unlogged tables cannot be read'
    : undefined
}

function refuseUnknownRules(rules: RuleBook) {
  const unused = rules.unused
  if (unused.length === 0) return
  const names = unused.map((text) => `"${text}"`).join(', ')
  throw new PlanRefused(
    `${names} matches no table that is copied (in --where, --upsert-key or [[tables]]): nothing was changed`,
  )
}

const mostMismatches = 20

/** Without definitions, rows need tables that accept all of them: checked before the first table is emptied. */
function refuseMismatches(strategies: ReadonlyMap<TableFacts, RowStrategy>) {
  const found = [...strategies].flatMap(([table, { refused }]) =>
    refused === undefined ? [] : [`${showName(table)}: ${refused}`],
  )
  if (found.length === 0) return
  const more = found.length > mostMismatches ? `\nand ${found.length - mostMismatches} more` : ''
  throw new PlanRefused(
    `the destination's schema does not match, nothing was changed. Fix it, or exclude tables with --exclude:\n${found.slice(0, mostMismatches).join('\n')}${more}`,
  )
}

function warn(
  { warnings }: PlanBuilder,
  table: TableFacts,
  { columns }: RowStrategy,
  refused: string | undefined,
) {
  const name = showName(table)
  if (refused !== undefined) warnings.push(say`the rows of ${name} will not be copied: ${refused}`)
  else for (const warning of columns.warnings) warnings.push(`${name}: ${warning}`)
}

/** Old rows of partitions that are not part of the run would be deleted without a replacement. */
function refuseHalfReplaced(strategies: ReadonlyMap<TableFacts, RowStrategy>, open: readonly TableFacts[]) {
  const chosen = new Map([...strategies].map(([table, strategy]) => [table.oid, { table, strategy }]))
  for (const table of open) {
    const strategy = strategies.get(table) as RowStrategy
    const { route, mode } = strategy
    if (!route?.target.hasRows || mode !== 'fill' || route.sources.length === 1) continue
    const others = route.sources.map((oid) => chosen.get(oid))
    const refused = others.find((other) => other?.strategy.refused !== undefined)
    const target = showName(route.target)
    if (others.includes(undefined)) {
      strategy.refused = `the old rows of ${target} cannot be assigned to the partitions of the source, and not all of these are part of this run: select ${target} as a whole, or use append or upsert`
    } else if (refused && strategy.refused === undefined) {
      strategy.refused = `${target} is replaced as a whole, and ${showName(refused.table)} cannot be copied: ${refused.strategy.refused}`
    }
  }
}

function plannedRows(
  table: TableFacts,
  { rule, columns, mode, route }: RowStrategy,
  isDone: boolean,
): PlannedRows {
  return {
    ...nameOf(table),
    rows: table.estimatedRows,
    bytes: table.bytes,
    mode: isDone ? 'done' : mode,
    ...(route && { into: nameOf(route.target) }),
    ...(rule.where !== undefined && { where: rule.where }),
    ...(columns.mapping.length > 0 && { mapping: columns.mapping }),
  }
}
