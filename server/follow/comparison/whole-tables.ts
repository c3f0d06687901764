// Compares tables as a whole while changes flow, the smallest first, until each is checked.

import { say } from '../../../shared/say.ts'
import { tableKey } from '../../../shared/table-name.ts'
import { hasTransaction, readMoment, type TwoSnapshots } from '../../compare/two-snapshots.ts'
import { Session } from '../../postgres/session.ts'
import { readMemberships } from '../../replication/tables/membership.ts'
import { publicationNames } from '../names.ts'
import type { ComparisonContext } from './context.ts'
import type { Group } from './groups.ts'
import { Later } from './reach.ts'
import type { Seen } from './unseen-writes.ts'

/** Small tables are compared under one pair of snapshots. */
const batchBytes = 256 * 1024 * 1024
const batchTables = 500
/** When a table that changed as a whole during its comparison is compared again. */
const laterMs = 2_000

export class WholeTables {
  /** A snapshot is usable when its oldest open transaction is not older than this one: see `#raiseFloor`. */
  #floor: { epoch: number; oldest: bigint } | undefined

  constructor(readonly context: ComparisonContext) {}

  /** Results are valid only for what the current stream has applied. */
  get isEpochCurrent(): boolean {
    return this.#floor?.epoch === this.context.options.touched.epoch
  }

  /** One after the other. */
  async checkBatch(signal: AbortSignal) {
    const { context } = this
    const { touched, link, record, status, onEqual } = context.options
    const now = Date.now()
    const isDue = ({ state, dueAt }: Group) => state !== 'checked' && dueAt <= now
    const known = context.groups.all
    if (known.length > 0 && !known.some(isDue)) return
    await this.#raiseFloor(signal)
    const epoch = touched.epoch
    const voids = new Map(record().tables.map((one) => [tableKey(one), touched.voidsOf(one)]))
    const seen = await context.sample(signal)
    await using both = await context.open(signal)
    const cut = touched.cut((xid) => hasTransaction(both.moment, xid))
    if (both.moment.oldest < (this.#floor?.oldest ?? 0n)) {
      throw new Later(say`waiting for transactions of the source that were open when following started`)
    }
    const batch = batchOf(context.updateGroups(both).filter(isDue))
    const later = touched.touches(cut)
    const signatures = await context.signatures(both, batch)
    const members = await readMemberships(both.scans.source.end.catalog, publicationNames(link.names))
    const oidsOf = context.oidsByGroup()
    const before = new Map(batch.map((group) => [group, group.state]))
    for (const group of batch) group.state = 'checking'
    const isVoid = (group: Group) =>
      touched.epoch !== epoch ||
      group.tables.some((one) => touched.voidsOf(one) !== (voids.get(tableKey(one)) ?? 0))
    for (const group of batch) {
      try {
        context.running = group.id
        const parts = context.groups.partsOf(group, later, 'later')
        const outcome = await context.comparer.whole(both, group, parts)
        if (outcome === 'later' || isVoid(group)) {
          Object.assign(group, { state: 'waiting', dueAt: Date.now() + laterMs })
        } else if (outcome.why !== undefined)
          this.#foundDifferent(group, before.get(group), both, outcome.why)
        else {
          Object.assign(group, { state: 'checked', lsn: both.moment.lsn, rows: outcome.rows, mismatches: 0 })
          group.signature = signatures.get(group) ?? ''
          group.seen = new Map(oidsOf(group).flatMap((oid) => ownEntry(seen, oid)))
          context.position = both.moment.lsn
          for (const table of context.groups.touchedOf(group, later)) touched.settle(table, cut)
          context.reportEqual(group)
          onEqual([group.id, ...group.tables], members)
        }
      } catch (error) {
        if (signal.aborted) throw error
        context.failed(group, error)
      } finally {
        context.running = undefined
        status.onChange('soon')
      }
    }
  }

  /** A second comparison decides: a transaction that commits during the first one may look like a difference. */
  #foundDifferent(group: Group, before: Group['state'] | undefined, both: TwoSnapshots, why: string) {
    group.mismatches++
    if (group.mismatches < 2 && before !== 'different') {
      group.state = 'waiting'
      return
    }
    Object.assign(group, { state: 'different', dueAt: this.context.nextAttempt(group) })
    this.context.reportDifferent(group, say`${why} (compared at ${both.moment.lsn})`)
  }

  /**
   * Rows that an earlier stream had received, of this process or another one, are not among the touched rows.
   * Transactions that were open when this stream started have to end first.
   */
  async #raiseFloor(signal: AbortSignal) {
    const { groups, options } = this.context
    const { epoch } = options.touched
    if (this.#floor?.epoch === epoch) return
    await using session = await Session.open(options.link.from, { signal })
    const { end } = await readMoment({ catalog: session })
    this.#floor = { epoch, oldest: end }
    for (const group of groups.all) if (group.state === 'checked') group.state = 'waiting'
  }
}

/** Each group keeps the counts of its own tables only. */
function ownEntry(seen: ReadonlyMap<number, Seen>, oid: number | undefined): [number, Seen][] {
  const found = oid === undefined ? undefined : seen.get(oid)
  return oid === undefined || !found ? [] : [[oid, found]]
}

function batchOf(due: readonly Group[]): Group[] {
  const batch: Group[] = []
  let bytes = 0
  for (const group of due.toSorted((one, other) => one.bytes - other.bytes)) {
    if (batch.length > 0 && (bytes + group.bytes > batchBytes || batch.length >= batchTables)) break
    bytes += group.bytes
    batch.push(group)
  }
  return batch
}
