// Compares both sides by checksum while changes flow, one table after the other, and from then on only the rows
// that change: so that little is left to compare while nobody may write. docs/how-it-works.md has the reasoning.

import type { VerificationView } from '../../../shared/follow-view.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import { hasTransaction, readMoment, type SourceMoment, TwoSnapshots } from '../../compare/two-snapshots.ts'
import { errorInfo } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import type { TableTouches, Touched } from '../../replication/apply/touched.ts'
import { type Membership, readMemberships } from '../../replication/tables/membership.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'
import type { FollowStatus } from '../follow-state.ts'
import type { Link } from '../link.ts'
import { publicationNames } from '../names.ts'
import { Comparer } from './comparer.ts'
import { type Group, Groups } from './groups.ts'
import { Later, reachMoment } from './reach.ts'
import { filterOf, rulesOf, troubleOf } from './scope.ts'
import { readGroupSignatures } from './table-signature.ts'
import { compareInWindow, type InWindow, windowWorkers } from './window.ts'

/** How often rows that changed are compared again. */
const roundEveryMs = 5_000
/** After so many rounds a table that was found different is compared again; a large one after a longer rest. */
const roundsBetween = 12
const restPerCheck = 1
/** Small tables are compared under one pair of snapshots. */
const batchBytes = 256 * 1024 * 1024
const batchTables = 500
/** A table that has changed as a whole at the very moment. */
const laterMs = 2_000
const lookEveryMs = 20
const mostNamed = 20

export interface BackgroundComparisonOptions {
  link: Link
  touched: Touched
  record: () => FollowRecord
  status: FollowStatus
  /** Whole tables were found equal, with all that was applied or left out before. */
  onEqual: (tables: readonly TableName[], members: readonly Membership[]) => void
  /** How often changed rows are compared again (default: 5,000). */
  everyMs?: number | undefined
}

export class BackgroundComparison {
  readonly #groups: Groups
  readonly #comparer = new Comparer()
  #stop = new AbortController()
  #loops: Promise<unknown> | undefined
  #floor: { epoch: number; oldest: bigint } | undefined
  #note: string | undefined
  #running: TableName | undefined
  #position: string | undefined
  #roundSeconds = 0

  constructor(readonly options: BackgroundComparisonOptions) {
    this.#groups = new Groups((id) => options.status.troubles.delete(troubleOf(id)))
  }

