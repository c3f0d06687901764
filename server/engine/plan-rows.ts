// The steps that move rows: one for each table, in one or many parts.
import { showName, type TableName } from '../../shared/phase.ts'
import type { LargeObjectFacts } from '../catalog/large-objects.ts'
import type { TableFacts } from '../catalog/tables.ts'
import { ctidRangesSince, tableKey } from '../catalog/tables.ts'
import { chooseFormat } from '../copy/format.ts'
import { ctidParts, keyParts, type Part, partCount, wholeTable } from '../copy/parts.ts'
import type { CopyPart } from '../copy/pool.ts'
import { PlanRefused } from '../postgres/errors.ts'
import { quoteIdentifier, quoteQualified } from '../postgres/quote.ts'
import { type Landing, planLanding } from './landing.ts'
import type { PlanBuilder, PlannedRows } from './plan.ts'
import { type Filled, orderByForeignKeys, planRelease, planRestore, planTruncates } from './plan-existing.ts'
import type { RuleBook } from './rule-book.ts'
import { type CopyWork, type Step, stepKey } from './step.ts'

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
  planned: PlannedRows[]
}

export function planRows(builder: PlanBuilder, created: CreatedTables): RowSteps {
  const { inventory, options, rules } = builder
  const result: RowSteps = { tables: [], byTable: new Map(), byRoot: new Map(), all: [], planned: [] }
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
    // Unreadable tables have a failing TABLE step already, where tables are made.
    .filter((table) => table.mayRead || table.extension !== null || options.dataOnly)
    .sort((a, b) => b.bytes - a.bytes)
  result.tables = tables
  const landings = new Map(tables.map((table) => [table, planLanding(builder, table)]))
  refuseUnknownRules(rules)
  if (options.dataOnly) refuseMismatches(landings)
  const isDone = (table: TableFacts) => builder.resumed?.done.has(rowsKey(table)) ?? false
  const open = tables.filter((table) => !isDone(table) && !landings.get(table)?.refused)
  const existing = open.flatMap((table) => landings.get(table)?.there ?? [])
  const release = planRelease(builder, existing, created.ready)
  const ready = release ?? created.ready
  // The rows of an extension's table that belong to the user come beside its own.
  const emptied = open.filter((table) => table.extension === null && landings.get(table)?.mode === 'fill')
  const truncates = planTruncates(
    builder,
    emptied.flatMap((table) => {
      const there = landings.get(table)?.there
      return there
        ? [{ there, root: table.root === null ? undefined : inventory.partitioning.names.get(table.root) }]
        : []
    }),
    [ready],
  )
  const filled: Filled[] = []
  for (const table of tables) {
    const landing = landings.get(table) as Landing
    const truncate = truncates.get(tableKey(table))
    const refused = landing.refused ?? (truncate && 'refused' in truncate ? truncate.refused : undefined)
    const done = builder.resumed?.done.get(rowsKey(table))
    const creating = created.steps.get(table.oid)
    const step = builder.add(
      { phase: 'data', kind: 'ROWS', ...nameOf(table), table: nameOf(table) },
      refused !== undefined
        ? { kind: 'refuse', reason: refused }
        : done
          ? { kind: 'copied', ...done }
          : copyWork(builder, table, landing),
      {
        pool: refused === undefined && !done ? 'copy' : 'none',
        weight: table.bytes,
        needs: [
          ...(creating ? [creating.id] : []),
          ...(truncate && 'step' in truncate ? [truncate.step.id] : []),
        ],
        after: [ready.id],
        skip:
          table.unlogged && inventory.source.inRecovery
            ? 'the source is a standby, where unlogged tables cannot be read'
            : undefined,
      },
    )
    result.byTable.set(table.oid, step)
    result.all.push(step)
    if (landing.there && step.work.kind === 'copy') filled.push({ there: landing.there, rows: step })
    say(builder, table, landing, refused)
    result.planned.push(plannedRows(table, landing, done !== undefined))
  }
  if (!options.disableFk) orderByForeignKeys(builder, filled)
  result.all.push(...planRestore(builder, release, result.all))
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

/** What a resumed run remembers the rows of a table by. */
export function rowsKey(table: TableName): string {
  return stepKey({ kind: 'ROWS', ...nameOf(table) })
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

/** Rows alone go only into a schema that takes all of them: better known before the first table is emptied. */
function refuseMismatches(landings: ReadonlyMap<TableFacts, Landing>) {
  const found = [...landings].flatMap(([table, { refused }]) =>
    refused === undefined ? [] : [`${showName(table)}: ${refused}`],
  )
  if (found.length === 0) return
  const more = found.length > mostMismatches ? `\nand ${found.length - mostMismatches} more` : ''
  throw new PlanRefused(
    `the destination's schema does not match, nothing was changed. Mend it, or leave tables out with --exclude:\n${found.slice(0, mostMismatches).join('\n')}${more}`,
  )
}

function say(
  { warnings }: PlanBuilder,
  table: TableFacts,
  { columns }: Landing,
  refused: string | undefined,
) {
  const name = showName(table)
  if (refused !== undefined) warnings.push(`the rows of ${name} will not be copied: ${refused}`)
  else for (const warning of columns.warnings) warnings.push(`${name}: ${warning}`)
}

function plannedRows(table: TableFacts, { rule, columns, mode }: Landing, isDone: boolean): PlannedRows {
  return {
    ...nameOf(table),
    rows: table.estimatedRows,
    bytes: table.bytes,
    mode: isDone ? 'done' : mode,
    ...(rule.where !== undefined && { where: rule.where }),
    ...(columns.mapping.length > 0 && { mapping: columns.mapping }),
  }
}

function copyWork(builder: PlanBuilder, table: TableFacts, landing: Landing): CopyWork {
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
    { kind: 'sequences', names: readable, advance: builder.options.existingDataMode !== 'truncate' },
    { pool: 'ddl', after: [created.ready.id] },
  )
}

function planLargeObjects(builder: PlanBuilder, created: CreatedTables) {
  const { largeObjects, lacks, source } = builder.inventory
  const isThere = (object: LargeObjectFacts) => lacks.largeObjects.has(object.oid)
  const isCopied = (object: LargeObjectFacts) => object.mayRead && !isThere(object)
  const copied = largeObjects.filter(isCopied)
  // Those of an interrupted run came whole or not at all.
  const refused = largeObjects.filter((object) => !isCopied(object) && !(builder.resumed && isThere(object)))
  for (const object of refused) {
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
        fills: true,
        exactlyOnce: false,
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

export function nameOf({ schema, name }: TableName): TableName {
  return { schema, name }
}
