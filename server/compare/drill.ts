// Which rows of a table differ. Both servers sum up the hashes of their rows in buckets by the hash of the
// key; only the keys of buckets that differ are read, in order, and merged: so memory does not grow with the table.
import type { DifferingRow, Drill } from '../../shared/comparison.ts'
import { Cancelled } from '../postgres/errors.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import type { Side } from './columns.ts'
import { fromClause, type Scan, settled } from './fingerprint.ts'
import { columnHash, rowHash } from './hash.ts'
import { mergeByKey } from './merge.ts'
import type { Unit } from './units.ts'

const buckets = 16384
const rowsPerFetch = 5000
/** Rows whose columns are looked at one by one in one query. */
const rowsPerLook = 100

/** Rows of one key on one side; there can be several when the destination lacks the key. */
interface KeyedRows {
  hash: bigint
  key: string[]
  rows: number
  sum: string
}

export async function drillTable(
  scans: Record<Side, Scan>,
  unit: Unit,
  limit: number,
  signal: AbortSignal,
): Promise<Drill> {
  const drill: Drill = {
    key: unit.key?.map(({ name }) => name) ?? null,
    missing: 0,
    extra: 0,
    different: 0,
    rows: [],
  }
  // One session of each side, always in this order: so no two drills wait for each other.
  await scans.source.end.read((source) =>
    scans.destination.end.read(async (destination) => {
      const sessions = { source, destination }
      const differing = await differingBuckets(scans, unit, sessions)
      const [ours, theirs] = (['source', 'destination'] as const).map((side) =>
        keyedRows(scans[side], unit, sessions[side], differing, signal),
      ) as [AsyncGenerator<KeyedRows>, AsyncGenerator<KeyedRows>]
      for await (const group of mergeByKey(ours, theirs, ({ hash }) => hash)) {
        if (unit.key) settleKeys(drill, group.source, group.destination, limit)
        else settleRows(drill, group.source, group.destination)
      }
      await nameColumns(drill, scans, unit, sessions)
    }),
  )
  return drill
}

type Sessions = Record<Side, Session>

async function differingBuckets(
  scans: Record<Side, Scan>,
  unit: Unit,
  sessions: Sessions,
): Promise<Set<number>> {
  const read = async (side: Side) => {
    const rows = await sessions[side].query<{ bucket: number; sum: string }>(`
      select (key_hash & ${buckets - 1})::int4 as bucket,
             count(*)::text || ' ' || sum(row_hash)::text as sum
        from (${hashedRows(scans[side], unit)}) hashed
       group by 1`)
    return new Map(rows.map(({ bucket, sum }) => [bucket, sum]))
  }
  const [here, there] = await settled([read('source'), read('destination')])
  const all = Array.from({ length: buckets }, (_, bucket) => bucket)
  return new Set(all.filter((bucket) => here?.get(bucket) !== there?.get(bucket)))
}

/** Every row of the unit: the hash of its key, of all of it, and the key as text in `key_0`, `key_1`, ... */
function hashedRows(scan: Scan, unit: Unit): string {
  const { side, hash } = scan
  const all = rowHash(unit.columns.compared, side, hash)
  const key = unit.key ? rowHash(unit.key, side, hash) : all
  const names = (unit.key ?? []).map(
    (column, index) => `, pg_catalog.concat(${column[side]}) as key_${index}`,
  )
  const selects = (unit[side] ?? []).map(
    (relation) =>
      `select ${key} as key_hash, ${all} as row_hash${names.join('')} ${fromClause(scan, unit, relation)}`,
  )
  return selects.length > 0 ? selects.join('\nunion all\n') : emptyRows(names.length)
}

/** A tree without partitions. */
function emptyRows(keys: number): string {
  const names = Array.from({ length: keys }, (_, index) => `, ''::text as key_${index}`)
  return `select 0::int8 as key_hash, 0::int8 as row_hash${names.join('')} where false`
}

