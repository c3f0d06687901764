// The steps that move rows: one for each table, in one or many parts.
import type { TableName } from '../../shared/phase.ts'
import type { LargeObjectFacts } from '../catalog/large-objects.ts'
import type { TableFacts } from '../catalog/tables.ts'
import { ctidRangesSince, tableKey } from '../catalog/tables.ts'
import { chooseFormat } from '../copy/format.ts'
import { ctidParts, keyParts, type Part, partCount, wholeTable } from '../copy/parts.ts'
import type { CopyPart } from '../copy/pool.ts'
import { quoteIdentifier, quoteQualified } from '../postgres/quote.ts'
import type { PlanBuilder } from './plan.ts'
import type { Step } from './step.ts'

const largeObjectsPerStep = 500
const largeObjectBytesPerStep = 32 * 1024 * 1024

export interface CreatedTables {
  /** Over when every object that rows could need is there. */
  ready: Step
  /** Table OID -> the step that creates it. */
  steps: ReadonlyMap<number, Step>
}

export interface RowSteps {
  tables: TableFacts[]
  byTable: Map<number, Step>
  /** The topmost partitioned table -> a barrier for the rows of all its partitions. */
  byRoot: Map<number, Step>
  all: Step[]
}

export function planRows(builder: PlanBuilder, created: CreatedTables): RowSteps {
  const { inventory, options } = builder
  const result: RowSteps = { tables: [], byTable: new Map(), byRoot: new Map(), all: [] }
  if (options.schemaOnly) return result
  const skipped = new Set(options.skipExtensions)
  const tables = inventory.tables
    .filter((table) => table.extension === null || !skipped.has(table.extension))
    // Unreadable tables have a failing TABLE step already.
    .filter((table) => table.mayRead || table.extension !== null)
    .sort((a, b) => b.bytes - a.bytes)
  result.tables = tables
  const emptied = planTruncate(builder, created, tables)
  for (const table of tables) {
    const creating = created.steps.get(table.oid)
    const step = builder.add(
      { phase: 'data', kind: 'ROWS', schema: table.schema, name: table.name, table: nameOf(table) },
      { kind: 'copy', parts: copyParts(builder, table), bytes: table.bytes },
      {
        pool: 'copy',
        weight: table.bytes,
        needs: [...(creating ? [creating.id] : []), ...(emptied ? [emptied.id] : [])],
        after: [created.ready.id],
        skip:
          table.unlogged && inventory.source.inRecovery
            ? 'the source is a standby, where unlogged tables cannot be read'
            : undefined,
      },
    )
    result.byTable.set(table.oid, step)
    result.all.push(step)
  }
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

/** Tables that are there are emptied together, so that foreign keys among them do not object. */
function planTruncate(builder: PlanBuilder, created: CreatedTables, tables: TableFacts[]): Step | undefined {
  const { existing } = builder.inventory
  const there = tables.filter((table) => table.extension === null && existing.has(tableKey(table)))
  const full = there.filter((table) => existing.get(tableKey(table))?.hasRows)
  if (full.length === 0) return undefined
  return builder.add(
    { phase: 'tables', kind: 'TRUNCATE', name: `${full.length} tables that hold rows` },
    { kind: 'truncate', tables: there.map(nameOf) },
    { pool: 'ddl', after: [created.ready.id] },
  )
}

function copyParts(builder: PlanBuilder, table: TableFacts): CopyPart[] {
  const { inventory } = builder
  const columns = table.columns.filter((column) => !column.generated)
  const existed = inventory.existing.has(tableKey(table))
  const format = existed
    ? 'text'
    : chooseFormat(
        columns.map((column) => column.type),
        inventory.types,
      )
  const suffix = format === 'binary' ? ' (format binary)' : ''
  const from = quoteQualified(table.schema, table.name)
  const to = insertionTarget(builder, table)
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ')
  // Without any column the list must be left out; then COPY takes all that are not generated: none.
  const list = names ? ` (${names})` : ''
  return partsOf(builder, table).map(({ condition }) => ({
    kind: 'rows',
    format,
    copyOut: condition
      ? `copy (select ${names} from only ${from} ${condition}) to stdout${suffix}`
      : `copy ${from}${list} to stdout${suffix}`,
    copyIn: `copy ${to}${list} from stdin${suffix}`,
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

function partsOf(builder: PlanBuilder, table: TableFacts): Part[] {
  const { inventory, sizes } = builder
  // An extension says itself which of its rows are the user's, WHERE included.
  if (table.extensionCondition) return [{ condition: table.extensionCondition, share: 1 }]
  const count = partCount(table.bytes, sizes.splitBytes, sizes.copyWorkers)
  // Rows that are spread over other partitions could not be taken back alone.
  if (count === 1 || rehashingRoot(builder, table)) return [...wholeTable]
  const where = (parts: Part[]) =>
    parts.map((part) => ({ ...part, condition: part.condition && `where ${part.condition}` }))
  if (inventory.source.major >= ctidRangesSince && table.heap) return where(ctidParts(table.pages, count))
  if (table.keyRange) {
    const { column, lowest, highest } = table.keyRange
    return where(keyParts(column, BigInt(lowest), BigInt(highest), count))
  }
  return [...wholeTable]
}

function planSequences(builder: PlanBuilder, created: CreatedTables) {
  const readable = builder.inventory.sequences.filter((sequence) => sequence.mayRead)
  for (const sequence of builder.inventory.sequences.filter((candidate) => !candidate.mayRead)) {
    builder.add(
      { phase: 'sequences', kind: 'SEQUENCE SET', schema: sequence.schema, name: sequence.name },
      {
        kind: 'refuse',
        reason: `"${builder.inventory.source.user}" may not read it: grant select on the sequence`,
      },
      { after: [created.ready.id] },
    )
  }
  if (readable.length === 0) return
  builder.add(
    { phase: 'sequences', kind: 'SEQUENCE SET', name: `values of ${readable.length} sequences` },
    { kind: 'sequences', names: readable },
    { pool: 'ddl', after: [created.ready.id] },
  )
}

function planLargeObjects(builder: PlanBuilder, created: CreatedTables) {
  const { largeObjects, lacks, source } = builder.inventory
  const isCopied = (object: LargeObjectFacts) => object.mayRead && !lacks.largeObjects.has(object.oid)
  const copied = largeObjects.filter(isCopied)
  for (const object of largeObjects.filter((candidate) => !isCopied(candidate))) {
    const reason = object.mayRead
      ? 'a large object with this number is on the destination already: remove it there, or keep it'
      : `"${source.user}" may not read it: grant select on the large object`
    builder.add(
      { phase: 'large objects', kind: 'LARGE OBJECT', name: String(object.oid) },
      { kind: 'refuse', reason },
      { after: [created.ready.id] },
    )
  }
  for (let first = 0; first < copied.length; ) {
    let next = first
    let bytes = 0
    while (
      next < copied.length &&
      next - first < largeObjectsPerStep &&
      (next === first || bytes + (copied[next]?.size ?? 0) <= largeObjectBytesPerStep)
    ) {
      bytes += copied[next++]?.size ?? 0
    }
    const objects = copied.slice(first, next)
    const range = `${objects[0]?.oid}..${objects.at(-1)?.oid}`
    const rows = builder.add(
      { phase: 'large objects', kind: 'LARGE OBJECTS', name: range },
      {
        kind: 'copy',
        bytes,
        parts: [{ kind: 'large objects', objects: objects.map(({ oid, size }) => ({ oid, size })) }],
      },
      { pool: 'copy', weight: bytes, after: [created.ready.id] },
    )
    builder.add(
      { phase: 'large objects', kind: 'LARGE OBJECT FACTS', name: range },
      { kind: 'large object facts', objects },
      { pool: 'build', needs: [rows.id] },
    )
    first = next
  }
}

export function nameOf({ schema, name }: TableFacts) {
  return { schema, name }
}
