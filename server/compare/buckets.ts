// The rows of a table grouped by the hash of their key: each server sums them up in buckets, and only buckets that
// differ are read.
import { Cancelled } from '../postgres/errors.ts'
import type { Session } from '../postgres/session.ts'
import type { Side } from './columns.ts'
import { fromClause, readParts, type Scan, settled } from './fingerprint.ts'
import { rowHash } from './hash.ts'
import type { Unit } from './units.ts'

/** A power of two. More buckets make the sums slower; with fewer, more rows are read. */
const bucketCount = 4096
/** Up to so many keys per side are kept in memory; more are sorted by the server and read through a cursor. */
const mostInMemory = 50_000
const rowsPerFetch = 5000

/** Rows of one key on one side. There can be several if the destination lacks the key. */
export interface KeyedRows {
  hash: bigint
  key: string[]
  rows: number
  sum: bigint
}

export interface Buckets {
  differing: ReadonlySet<number>
  /** Their number of rows, on the side with more. */
  rows: number
}

interface Bucket {
  rows: number
  sum: bigint
}

export async function differingBuckets(scans: Record<Side, Scan>, unit: Unit): Promise<Buckets> {
  const [here, there] = await settled([sumBuckets(scans.source, unit), sumBuckets(scans.destination, unit)])
  const differing = new Set<number>()
  const rows = { here: 0, there: 0 }
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    const [ours, theirs] = [here?.get(bucket), there?.get(bucket)]
    if (ours?.rows === theirs?.rows && ours?.sum === theirs?.sum) continue
    differing.add(bucket)
    rows.here += ours?.rows ?? 0
    rows.there += theirs?.rows ?? 0
  }
  return { differing, rows: Math.max(rows.here, rows.there) }
}

async function sumBuckets(scan: Scan, unit: Unit): Promise<Map<number, Bucket>> {
  const buckets = new Map<number, Bucket>()
  await readParts(scan, unit, async (session, from) => {
    // OFFSET hides the expression from the planner, which would otherwise expect as many buckets as keys, and sort.
    const rows = await session.query<{ bucket: number; rows: string; sum: string }>(`
      select (key_hash & ${bucketCount - 1})::int4 as bucket, count(*)::text as rows, sum(row_hash)::text as sum
        from (${hashedRows(scan, unit, from)} offset 0) hashed
       group by 1`)
    for (const { bucket, rows: count, sum } of rows) {
      const known = buckets.get(bucket) ?? { rows: 0, sum: 0n }
      buckets.set(bucket, { rows: known.rows + Number(count), sum: known.sum + BigInt(sum) })
    }
  })
  return buckets
}

/** The rows of both sides in the buckets that differ, ascending by the hash. */
export async function withKeyedRows(
  scans: Record<Side, Scan>,
  unit: Unit,
  buckets: Buckets,
  signal: AbortSignal,
  use: (source: AsyncIterable<KeyedRows>, destination: AsyncIterable<KeyedRows>) => Promise<void>,
): Promise<void> {
  const { source, destination } = scans
  if (buckets.rows <= mostInMemory) {
    const few = [readFew(source, unit, buckets), readFew(destination, unit, buckets)]
    const [ours = [], theirs = []] = await settled(few)
    return await use(inOrder(ours), inOrder(theirs))
  }
  // Every table takes its session of the source first, so that tables do not wait for each other in a circle.
  await source.end.read((here) =>
    destination.end.read((there) =>
      use(readMany(source, unit, buckets, here, signal), readMany(destination, unit, buckets, there, signal)),
    ),
  )
}

interface KeyRow {
  hash: string
  key: string
  rows: string
  sum: string
}

/** Selects a row for each key in `from`. */
function keyQuery(unit: Unit, { differing }: Buckets, from: string): string {
  const names = (unit.key ?? []).map((_, index) => `key_${index}`)
  const key = names.length > 0 ? `pg_catalog.json_build_array(${names.join(', ')})::text` : `'[]'`
  return `
    select key_hash::text as hash, ${key} as key, count(*)::text as rows, sum(row_hash)::text as sum
      from (${from}) hashed
     where ${isIn(differing)}
     group by ${['key_hash', ...names].join(', ')}`
}

/** A condition with one bit for each bucket: its cost does not depend on how many differ. */
function isIn(differing: ReadonlySet<number>): string {
  const bits = Buffer.alloc(bucketCount / 8)
  for (const bucket of differing) bits[bucket >> 3] = (bits[bucket >> 3] ?? 0) | (1 << (bucket & 7))
  return `pg_catalog.get_bit(pg_catalog.decode('${bits.toString('hex')}', 'hex'), (key_hash & ${bucketCount - 1})::int4) = 1`
}

/** Reads in parts, with all sessions; a key can be in several parts. */
async function readFew(scan: Scan, unit: Unit, buckets: Buckets): Promise<KeyedRows[]> {
  const parts = await readParts(scan, unit, (session, from) =>
    session.query<KeyRow>(keyQuery(unit, buckets, hashedRows(scan, unit, from))),
  )
  const keys = new Map<string, KeyedRows>()
  for (const row of parts.flat()) {
    const found = keyedRows(row)
    const name = `${row.hash} ${row.key}`
    const known = keys.get(name)
    if (known) {
      known.rows += found.rows
      known.sum += found.sum
    } else keys.set(name, found)
  }
  return [...keys.values()].sort((one, other) => (one.hash < other.hash ? -1 : one.hash > other.hash ? 1 : 0))
}

async function* inOrder(rows: readonly KeyedRows[]): AsyncGenerator<KeyedRows> {
  yield* rows
}

/** Reads in order through a cursor of the server. */
async function* readMany(
  scan: Scan,
  unit: Unit,
  buckets: Buckets,
  session: Session,
  signal: AbortSignal,
): AsyncGenerator<KeyedRows> {
  const all = (unit[scan.side] ?? []).map((relation) => {
    return hashedRows(scan, unit, fromClause(scan, unit, relation))
  })
  // A partitioned table without partitions.
  if (all.length === 0) return
  const query = keyQuery(unit, buckets, all.join('\nunion all\n'))
  await session.execute(`declare pgtrek_keys no scroll cursor for ${query} order by key_hash`)
  for (;;) {
    if (signal.aborted) throw new Cancelled()
    const page = await session.query<KeyRow>(`fetch ${rowsPerFetch} from pgtrek_keys`)
    for (const row of page) yield keyedRows(row)
    if (page.length < rowsPerFetch) break
  }
  await session.execute('close pgtrek_keys')
}

function keyedRows({ hash, key, rows, sum }: KeyRow): KeyedRows {
  return { hash: BigInt(hash), key: JSON.parse(key), rows: Number(rows), sum: BigInt(sum) }
}

/**
 * Selects for each row in `from` the hash of its key, the hash of the row, and the key as text in `key_0`, `key_1`,
 * ...
 */
function hashedRows({ side, hash }: Scan, unit: Unit, from: string): string {
  const all = rowHash(unit.columns.compared, side, hash)
  const key = unit.key ? rowHash(unit.key, side, hash) : all
  const names = (unit.key ?? []).map(
    (column, index) => `, pg_catalog.concat(${column[side]}) as key_${index}`,
  )
  return `select ${key} as key_hash, ${all} as row_hash${names.join('')} ${from}`
}