async function* keyedRows(
  scan: Scan,
  unit: Unit,
  session: Session,
  differing: ReadonlySet<number>,
  signal: AbortSignal,
): AsyncGenerator<KeyedRows> {
  const names = (unit.key ?? []).map((_, index) => `key_${index}`)
  const key = names.length > 0 ? `pg_catalog.json_build_array(${names.join(', ')})::text` : `'[]'`
  const cursor = `pgtrek_${scan.side}`
  await session.execute(`
    declare ${cursor} no scroll cursor for
     select key_hash::text as hash, ${key} as key, count(*)::text as rows, sum(row_hash)::text as sum
       from (${hashedRows(scan, unit)}) hashed
      where ${inBuckets(differing)}
      group by ${['key_hash', ...names].join(', ')}
      order by key_hash`)
  for (;;) {
    if (signal.aborted) throw new Cancelled()
    const page = await session.query<{ hash: string; key: string; rows: string; sum: string }>(
      `fetch ${rowsPerFetch} from ${cursor}`,
    )
    for (const row of page) {
      yield { hash: BigInt(row.hash), key: JSON.parse(row.key), rows: Number(row.rows), sum: row.sum }
    }
    if (page.length < rowsPerFetch) break
  }
  await session.execute(`close ${cursor}`)
}

/** A bit for each bucket: looked up at once however many differ. */
function inBuckets(differing: ReadonlySet<number>): string {
  const bits = Buffer.alloc(buckets / 8)
  for (const bucket of differing) bits[bucket >> 3] = (bits[bucket >> 3] ?? 0) | (1 << (bucket & 7))
  return `pg_catalog.get_bit(pg_catalog.decode('${bits.toString('hex')}', 'hex'), (key_hash & ${buckets - 1})::int4) = 1`
}

/** All rows of one hash of the key; nearly always that is one key. */
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

/** Without a key a row that differs is one that is missing and another that is extra. */
function settleRows(drill: Drill, source: KeyedRows[], destination: KeyedRows[]) {
  const count = (all: KeyedRows[]) => all.reduce((sum, { rows }) => sum + rows, 0)
  const surplus = count(source) - count(destination)
  drill.missing += Math.max(0, surplus)
  drill.extra += Math.max(0, -surplus)
}

/** For the rows that are shown: which of their columns differ. */
async function nameColumns(drill: Drill, scans: Record<Side, Scan>, unit: Unit, sessions: Sessions) {
  const differing = drill.rows.filter((row) => row.change === 'different' && !row.rows)
  for (let first = 0; first < differing.length; first += rowsPerLook) {
    const some = differing.slice(first, first + rowsPerLook)
    const read = (side: Side) => columnHashes(scans[side], unit, sessions[side], some)
    const [here, there] = await settled([read('source'), read('destination')])
    for (const row of some) {
      const [ours, theirs] = [here, there].map((hashes) => hashes?.get(JSON.stringify(row.key)))
      if (!ours || !theirs) continue
      row.columns = unit.columns.compared.filter((_, at) => ours[at] !== theirs[at]).map(({ name }) => name)
    }
  }
}

async function columnHashes(scan: Scan, unit: Unit, session: Session, rows: readonly DifferingRow[]) {
  const { side, hash } = scan
  const key = unit.key ?? []
  const keyText = `pg_catalog.json_build_array(${key.map((column) => `pg_catalog.concat(${column[side]})`).join(', ')})::text`
  // Compared as the column's own type, so that an index can find them.
  const wanted = rows
    .map(
      (row) =>
        `(${key.map((column, at) => `${column[side]} = ${quoteLiteral(row.key[at] ?? '')}`).join(' and ')})`,
    )
    .join(' or ')
  const found = new Map<string, (string | null)[]>()
  for (const relation of unit[side] ?? []) {
    const values = unit.columns.compared.map((column) => `(${columnHash(column, side, hash)})::text`)
    const answers = await session.query<{ key: string; hashes: string }>(`
      select ${keyText} as key, pg_catalog.to_json(array[${values.join(', ')}])::text as hashes
        ${fromClause(scan, unit, relation, wanted)}`)
    for (const answer of answers) found.set(JSON.stringify(JSON.parse(answer.key)), JSON.parse(answer.hashes))
  }
  return found
}
