// Compares the rows of two databases. Each server counts and hashes its own rows; none is transferred.
import type { DataComparison, TableComparison } from '../../shared/comparison.ts'
import { everything } from '../../shared/defaults.ts'
import type { Selection, TableRule } from '../../shared/request.ts'
import { RuleBook } from '../../shared/rule-book.ts'
import { Selector } from '../../shared/selector.ts'
import { showName, type TableName } from '../../shared/table-name.ts'
import { refuseFaultyRules } from '../catalog/conditions.ts'
import { Cancelled, errorInfo } from '../postgres/errors.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { Side } from './columns.ts'
import { type DrillRequest, drillTable } from './drill.ts'
import { fingerprint, type Scan, settled } from './fingerprint.ts'
import { compareLargeObjects } from './large-objects.ts'
import { ReadingEnd } from './reading-end.ts'
import { readRelations } from './relations.ts'
import { type Chosen, chooseNamed, chooseObjects } from './selection.ts'
import { compareSequences, readOwnedSequences } from './sequences.ts'
import { bytesOf, pairUnits, type Unit } from './units.ts'

export interface DataComparisonRequest {
  source: ConnectionSettings
  destination: ConnectionSettings
  /** Only these tables, by the names that they have on both sides (partitions or their root tables). */
  tables?: readonly TableName[] | undefined
  selection?: Selection | undefined
  rules?: readonly TableRule[] | undefined
  /**
   * Where the conditions of the rules apply: on both sides to compare the same part of both, or only on the source if
   * the destination should contain that part alone.
   */
  filter?: 'both' | 'source' | undefined
  /** A snapshot of the source that the caller has exported; its transaction must stay open. */
  snapshot?: string | undefined
  /** Reading sessions per server; 0: chosen automatically. */
  workers?: number | undefined
  /** Only count rows. */
  fast?: boolean | undefined
  /** Name the rows that differ, up to this many per table. */
  drill?: DrillRequest | undefined
  /** Default: true, except with `tables`; large objects only if nothing was selected. */
  sequences?: boolean | undefined
  largeObjects?: boolean | undefined
  signal: AbortSignal
  /** Called when the comparison of a table is complete. */
  onTable?: ((table: TableComparison) => void) | undefined
  onProgress?: ((progress: ComparisonProgress) => void) | undefined
}

/** Bytes and rows of both sides together; the totals are estimates of the servers. */
export interface ComparisonProgress {
  tables: number
  settledTables: number
  bytes: number
  readBytes: number
  readRows: number
}

const usualWorkers = 4

export async function compareData(request: DataComparisonRequest): Promise<DataComparison> {
  const started = performance.now()
  refuseFaultyRules(request.rules ?? [])
  const { signal, fast = false, filter = 'both', workers } = request
  await using stack = new AsyncDisposableStack()
  const [source, destination] = await openBoth(request, stack)
  source.workers = workers || usualWorkers
  destination.workers = workers || usualWorkers
  const sides = await settled([readObjects(source), readObjects(destination)])
  const selection = request.selection ?? everything
  const chosen = request.tables ? chooseNamed(request.tables, sides) : chooseObjects(selection, sides)
  const [ours, theirs] = chosen as [Chosen, Chosen]
  const units = pairUnits(ours, theirs, new RuleBook(request.rules ?? []))

  const progress: ComparisonProgress = {
    tables: units.length,
    settledTables: 0,
    bytes: units.reduce((sum, unit) => sum + bytesOf(unit), 0),
    readBytes: 0,
    readRows: 0,
  }
  const tell = () => request.onProgress?.({ ...progress })
  const onRead = (bytes: number, rows: number) => {
    progress.readBytes += bytes
    progress.readRows += rows
    tell()
  }
  const hash = { convert: needsConversion(source, destination) }
  const scans: Scans = {
    source: { end: source, side: 'source', hash, fast, filter, onRead },
    destination: { end: destination, side: 'destination', hash, fast, filter, onRead },
  }
  tell()
  const tables = await settled(
    units.map(async (unit) => {
      const table = await compareTable(scans, unit)
      if (table.status === 'different' && request.drill && isReadable(table)) {
        await addDrill(table, scans, unit, request.drill, signal)
      }
      progress.settledTables++
      request.onTable?.(table)
      tell()
      return table
    }),
  )
  const { sequences = !request.tables, largeObjects = !request.tables && isWhole(selection) } = request
  const result: DataComparison = {
    status: 'same',
    elapsed_seconds: 0,
    fast,
    tables: tables.sort((one, other) => (showName(one) < showName(other) ? -1 : 1)),
    ...(sequences && {
      sequences: await compareSequences(
        { end: source, sequences: ours.sequences },
        { end: destination, sequences: theirs.sequences },
      ),
    }),
    ...(largeObjects && { large_objects: await compareLargeObjects(source, destination, { fast, signal }) }),
  }
  result.elapsed_seconds = (performance.now() - started) / 1000
  result.status = isSame(result) ? 'same' : 'different'
  return result
}