  start() {
    if (this.#loops) return
    this.#stop = new AbortController()
    this.#loops = Promise.all([
      this.#repeat(() => this.#checkBatch(), lookEveryMs),
      this.#repeat(() => this.#round(), this.options.everyMs ?? roundEveryMs),
    ])
  }

  /** What is under way is given up; what is known stays. */
  async pause() {
    this.#stop.abort()
    await this.#loops
    this.#loops = undefined
    this.#running = undefined
    for (const group of this.#groups.all) if (group.state === 'checking') group.state = 'waiting'
  }

  /** Others have written to them: what was compared says nothing any more, nor what is being compared now. */
  distrust(tables: readonly TableName[]) {
    for (const table of tables) {
      this.options.touched.voidTable(table)
      const group = this.#groups.of(table)
      if (group && group.state !== 'checking') Object.assign(group, { state: 'waiting', dueAt: 0 })
    }
  }

  view(): VerificationView {
    const { record, touched } = this.options
    const groups = this.#groups.all
    const coarse = new Set<string>()
    let touchedRows = 0
    for (const { table, rows } of touched.counts()) {
      const key = this.#groups.keyOf(table)
      if (key === undefined) continue
      if (rows === 'whole') coarse.add(key)
      else if (this.#groups.of(table)?.state === 'checked') touchedRows += rows
    }
    const isWhole = (group: Group) => group.state !== 'checked' || coarse.has(tableKey(group.id))
    const bytes = groups.filter(isWhole).reduce((sum, group) => sum + group.bytes, 0)
    const seconds =
      groups.length > 0 ? this.#comparer.estimateSeconds({ bytes, rows: touchedRows }) : undefined
    const tablesOf = (list: readonly Group[]) => list.reduce((sum, { tables }) => sum + tables.length, 0)
    const checked = groups.filter((group) => !isWhole(group))
    const all = record().tables.length
    const note = this.#note ?? groups.find(({ state }) => state === 'failed')?.why
    return {
      tables: all,
      checked: tablesOf(checked),
      ...(this.#position !== undefined && { position: this.#position }),
      ...(this.#running && { running: this.#running }),
      changed_rows: touchedRows,
      whole_tables: all - tablesOf(checked),
      whole_bytes: bytes,
      ...(seconds !== undefined && { window_seconds: seconds + this.#roundSeconds }),
      different: groups
        .filter(({ state }) => state === 'different')
        .slice(0, mostNamed)
        .map(({ id }) => id),
      ...(note !== undefined && { note }),
    }
  }

  /** With the source quiet and everything applied. */
  async inWindow(signal: AbortSignal): Promise<InWindow> {
    const { touched, record } = this.options
    const { tables } = record()
    await using both = await this.#open(async () => {}, windowWorkers, signal)
    const known = this.#updateGroups(both)
    const signatures = await this.#signatures(both, known)
    return await compareInWindow({
      ...{ both, tables, signatures, signal },
      groups: this.#groups,
      comparer: this.#comparer,
      changes: touched.touches(Number.POSITIVE_INFINITY),
      isEpochCurrent: this.#floor?.epoch === touched.epoch,
    })
  }

  /** One after the other, the smallest first. */
  async #checkBatch() {
    const { touched } = this.options
    const now = Date.now()
    const isDue = ({ state, dueAt }: Group) => state !== 'checked' && dueAt <= now
    const known = this.#groups.all
    if (known.length > 0 && !known.some(isDue)) return
    await this.#raiseFloor()
    const epoch = touched.epoch
    const voids = new Map(this.options.record().tables.map((one) => [tableKey(one), touched.voidsOf(one)]))
    await using both = await this.#open((moment) => this.#reached(moment), 1)
    const cut = touched.cut((xid) => hasTransaction(both.moment, xid))
    if (both.moment.oldest < (this.#floor?.oldest ?? 0n)) {
      throw new Later('waiting for transactions of the source that were open when following started')
    }
    const batch = batchOf(this.#updateGroups(both).filter(isDue))
    const later = touched.touches(cut)
    const signatures = await this.#signatures(both, batch)
    const members = await readMemberships(
      both.scans.source.end.catalog,
      publicationNames(this.options.link.names),
    )
    const before = new Map(batch.map((group) => [group, group.state]))
    for (const group of batch) group.state = 'checking'
    const isVoid = (group: Group) =>
      touched.epoch !== epoch ||
      group.tables.some((one) => touched.voidsOf(one) !== (voids.get(tableKey(one)) ?? 0))
    for (const group of batch) {
      try {
        this.#running = group.id
        const parts = this.#groups.partsOf(group, later, 'later')
        const outcome = await this.#comparer.whole(both, group, parts)
        if (outcome === 'later' || isVoid(group)) {
          Object.assign(group, { state: 'waiting', dueAt: Date.now() + laterMs })
        } else if (outcome.why !== undefined)
          this.#foundDifferent(group, before.get(group), both, outcome.why)
        else {
          Object.assign(group, { state: 'checked', lsn: both.moment.lsn, rows: outcome.rows, mismatches: 0 })
          group.signature = signatures.get(group) ?? ''
          this.#position = both.moment.lsn
          for (const table of this.#groups.touchedOf(group, later)) touched.settle(table, cut)
          this.#isFine(group)
          this.options.onEqual([group.id, ...group.tables], members)
        }
      } catch (error) {
        if (this.#stop.signal.aborted) throw error
        this.#fails(group, error)
      } finally {
        this.#running = undefined
        this.options.status.onChange('soon')
      }
    }
  }

  #again({ seconds = 0 }: Group): number {
    const round = this.options.everyMs ?? roundEveryMs
    return Date.now() + Math.max(round * roundsBetween, seconds * 1000 * restPerCheck)
  }

  /** A second look decides: what was being committed at the very moment may look like a difference. */
  #foundDifferent(group: Group, before: Group['state'] | undefined, both: TwoSnapshots, why: string) {
    group.mismatches++
    if (group.mismatches < 2 && before !== 'different') {
      group.state = 'waiting'
      return
    }
    Object.assign(group, { state: 'different', dueAt: this.#again(group) })
    this.#isDifferent(group, `${why} (compared at ${both.moment.lsn})`)
  }

  #isDifferent({ id }: Group, why: string) {
    const { status } = this.options
    const words = `table ${showName(id)} is not the same on both sides: ${why}`
    const key = troubleOf(id)
    if (!status.troubles.has(key)) status.say(words, 'error')
    status.troubles.set(key, words)
  }

  #isFine({ id }: Group) {
    const { status } = this.options
    if (status.troubles.delete(troubleOf(id))) {
      status.say(`table ${showName(id)} is the same on both sides again`)
    }
  }

  /** Rows that have changed since their table was compared, or while it is. */
  async #round() {
    const { touched } = this.options
    const groups = this.#groups.all.filter(({ state }) => state === 'checked' || state === 'checking')
    if (groups.length === 0) return
    const begun = performance.now()
    await using both = await this.#open((moment) => this.#reached(moment), 1)
    const cut = touched.cut((xid) => hasTransaction(both.moment, xid))
    this.#updateGroups(both)
    const signatures = await this.#signatures(both, groups)
    const changes = touched.touches(cut)
    for (const group of groups) {
      try {
        await this.#lookAgain(both, group, { cut, changes, signature: signatures.get(group) })
      } catch (error) {
        if (this.#stop.signal.aborted) throw error
        this.#fails(group, error)
      }
    }
    this.#roundSeconds = (performance.now() - begun) / 1000
    this.options.status.onChange('soon')
  }

  async #lookAgain(
    both: TwoSnapshots,
    group: Group,
    { cut, changes, signature }: { cut: number; changes: TableTouches[]; signature: string | undefined },
  ) {
    const { touched } = this.options
    if (group.state === 'checked' && group.signature !== signature) {
      group.state = 'waiting'
      return
    }
    const parts = this.#groups.partsOf(group, changes, 'settled')
    const later = this.#groups.partsOf(group, changes, 'later')
    if (parts === 'whole') {
      if (group.state === 'checked') group.state = 'waiting'
      return
    }
    if (parts.length === 0) return
    if (later === 'whole' || later.some(({ rows }) => rows.ranges.length > 0)) return
    const same = await this.#comparer.parts(both, group, parts, later)
    if (same === true) {
      for (const { table } of parts) touched.settle(table, cut)
      if (group.state === 'checked') {
        group.mismatches = 0
        this.#position = both.moment.lsn
        this.#isFine(group)
      }
    } else if (same !== undefined && ++group.mismatches > 1)
      this.#isDifferent(group, `${same} (of rows that changed)`)
  }

  #fails(group: Group, error: unknown) {
    const why = `${showName(group.id)} cannot be compared before the switchover: ${errorInfo(error).message}`
    Object.assign(group, { state: 'failed', dueAt: this.#again(group), why })
  }

  #updateGroups(both: TwoSnapshots): Group[] {
    return this.#groups.update(both.relations.source, this.options.record().tables)
  }

  #signatures(both: TwoSnapshots, groups: readonly Group[]): Promise<Map<Group, string>> {
    return readGroupSignatures(both, groups, publicationNames(this.options.link.names))
  }

  /**
   * Transactions that an earlier process, or one that was left out, has had from the stream are not among what
   * is noted: those that were under way at the beginning have to be over.
   */
  async #raiseFloor() {
    const { touched, link } = this.options
    const { epoch } = touched
    if (this.#floor?.epoch === epoch) return
    await using session = await Session.open(link.from, { signal: this.#stop.signal })
    const { end } = await readMoment({ catalog: session })
    this.#floor = { epoch, oldest: end }
    for (const group of this.#groups.all) if (group.state === 'checked') group.state = 'waiting'
  }

  #open(
    reached: (moment: SourceMoment) => Promise<void>,
    workers: number,
    signal: AbortSignal = this.#stop.signal,
  ): Promise<TwoSnapshots> {
    const { link, record } = this.options
    return TwoSnapshots.open({
      source: link.from,
      destination: link.to,
      reached,
      filter: filterOf(record()),
      rules: rulesOf(record()),
      workers,
      signal,
    })
  }

  #reached(moment: SourceMoment): Promise<void> {
    const { link, status } = this.options
    return reachMoment(moment, link, status, this.#stop.signal)
  }

  /** Nothing that goes wrong here may end the following. */
  async #repeat(work: () => Promise<void>, everyMs: number) {
    const { signal } = this.#stop
    while (!signal.aborted) {
      let rest = Math.max(everyMs, 100)
      try {
        if (this.options.status.stage === 'streaming' || this.options.record().progress === 'done') {
          const begun = performance.now()
          await work()
          this.#note = undefined
          // However long a look takes, the servers have more rest than work by rounds.
          if (everyMs > lookEveryMs) rest = Math.max(rest, 5 * (performance.now() - begun))
        }
      } catch (error) {
        if (signal.aborted) break
        this.#note =
          error instanceof Later
            ? error.message
            : `both sides cannot be compared now: ${errorInfo(error).message}`
        rest = Math.max(rest, error instanceof Later ? 1000 : 5000)
      }
      await sleep(rest, signal)
    }
  }
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

async function sleep(milliseconds: number, signal: AbortSignal) {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, milliseconds)
  const wake = () => resolve()
  signal.addEventListener('abort', wake, { once: true })
  await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', wake)
}
