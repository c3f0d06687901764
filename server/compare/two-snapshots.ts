// Compares both databases while changes are applied from one to the other, in a snapshot of the source and one of the
// destination. The second is opened when everything in the first has been applied. The process that applies changes
// knows the rows that the destination has changed beyond it; these are excluded on both sides.

import type { TableRule } from '../../shared/request.ts'
import { RuleBook } from '../../shared/rule-book.ts'
import type { TableName } from '../../shared/table-name.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { Side } from './columns.ts'
import { needsConversion } from './data.ts'
import { fingerprint, type Scan, settled } from './fingerprint.ts'
import { isSameSum, minus, nothing, plus, type SomeRows, type Sum, sumOf, sumRows } from './part.ts'
import { ReadingEnd } from './reading-end.ts'
import { type Relation, readRelations } from './relations.ts'
import { chooseNamed } from './selection.ts'
import { pairUnits, type Unit } from './units.ts'

/** What a snapshot of the source contains: every transaction below `end` except those in progress. */
export interface SourceMoment {
  /** The end of the log, read after the snapshot was taken: everything in the snapshot was committed before it. */
  lsn: string
  oldest: bigint
  end: bigint
  underWay: ReadonlySet<bigint>
}

export interface TwoSnapshotsRequest {
  source: ConnectionSettings
  destination: ConnectionSettings
  /** Resolves when the destination has everything in the source's snapshot. */
  reached: (moment: SourceMoment) => Promise<void>
  filter: 'both' | 'source'
  rules: readonly TableRule[]
  workers: number
  signal: AbortSignal
}

export class TwoSnapshots implements AsyncDisposable {
  private constructor(
    readonly moment: SourceMoment,
    readonly scans: Record<Side, Scan>,
    readonly relations: Record<Side, readonly Relation[]>,
    readonly rules: RuleBook,
    private readonly stack: AsyncDisposableStack,
  ) {}

  static async open(request: TwoSnapshotsRequest): Promise<TwoSnapshots> {
    const { signal, filter, rules, workers } = request
    await using stack = new AsyncDisposableStack()
    const source = stack.use(await ReadingEnd.open(request.source, { signal, shortLocks: true }))
    const moment = await readMoment(source)
    await request.reached(moment)
    const destination = stack.use(await ReadingEnd.open(request.destination, { signal, shortLocks: true }))
    source.workers = workers
    destination.workers = workers
    const hash = { convert: needsConversion(source, destination) }
    const scan = (side: Side, end: ReadingEnd): Scan => ({ end, side, hash, fast: false, filter })
    const [here = [], there = []] = await settled([
      readRelations(source.catalog),
      readRelations(destination.catalog),
    ])
    return new TwoSnapshots(
      moment,
      { source: scan('source', source), destination: scan('destination', destination) },
      { source: here, destination: there },
      new RuleBook(rules),
      stack.move(),
    )
  }

  /** The units of these tables, or of the partitioned tables that they belong to. */
  units(tables: readonly TableName[]): Unit[] {
    const sides = [this.relations.source, this.relations.destination]
    const chosen = chooseNamed(
      tables,
      sides.map((relations) => ({ relations, sequences: [] })),
    )
    const [ours, theirs] = chosen
    if (!ours || !theirs) throw new Error('expected a result for both sides')
    return pairUnits(ours, theirs, this.rules)
  }

  /** Compares all rows except those that have changed in the meantime. */
  async compareWhole(unit: Unit, but: readonly SomeRows[]): Promise<Compared> {
    return await this.#compare(unit, async (scan) => {
      const all = await fingerprint(scan, unit)
      return { rows: all.rows, sum: minus(sumOf(all), await this.#sum(scan, unit, but)) }
    })
  }

  async compareRows(unit: Unit, some: readonly SomeRows[], but: readonly SomeRows[] = []): Promise<Compared> {
    return await this.#compare(unit, async (scan) => {
      const sum = minus(await this.#sum(scan, unit, some), await this.#sum(scan, unit, within(but, some)))
      return { rows: sum.rows, sum }
    })
  }

  /**
   * TRUNCATE, and commands that rewrite a table, remove rows also from older snapshots. What was read of such a table
   * is not valid.
   */
  async isRewritten(unit: Unit): Promise<boolean> {
    const counts = await settled(
      (['source', 'destination'] as const).map(async (side) => {
        const oids = (unit[side] ?? []).map(({ oid }) => oid)
        if (oids.length === 0) return 0
        // The table is read in the snapshot, the function returns its current state.
        const rows = await this.scans[side].end.catalog.query(`
          select from pg_catalog.pg_class c
           where c.oid in (${oids.join(', ')})
             and c.relfilenode is distinct from pg_catalog.pg_relation_filenode(c.oid)`)
        return rows.length
      }),
    )
    return counts.some((count) => count > 0)
  }

  async #compare(unit: Unit, read: (scan: Scan) => Promise<{ rows: number; sum: Sum }>): Promise<Compared> {
    const { source, destination } = this.scans
    if (!unit.source || !unit.destination) {
      return { same: false, rows: 0, why: `it is missing on the ${unit.source ? 'destination' : 'source'}` }
    }
    if (unit.columns.onlyOnSource.length + unit.columns.onlyOnDestination.length > 0) {
      return { same: false, rows: 0, why: 'its columns differ' }
    }
    const [here, there] = await settled([read(source), read(destination)])
    if (!here || !there) throw new Error('expected a result for both sides')
    const why =
      here.sum.rows === there.sum.rows
        ? `${here.sum.rows} rows on both sides, with different contents`
        : `${here.sum.rows} rows on the source, ${there.sum.rows} on the destination`
    return { same: isSameSum(here.sum, there.sum), rows: here.rows, why }
  }

  async #sum(scan: Scan, unit: Unit, parts: readonly SomeRows[]): Promise<Sum> {
    let sum = nothing
    for (const part of parts) sum = plus(sum, await sumRows(scan, unit, part))
    return sum
  }

  async [Symbol.asyncDispose]() {
    await this.stack.disposeAsync()
  }
}

export interface Compared {
  same: boolean
  rows: number
  why: string
}

/** The ranges of `but` that `some` covers; keys are never in both. */
function within(but: readonly SomeRows[], some: readonly SomeRows[]): SomeRows[] {
  const ranges = some.flatMap((part) => part.ranges)
  if (ranges.length === 0) return []
  return but.map((part) => ({
    ...part,
    ranges: [],
    keys: part.keys.filter(([key = '0']) =>
      ranges.some(([low, high]) => BigInt(key) >= low && BigInt(key) <= high),
    ),
  }))
}

export async function readMoment({ catalog }: Pick<ReadingEnd, 'catalog'>): Promise<SourceMoment> {
  const { snapshot, lsn } = await catalog.one<{ snapshot: string; lsn: string }>(`
    select pg_catalog.${catalog.major >= 13 ? 'pg_current_snapshot' : 'txid_current_snapshot'}()::text as snapshot,
           pg_catalog.pg_current_wal_insert_lsn()::text as lsn`)
  const [oldest = '0', end = '0', underWay = ''] = snapshot.split(':')
  return {
    lsn,
    oldest: BigInt(oldest),
    end: BigInt(end),
    underWay: new Set(underWay.split(',').filter(Boolean).map(BigInt)),
  }
}

/** The stream has only the lower 32 bits of a transaction number. */
export function hasTransaction({ end, underWay }: SourceMoment, xid: number): boolean {
  const whole = end + BigInt.asIntN(32, BigInt(xid) - end)
  return whole < end && !underWay.has(whole)
}
