// What a copy worker is told about one table: its parts, each as one COPY on either server.
import type { TableName } from '../../shared/phase.ts'
import type { TableFacts } from '../catalog/tables.ts'
import { ctidRangesSince } from '../catalog/tables.ts'
import { chooseFormat } from '../copy/format.ts'
import { ctidParts, keyParts, type Part, partCount, wholeTable } from '../copy/parts.ts'
import type { CopyPart } from '../copy/pool.ts'
import { quoteIdentifier, quoteQualified } from '../postgres/quote.ts'
import type { Landing } from './landing.ts'
import type { PlanBuilder } from './plan.ts'
import type { CopyWork } from './step.ts'

export function copyWork(builder: PlanBuilder, table: TableFacts, landing: Landing): CopyWork {
  const { columns, rule } = landing
  const written = rule.where !== undefined || !columns.isPlain
  const where = rule.where === undefined ? '' : ` where (${rule.where}\n)`
  const from = quoteQualified(table.schema, table.name)
  return {
    kind: 'copy',
    parts: copyParts(builder, table, landing),
    bytes: table.bytes,
    fills: landing.mode === 'fill',
    exactlyOnce: landing.mode === 'append',
    ...(written && { query: `select ${columns.values.join(', ')} from only ${from}${where}` }),
  }
}

function copyParts(builder: PlanBuilder, table: TableFacts, landing: Landing): CopyPart[] {
  const { inventory } = builder
  const { columns, rule, there } = landing
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
  const to = insertionTarget(builder, table)
  const names = columns.into.map(quoteIdentifier).join(', ')
  const values = columns.values.join(', ')
  // Without any column the list must be left out; then COPY takes all that are not generated: none.
  const list = names ? ` (${names})` : ''
  const isWhole = columns.isPlain && rule.where === undefined
  return partsOf(builder, table, landing).map(({ condition }) => ({
    kind: 'rows',
    format,
    copyOut:
      condition || !isWhole
        ? `copy (select ${values} from only ${from} ${condition ?? ''}) to stdout${suffix}`
        : `copy ${from}${list} to stdout${suffix}`,
    copyIn: `copy ${to}${list} from stdin${suffix}`,
    ...(landing.merge && { merge: { ...landing.merge, table: to } }),
  }))
}

/** The same table, unless the destination would hash its rows into other partitions. */
function insertionTarget(builder: PlanBuilder, table: TableFacts): string {
  const target = rehashingRoot(builder, table) ?? table
  return quoteQualified(target.schema, target.name)
}

function rehashingRoot({ inventory }: PlanBuilder, { root }: TableFacts): TableName | undefined {
  const { source, destination, partitioning } = inventory
  if (root === null) return undefined
  const rehashed =
    partitioning.hashedByEnum.has(root) ||
    (source.encoding !== destination.encoding && partitioning.hashed.has(root))
  return rehashed ? partitioning.names.get(root) : undefined
}

function partsOf(builder: PlanBuilder, table: TableFacts, { rule, there }: Landing): Part[] {
  const { inventory, sizes, options } = builder
  const chosen = rule.where === undefined ? undefined : `(${rule.where}\n)`
  // An extension says itself which of its rows are the user's, WHERE included.
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
  // Rows that are spread over other partitions could not be taken back alone. Where foreign keys stay in
  // force, a row may refer to one that another worker has not committed.
  if (count === 1 || rehashingRoot(builder, table) || (there && !options.disableFk)) return where(wholeTable)
  if (inventory.source.major >= ctidRangesSince && table.heap) return where(ctidParts(table.pages, count))
  if (table.keyRange) {
    const { column, lowest, highest } = table.keyRange
    return where(keyParts(column, BigInt(lowest), BigInt(highest), count))
  }
  return where(wholeTable)
}