type Scans = Record<Side, Scan>

async function openBoth(request: DataComparisonRequest, stack: AsyncDisposableStack) {
  const { signal, snapshot } = request
  const open = async (side: Side, options = {}) =>
    stack.use(await ReadingEnd.open(request[side], { signal, ...options }))
  const ends = await settled([open('source', { snapshot }), open('destination')])
  return ends as [ReadingEnd, ReadingEnd]
}

async function readObjects({ catalog }: ReadingEnd) {
  return { relations: await readRelations(catalog), sequences: await readOwnedSequences(catalog) }
}

/** Large objects belong to no schema, so a selection excludes them. */
function isWhole(selection: Selection): boolean {
  return new Selector(selection).isEverything
}

/** Values of a SQL_ASCII database have no encoding to convert from. */
export function needsConversion({ server: one }: ReadingEnd, { server: other }: ReadingEnd): boolean {
  const encodings = [one.encoding, other.encoding]
  return encodings[0] !== encodings[1] && !encodings.includes('SQL_ASCII')
}

async function compareTable(scans: Scans, unit: Unit): Promise<TableComparison> {
  const { columns } = unit
  const table: TableComparison = {
    schema: unit.schema,
    name: unit.name,
    status: 'same',
    columns_only_on_source: columns.onlyOnSource,
    columns_only_on_destination: columns.onlyOnDestination,
    types: columns.types,
    whole_tree: unit.wholeTree,
  }
  if (!unit.source || !unit.destination) {
    const status = unit.source ? 'missing' : 'extra'
    return { ...table, status, columns_only_on_source: [], columns_only_on_destination: [] }
  }
  const results = await Promise.allSettled([readSide(scans.source, unit), readSide(scans.destination, unit)])
  const [ours, theirs] = results
  for (const [index, result] of results.entries()) {
    const side: Side = index === 0 ? 'source' : 'destination'
    if (result.status === 'fulfilled') table[side] = result.value
    else if (result.reason instanceof Cancelled) throw result.reason
    else if (!table.error) {
      table.status = 'unknown'
      table.error = errorInfo(result.reason)
      table.error_side = side
    }
  }
  if (ours.status === 'rejected' || theirs.status === 'rejected') return table
  const sameRows = ours.value.rows === theirs.value.rows && ours.value.hash === theirs.value.hash
  const sameColumns = columns.onlyOnSource.length + columns.onlyOnDestination.length === 0
  return { ...table, status: sameRows && sameColumns ? 'same' : 'different' }
}

async function readSide(scan: Scan, unit: Unit) {
  const hidden = unit[scan.side]?.find((relation) => !relation.mayRead)
  if (hidden) {
    throw new Error(`"${scan.end.server.user}" may not read ${showName(hidden)}: grant select on it`)
  }
  return await fingerprint(scan, unit)
}

/** Rows differ, not only columns, so rows can be searched. */
function isReadable({ source, destination }: TableComparison): boolean {
  return source?.rows !== destination?.rows || source?.hash !== destination?.hash
}

async function addDrill(
  table: TableComparison,
  scans: Scans,
  unit: Unit,
  drill: DrillRequest,
  signal: AbortSignal,
): Promise<void> {
  try {
    table.drill = await drillTable(scans, unit, drill, signal)
  } catch (error) {
    if (error instanceof Cancelled) throw error
    table.error = errorInfo(error)
  }
}

function isSame({ tables, sequences, large_objects: objects }: DataComparison): boolean {
  return (
    tables.every(({ status }) => status === 'same') &&
    (sequences?.differences.length ?? 0) === 0 &&
    (objects ? objects.missing + objects.extra + objects.different + objects.unreadable === 0 : true)
  )
}
