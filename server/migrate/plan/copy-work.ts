// The work of a copy worker for one table: its parts, each with one COPY on both servers.
import type { TableName } from '../../../shared/table-name.ts'
import type { TableFacts } from '../../catalog/tables.ts'
import { ctidRangesSince } from '../../catalog/tables.ts'
import { chooseFormat } from '../../copy/format.ts'
import type { RowsPart } from '../../copy/lane-messages.ts'
import { ctidParts, keyParts, type Part, partCount, wholeTable } from '../../copy/parts.ts'
import { quoteIdentifier, quoteQualified } from '../../postgres/quote.ts'
import type { PlanBuilder } from './builder.ts'
import type { RowStrategy } from './row-strategy.ts'
import type { CopyWork } from './step.ts'
import { emptyingOf } from './truncate.ts'
import { emptiedTable, type Replaced } from './truncates.ts'

/** `replaced`: the session that copies all of it deletes its old rows first. */
export function copyWork(
  builder: PlanBuilder,
  table: TableFacts,
  strategy: RowStrategy,
  replaced?: Replaced,
): CopyWork {
  const query = writtenQuery(table, strategy)
  const parts = copyParts(builder, table, strategy)
  const whole = replaced && replacingParts(builder, table, strategy, replaced)
  const looksEmpty = !replaced?.all.some(({ hasRows }) => hasRows)
  return {
    kind: 'copy',
    ...(whole && looksEmpty && parts.length > 1 ? { parts, ifFilled: whole } : { parts: whole ?? parts }),
    ...(replaced && { replaces: { tables: replaced.tables, byDelete: replaced.byDelete } }),
    bytes: table.bytes,
    // A table that gets rows of several partitions does not belong to one of them.
    ...(strategy.there && !isShared(strategy) && { there: emptiedTable(strategy.there) }),
    fills: strategy.mode === 'fill',
    exactlyOnce: strategy.mode === 'append',
    ...(query !== undefined && { query }),
  }
}

/** All parts as one query, where the user has written a part of it. */
export function writtenQuery(table: TableFacts, { columns, rule }: RowStrategy): string | undefined {
  if (rule.where === undefined && columns.isPlain) return undefined
  const where = rule.where === undefined ? '' : ` where (${rule.where}\n)`
  return `select ${columns.values.join(', ')} from only ${quoteQualified(table.schema, table.name)}${where}`
}

/** One session copies the whole table: TRUNCATE locks out all others until its transaction ends. */
function replacingParts(
  builder: PlanBuilder,
  table: TableFacts,
  strategy: RowStrategy,
  replaced: Replaced,
): RowsPart[] {
  const empties = emptyingOf(replaced, builder.asReplica)
  return wholeParts(builder, table, strategy).map((part) => ({ ...part, empties }))
}

export function wholeParts(builder: PlanBuilder, table: TableFacts, strategy: RowStrategy): RowsPart[] {
  return copyParts(builder, table, strategy, true)
}

function copyParts(
  builder: PlanBuilder,
  table: TableFacts,
  strategy: RowStrategy,
  isWholeTable = false,
): RowsPart[] {
  const { inventory } = builder
  const { columns, rule, there } = strategy
  const copied = table.columns.filter((column) => !column.generated)
  const isBinary = columns.isPlain && (!there || columns.isExact)
  const format = isBinary
    ? chooseFormat(
        copied.map((column) => column.type),
        inventory.types,
      )
    : 'text'
  const suffix = format === 'binary' ? ' (format binary)' : ''
  const from = quoteQualified(table.schema, table.name)
  const to = insertionTarget(builder, table, strategy)
  const names = columns.into.map(quoteIdentifier).join(', ')
  const values = columns.values.join(', ')
  // Without columns the list must be omitted; COPY then copies all that are not generated: none.
  const list = names ? ` (${names})` : ''
  const isWhole = columns.isPlain && rule.where === undefined
  return partsOf(builder, table, strategy, isWholeTable).map(({ condition }) => ({
    kind: 'rows',
    format,
    copyOut:
      condition || !isWhole
        ? `copy (select ${values} from only ${from} ${condition ?? ''}) to stdout${suffix}`
        : `copy ${from}${list} to stdout${suffix}`,
    copyIn: `copy ${to}${list} from stdin${suffix}`,
    ...(strategy.merge && { merge: { ...strategy.merge, table: to } }),
  }))
}

/** The same table, unless the destination partitions its rows differently, or would hash them into other partitions. */
function insertionTarget(builder: PlanBuilder, table: TableFacts, { route }: RowStrategy): string {
  const target = route?.target ?? rehashingRoot(builder, table) ?? table
  return quoteQualified(target.schema, target.name)
}

function isShared({ route }: RowStrategy): boolean {
  return route !== undefined && route.sources.length > 1
}

function rehashingRoot({ inventory }: PlanBuilder, { root }: TableFacts): TableName | undefined {
  const { source, destination, partitioning } = inventory
  if (root === null) return undefined
  const rehashed =
    partitioning.hashedByEnum.has(root) ||
    (source.encoding !== destination.encoding && partitioning.hashed.has(root))
  return rehashed ? partitioning.names.get(root) : undefined
}

function partsOf(
  builder: PlanBuilder,
  table: TableFacts,
  strategy: RowStrategy,
  isWholeTable: boolean,
): Part[] {
  const { rule, there, route } = strategy
  const { inventory, sizes, options } = builder
  const chosen = rule.where === undefined ? undefined : `(${rule.where}\n)`
  // An extension defines which of its rows belong to the user, including WHERE.
  if (table.extensionCondition) {
    const own = table.extensionCondition
    const condition = chosen ? `where (${own.replace(/^\s*where\s/i, '')}) and ${chosen}` : own
    return [{ condition, share: 1 }]
  }
  const where = (parts: readonly Part[]) =>
    parts.map((part) => {
      const conditions = [part.condition, chosen].filter((one) => one !== undefined)
      return { ...part, condition: conditions.length > 0 ? `where ${conditions.join(' and ')}` : undefined }
    })
  const count = partCount(table.bytes, sizes.splitBytes, sizes.copyWorkers)
  // Rows that are spread over other partitions could not be deleted by themselves. With foreign keys enforced, a row may
  // refer to one that another worker has not committed.
  const isSpread = route ? isShared(strategy) : rehashingRoot(builder, table) !== undefined
  if (isWholeTable || count === 1 || isSpread || (there && !options.disableFk)) return where(wholeTable)
  if (inventory.source.major >= ctidRangesSince && table.heap) return where(ctidParts(table.pages, count))
  if (table.keyRange) {
    const { column, lowest, highest } = table.keyRange
    return where(keyParts(column, BigInt(lowest), BigInt(highest), count))
  }
  return where(wholeTable)
}
