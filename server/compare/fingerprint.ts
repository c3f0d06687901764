// Counts and hashes the rows of one table on one server, in parts for several sessions.
import type { Fingerprint } from '../../shared/comparison.ts'
import { ctidParts, keyParts, partCount } from '../copy/parts.ts'
import { quoteIdentifier, quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import type { Side } from './columns.ts'
import { type HashOptions, rowHash } from './hash.ts'
import type { ReadingEnd } from './reading-end.ts'
import type { Relation } from './relations.ts'
import type { Unit } from './units.ts'

export interface Scan {
  end: ReadingEnd
  side: Side
  hash: HashOptions
  /** Only count. */
  fast: boolean
  /** On which sides the user's conditions apply. */
  filter: 'both' | 'source'
  /** Called after each part. */
  onRead?: ((bytes: number, rows: number) => void) | undefined
}

/** Large enough to make the overhead of a part negligible. */
const partBytes = 64 * 1024 * 1024

export async function fingerprint(scan: Scan, unit: Unit): Promise<Fingerprint> {
  const sum = scan.fast ? '0' : `coalesce(sum(${rowHash(unit.columns.compared, scan.side, scan.hash)}), 0)`
  const parts = await readParts(scan, unit, async (session, from, bytes) => {
    const row = await session.one<{ rows: string; hash: string }>(
      `select count(*)::text as rows, (${sum})::text as hash ${from}`,
    )
    scan.onRead?.(bytes, Number(row.rows))
    return row
  })
  return {
    rows: parts.reduce((total, part) => total + Number(part.rows), 0),
    hash: scan.fast ? null : String(parts.reduce((total, part) => total + BigInt(part.hash), 0n)),
  }
}

/** Runs one query for each part of the unit's rows, on all free sessions; `from` selects the part. */
export async function readParts<Result>(
  scan: Scan,
  unit: Unit,
  ask: (session: Session, from: string, bytes: number) => Promise<Result>,
): Promise<Result[]> {
  const results = await settled(
    (unit[scan.side] ?? []).map(async (relation) => {
      const ranges = await rangesOf(scan, relation)
      return await settled(
        ranges.map(({ condition, share }) => {
          const from = fromClause(scan, unit, relation, condition)
          return scan.end.read((session) => ask(session, from, relation.bytes * share))
        }),
      )
    }),
  )
  return results.flat()
}

/** Uses the table's own name, which a user's condition may refer to. */
export function fromClause(
  { side, filter }: Pick<Scan, 'side' | 'filter'>,
  unit: Unit,
  relation: Relation,
  condition?: string,
): string {
  const where = side === 'source' || filter === 'both' ? unit.where : undefined
  const conditions = [relation.condition, where, condition].filter((one) => one)
  const from = `from only ${quoteQualified(relation.schema, relation.name)}`
  return conditions.length > 0 ? `${from} where ${conditions.map((one) => `(${one}\n)`).join(' and ')}` : from
}

async function rangesOf({ end }: Scan, relation: Relation) {
  const count = partCount(relation.bytes, partBytes, end.workers)
  if (count > 1 && relation.hasRanges) return ctidParts(relation.pages, count)
  if (count > 1 && relation.integerKey !== null) {
    const column = relation.integerKey
    const bounds = await end.read((session) => readBounds(session, relation, column))
    if (bounds) return keyParts(column, bounds.lowest, bounds.highest, count)
  }
  return [{ condition: undefined, share: 1 }]
}

/** Fast, because the column has an index. */
async function readBounds(session: Session, { schema, name }: Relation, column: string) {
  const quoted = quoteIdentifier(column)
  const { lowest, highest } = await session.one<{ lowest: string | null; highest: string | null }>(`
    select min(${quoted})::text as lowest, max(${quoted})::text as highest from only ${quoteQualified(schema, name)}`)
  return lowest === null || highest === null
    ? undefined
    : { lowest: BigInt(lowest), highest: BigInt(highest) }
}

/** Waits for all, also if one fails, so that none continues unobserved. */
export async function settled<Result>(promises: Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(promises)
  return await Promise.all(promises)
}
