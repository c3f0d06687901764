// Finds the rows of a table that differ. Both servers sum up row hashes in buckets by the hash of the key. Only the
// keys of buckets that differ are read, in order, and merged, so memory does not grow with the table.
import type { DifferingRow, Drill } from '../../shared/comparison.ts'
import type { Session } from '../postgres/session.ts'
import { differingBuckets, type KeyedRows, withKeyedRows } from './buckets.ts'
import type { Side } from './columns.ts'
import { type Scan, settled } from './fingerprint.ts'
import { columnHash } from './hash.ts'
import { mergeByKey } from './merge.ts'
import { addValues } from './row-values.ts'
import { nameOfKey, readByKey } from './rows-by-key.ts'
import type { Unit } from './units.ts'

/** Rows per query when their columns are compared one by one. */
const rowsPerLook = 100

export interface DrillRequest {
  /** Rows to list per table. */
  limit: number
  /** Also read the values of both sides of these rows. */
  values?: boolean | undefined
}

export async function drillTable(
  scans: Record<Side, Scan>,
  unit: Unit,
  { limit, values = false }: DrillRequest,
  signal: AbortSignal,
): Promise<Drill> {
  const drill: Drill = {
    key: unit.key?.map(({ name }) => name) ?? null,
    missing: 0,
    extra: 0,
    different: 0,
    rows: [],
  }
  const buckets = await differingBuckets(scans, unit)
  await withKeyedRows(scans, unit, buckets, signal, async (ours, theirs) => {
    for await (const group of mergeByKey(ours, theirs, ({ hash }) => hash)) {
      if (unit.key) settleKeys(drill, group.source, group.destination, limit)
      else settleRows(drill, group.source, group.destination)
    }
  })
  await nameColumns(drill, scans, unit)
  if (values) await addValues(drill, scans, unit)
  return drill
}

/** All rows with the same hash of the key, which is nearly always one key. */
function settleKeys(drill: Drill, source: KeyedRows[], destination: KeyedRows[], limit: number) {
  const there = new Map(destination.map((rows) => [JSON.stringify(rows.key), rows]))
  const add = (row: DifferingRow, count: number) => {
    drill[row.change] += count
    if (drill.rows.length < limit) drill.rows.push(row)
  }
  for (const ours of source) {
    const name = JSON.stringify(ours.key)
    const theirs = there.get(name)
    there.delete(name)
    if (!theirs) add({ change: 'missing', key: ours.key }, ours.rows)
    else if (ours.rows !== theirs.rows) {
      add({ change: 'different', key: ours.key, rows: { source: ours.rows, destination: theirs.rows } }, 1)
    } else if (ours.sum !== theirs.sum) add({ change: 'different', key: ours.key }, 1)
  }
  for (const theirs of there.values()) add({ change: 'extra', key: theirs.key }, theirs.rows)
}

/** Without a key, a changed row is reported as one missing and one extra row. */
function settleRows(drill: Drill, source: KeyedRows[], destination: KeyedRows[]) {
  const count = (all: KeyedRows[]) => all.reduce((sum, { rows }) => sum + rows, 0)
  const surplus = count(source) - count(destination)
  drill.missing += Math.max(0, surplus)
  drill.extra += Math.max(0, -surplus)
}

/** Finds which columns differ in the rows that are listed. */
async function nameColumns(drill: Drill, scans: Record<Side, Scan>, unit: Unit) {
  const differing = drill.rows.filter((row) => row.change === 'different' && !row.rows)
  for (let first = 0; first < differing.length; first += rowsPerLook) {
    const some = differing.slice(first, first + rowsPerLook)
    const read = (side: Side) =>
      scans[side].end.read((session) => columnHashes(scans[side], unit, session, some))
    const [here, there] = await settled([read('source'), read('destination')])
    for (const row of some) {
      const [ours, theirs] = [here, there].map((hashes) => hashes?.get(nameOfKey(row)))
      if (!ours || !theirs) continue
      row.columns = unit.columns.compared.filter((_, at) => ours[at] !== theirs[at]).map(({ name }) => name)
    }
  }
}

async function columnHashes(scan: Scan, unit: Unit, session: Session, rows: readonly DifferingRow[]) {
  const hashes = unit.columns.compared.map((column) => `(${columnHash(column, scan.side, scan.hash)})::text`)
  return await readByKey(scan, unit, session, rows, hashes)
}
