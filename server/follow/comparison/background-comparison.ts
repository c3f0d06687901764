// Compares both sides by checksum while changes flow, one table after the other, and from then on only the rows
// that change: so that little is left to compare while nobody may write. docs/how-it-works.md has the reasoning.

import type { VerificationView } from '../../../shared/follow-view.ts'
import type { TableRule } from '../../../shared/request.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import type { Relation } from '../../compare/relations.ts'
import { hasTransaction, readMoment, type SourceMoment, TwoSnapshots } from '../../compare/two-snapshots.ts'
import { bytesOf, type Unit } from '../../compare/units.ts'
import { errorInfo } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import { Follower, type Following } from '../../replication/apply/follower.ts'
import type { TableTouches, Touched, TouchedRows } from '../../replication/apply/touched.ts'
import { parseLsn } from '../../replication/stream/lsn.ts'
import { type Membership, readMemberships } from '../../replication/tables/membership.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'
import type { FollowStatus } from '../follow-state.ts'
import type { Link } from '../link.ts'
import { publicationNames } from '../names.ts'
import { readSignatures } from './table-signature.ts'

/** How often rows that changed are compared again. */
const roundEveryMs = 5_000
/** After so many rounds a table that was found different is compared again; a large one after a longer rest. */
const roundsBetween = 12
const restPerCheck = 1
/** Small tables are compared under one pair of snapshots. */
const batchBytes = 256 * 1024 * 1024
const batchTables = 500
const patienceMs = 30_000
/** A table that has changed as a whole at the very moment. */
const laterMs = 2_000
const nudgeAfterMs = 300
const lookEveryMs = 20
const windowWorkers = 4
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

interface Group {
  /** The table, or the topmost of its partitioned table on the source. */
  id: TableName
  tables: TableName[]
  state: 'waiting' | 'checking' | 'checked' | 'different' | 'failed'
  bytes: number
  lsn?: string
  /** Of each table whose rows were counted. */
  rows?: { table: TableName; rows: number }[]
  signature?: string
  /** Not before. */
  dueAt: number
  /** How long comparing it took. */
  seconds?: number
  /** Of one that failed. */
  why?: string
  /** Rounds in a row in which rows that changed were not the same. */
  mismatches: number
}

export interface Proven extends TableName {
  rows: number
  lsn: string
  /** Keys and ranges compared again in the window. */
  again: number
}

export interface InWindow {
  proven: Proven[]
  /** Not compared before, or changed as a whole since. */
  whole: TableName[]
  /** Found different: counting their rows would not do. */
  suspect: TableName[]
}

/** Not now: something is not as it has to be, and may be later. */
class Later extends Error {}

export class BackgroundComparison {
  readonly #groups = new Map<string, Group>()
  /** Table of the source -> its group; also of tables that are gone. */
  readonly #groupOf = new Map<string, string>()
  #stop = new AbortController()
  #loops: Promise<unknown> | undefined
  #floor: { epoch: number; oldest: bigint } | undefined
  #note: string | undefined
  #running: TableName | undefined
  #position: string | undefined
  #bytesRead = 0
  #secondsRead = 0
  #keysRead = 0
  #keySeconds = 0
  #roundSeconds = 0

  constructor(readonly options: BackgroundComparisonOptions) {}

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
    for (const group of this.#groups.values()) if (group.state === 'checking') group.state = 'waiting'
  }

  /** Others have written to them: what was compared says nothing any more, nor what is being compared now. */
  distrust(tables: readonly TableName[]) {
    for (const table of tables) {
      this.options.touched.voidTable(table)
      const group = this.#groups.get(this.#groupOf.get(tableKey(table)) ?? '')
      if (group && group.state !== 'checking') Object.assign(group, { state: 'waiting', dueAt: 0 })
    }
  }

  view(): VerificationView {
    const { record, touched } = this.options
    const groups = [...this.#groups.values()]
    const coarse = new Set<string>()
    let touchedRows = 0
    for (const { table, rows } of touched.counts()) {
      const group = this.#groupOf.get(tableKey(table))
      if (group === undefined) continue
      if (rows === 'whole') coarse.add(group)
      else if (this.#groups.get(group)?.state === 'checked') touchedRows += rows
    }
    const isWhole = (group: Group) => group.state !== 'checked' || coarse.has(tableKey(group.id))
    const whole = groups.filter(isWhole)
    const bytes = whole.reduce((sum, group) => sum + group.bytes, 0)
    const isKnown = groups.length > 0 && (bytes === 0 || this.#bytesRead > 0)
    const perKey = this.#keysRead > 0 ? this.#keySeconds / this.#keysRead : 0
    const seconds =
      (bytes > 0 ? (bytes / this.#bytesRead) * this.#secondsRead : 0) +
      touchedRows * perKey +
      this.#roundSeconds
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
      ...(isKnown && { window_seconds: seconds }),
      different: groups
        .filter(({ state }) => state === 'different')
        .slice(0, mostNamed)
        .map(({ id }) => id),
      ...(note !== undefined && { note }),
    }
  }

  /** With the source quiet and everything applied: what needs no more than a look at the rows that have changed. */
  async inWindow(signal: AbortSignal): Promise<InWindow> {
    const { record, touched } = this.options
    const { tables } = record()
    await using both = await this.#open(async () => {}, windowWorkers, signal)
    const known = this.#group(both.relations.source)
    const signatures = await this.#signatures(both, known)
    const proven: Proven[] = []
    const unproven = new Set<string>()
    const suspect = new Set<string>()
    const epochIsGood = this.#floor?.epoch === touched.epoch
    const changes = touched.touches(Number.POSITIVE_INFINITY)
    const look = async (group: Group) => {
      const isGood = epochIsGood && group.state === 'checked' && group.signature === signatures.get(group)
      const parts = isGood ? this.#partsOf(group, changes, 'settled') : 'whole'
      const same =
        parts !== 'whole' && (await this.#compareParts(both, group, parts, []).catch(() => undefined))
      signal.throwIfAborted()
      if (same !== true) {
        const isSuspect = parts !== 'whole' || group.state === 'different'
        return void (isSuspect ? suspect : unproven).add(tableKey(group.id))
      }
      const again = parts.reduce((sum, { rows }) => sum + rows.keys.length + rows.ranges.length, 0)
      for (const { table, rows } of group.rows ?? []) {
        proven.push({ ...table, rows, lsn: group.lsn ?? '', again })
      }
    }
    const waiting = known.slice()
    await Promise.all(
      Array.from({ length: windowWorkers }, async () => {
        for (let group = waiting.pop(); group; group = waiting.pop()) await look(group)
      }),
    )
    const whole = tables.filter((table) => {
      const group = this.#groupOf.get(tableKey(table))
      return group === undefined || unproven.has(group)
    })
    const differing = tables.filter((table) => suspect.has(this.#groupOf.get(tableKey(table)) ?? ''))
    return { proven, whole, suspect: differing }
  }

  /** One after the other, the smallest first. */
  async #checkBatch() {
    const { touched } = this.options
    const now = Date.now()
    const isDue = ({ state, dueAt }: Group) => state !== 'checked' && dueAt <= now
    if (this.#groups.size > 0 && ![...this.#groups.values()].some(isDue)) return
    await this.#raiseFloor()
    const epoch = touched.epoch
    const voids = new Map(this.options.record().tables.map((one) => [tableKey(one), touched.voidsOf(one)]))
    await using both = await this.#open((moment) => this.#reached(moment), 1)
    const cut = touched.cut((xid) => hasTransaction(both.moment, xid))
    if (both.moment.oldest < (this.#floor?.oldest ?? 0n)) {
      throw new Later('waiting for transactions of the source that were under way when following began')
    }
    const groups = this.#group(both.relations.source).filter(isDue)
    const later = touched.touches(cut)
    const batch: Group[] = []
    let bytes = 0
    for (const group of groups.toSorted((one, other) => one.bytes - other.bytes)) {
      if (batch.length > 0 && (bytes + group.bytes > batchBytes || batch.length >= batchTables)) break
      bytes += group.bytes
      batch.push(group)
    }
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
        const outcome = await this.#checkWhole(both, group, this.#partsOf(group, later, 'later'))
        if (outcome === 'later' || isVoid(group)) {
          Object.assign(group, { state: 'waiting', dueAt: Date.now() + laterMs })
        } else if (outcome.why !== undefined)
          this.#foundDifferent(group, before.get(group), both, outcome.why)
        else {
          Object.assign(group, { state: 'checked', lsn: both.moment.lsn, rows: outcome.rows, mismatches: 0 })
          group.signature = signatures.get(group) ?? ''
          this.#position = both.moment.lsn
          for (const table of this.#touchedOf(group, later)) touched.settle(table, cut)
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

  async #checkWhole(both: TwoSnapshots, group: Group, later: Part[] | 'whole') {
    if (later === 'whole' || later.some(({ rows }) => rows.ranges.length > 0)) return 'later' as const
    const begun = performance.now()
    const units = both.units(group.tables)
    const rows: NonNullable<Group['rows']> = []
    if (units.length === 0) throw new Error('it is not there')
    for (const unit of units) {
      const found = await both.compareWhole(unit, rowsFor(unit, units, later))
      if (!found.same && (await both.isRewritten(unit))) return 'later' as const
      group.seconds = (performance.now() - begun) / 1000
      if (!found.same) return { rows, why: `${units.length > 1 ? `${showName(unit)}: ` : ''}${found.why}` }
      rows.push({ table: { schema: unit.schema, name: unit.name }, rows: found.rows })
    }
    group.seconds = (performance.now() - begun) / 1000
    this.#bytesRead += units.reduce((sum, unit) => sum + bytesOf(unit), 0) / 2
    this.#secondsRead += group.seconds
    return { rows, why: undefined }
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
    const groups = [...this.#groups.values()].filter(
      ({ state }) => state === 'checked' || state === 'checking',
    )
    if (groups.length === 0) return
    const begun = performance.now()
    await using both = await this.#open((moment) => this.#reached(moment), 1)
    const cut = touched.cut((xid) => hasTransaction(both.moment, xid))
    this.#group(both.relations.source)
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
    const parts = this.#partsOf(group, changes, 'settled')
    const later = this.#partsOf(group, changes, 'later')
    if (parts === 'whole') {
      if (group.state === 'checked') group.state = 'waiting'
      return
    }
    if (parts.length === 0) return
    if (later === 'whole' || later.some(({ rows }) => rows.ranges.length > 0)) return
    const same = await this.#compareParts(both, group, parts, later)
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
    const why = `${showName(group.id)} cannot be compared beforehand: ${errorInfo(error).message}`
    Object.assign(group, { state: 'failed', dueAt: this.#again(group), why })
  }

  /** True, or what is different; undefined when nobody can say. */
  async #compareParts(
    both: TwoSnapshots,
    group: Group,
    parts: Part[],
    later: Part[],
  ): Promise<true | string | undefined> {
    if (parts.length === 0) return true
    const begun = performance.now()
    const units = both.units(group.tables)
    for (const unit of units) {
      const some = rowsFor(unit, units, parts)
      if (some.length === 0) continue
      const found = await both.compareRows(unit, some, rowsFor(unit, units, later))
      if (!found.same) return (await both.isRewritten(unit)) ? undefined : found.why
      this.#keysRead += some.reduce((sum, { keys }) => sum + keys.length, 0)
    }
    this.#keySeconds += (performance.now() - begun) / 1000
    return true
  }

  #partsOf(group: Group, changes: TableTouches[], which: 'settled' | 'later'): Part[] | 'whole' {
    const parts: Part[] = []
    for (const change of changes) {
      if (this.#groupOf.get(tableKey(change.table)) !== tableKey(group.id)) continue
      const rows = change[which]
      if (rows === 'whole') return 'whole'
      if (rows) parts.push({ table: change.table, rows })
    }
    return parts
  }

  #touchedOf(group: Group, changes: TableTouches[]): TableName[] {
    return changes
      .filter(({ table }) => this.#groupOf.get(tableKey(table)) === tableKey(group.id))
      .map(({ table }) => table)
  }

  /** Finds out which of the followed tables belong together, and what has become of them. */
  #group(relations: readonly Relation[]): Group[] {
    const byOid = new Map(relations.map((relation) => [relation.oid, relation]))
    const byKey = new Map(relations.map((relation) => [tableKey(relation), relation]))
    const rootOf = (relation: Relation): Relation => {
      const parent = relation.parent === null ? undefined : byOid.get(relation.parent)
      return parent ? rootOf(parent) : relation
    }
    const bytes = new Map<string, number>()
    for (const relation of relations) {
      const root = tableKey(rootOf(relation))
      this.#groupOf.set(tableKey(relation), root)
      bytes.set(root, (bytes.get(root) ?? 0) + relation.bytes)
    }
    const tables = new Map<string, TableName[]>()
    for (const { schema, name } of this.options.record().tables) {
      const relation = byKey.get(tableKey({ schema, name }))
      const root = relation ? tableKey(rootOf(relation)) : tableKey({ schema, name })
      this.#groupOf.set(tableKey({ schema, name }), root)
      tables.set(root, [...(tables.get(root) ?? []), { schema, name }])
    }
    for (const [key, members] of tables) {
      const found = this.#groups.get(key)
      const [first] = members
      const { schema, name } = byKey.get(key) ?? (first as TableName)
      const group: Group = found ?? {
        ...{ id: { schema, name }, tables: members, state: 'waiting', bytes: 0, dueAt: 0, mismatches: 0 },
      }
      if (found && found.tables.map(tableKey).join() !== members.map(tableKey).join()) found.state = 'waiting'
      group.tables = members
      group.bytes = bytes.get(key) ?? 0
      this.#groups.set(key, group)
    }
    for (const [key, { id }] of this.#groups) {
      if (tables.has(key)) continue
      // It was renamed, or belongs to another tree: what was found under its name says nothing any more.
      this.#groups.delete(key)
      this.options.status.troubles.delete(troubleOf(id))
    }
    return [...this.#groups.values()]
  }

  async #signatures(both: TwoSnapshots, groups: readonly Group[]): Promise<Map<Group, string>> {
    const { names } = this.options.link
    const { source, destination } = both.scans
    const published = publicationNames(names)
    const members = new Map(
      groups.map((group) => {
        const units = both.units(group.tables)
        const oids = (side: 'source' | 'destination') =>
          units.flatMap((unit) => unit[side] ?? []).map(({ oid }) => oid)
        return [group, { source: oids('source'), destination: oids('destination') }]
      }),
    )
    const oids = (side: 'source' | 'destination') => [...members.values()].flatMap((one) => one[side])
    const here = await readSignatures(source.end.catalog, oids('source'), published)
    const there = await readSignatures(destination.end.catalog, oids('destination'), [])
    return new Map(
      groups.map((group) => {
        const of = members.get(group)
        const list = [
          ...(of?.source ?? []).map((oid) => here.get(oid)),
          '/',
          ...(of?.destination ?? []).map((oid) => there.get(oid)),
        ]
        return [group, list.toSorted().join('\n')]
      }),
    )
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
    for (const group of this.#groups.values()) if (group.state === 'checked') group.state = 'waiting'
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

  async #reached({ lsn }: SourceMoment) {
    const { signal } = this.#stop
    const wanted = parseLsn(lsn)
    const begun = performance.now()
    for (let nudged = false; ; ) {
      signal.throwIfAborted()
      const follower = this.#follower()
      if (!follower) throw new Later('changes do not flow')
      if (parseLsn(follower.status.applied) >= wanted) return
      follower.askForEnd()
      const waited = performance.now() - begun
      if (waited > patienceMs) throw new Later('the destination lags behind')
      if (waited > nudgeAfterMs && !nudged) {
        nudged = true
        await nudge(this.options.link)
      }
      await Bun.sleep(lookEveryMs)
    }
  }

  #follower(): Follower | undefined {
    const { status, link } = this.options
    const follower: Following | undefined = status.followers.get(link.direction)
    return follower instanceof Follower && status.state === 'running' ? follower : undefined
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

interface Part {
  table: TableName
  rows: TouchedRows
}

/** Changes of a table that is compared as such belong to it; those of another name may be of any of them. */
function rowsFor(unit: Unit, units: readonly Unit[], parts: readonly Part[]): TouchedRows[] {
  const own = new Set(units.map(tableKey))
  return parts
    .filter(({ table }) => tableKey(table) === tableKey(unit) || !own.has(tableKey(table)))
    .map(({ rows }) => rows)
}

export function filterOf({ direction }: FollowRecord): 'both' | 'source' {
  return direction === 'forward' ? 'source' : 'both'
}

export function rulesOf({ tables }: FollowRecord): TableRule[] {
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
  return tables.flatMap(({ schema, name, where }) =>
    where === undefined ? [] : [{ table: `${quoted(schema)}.${quoted(name)}`, where }],
  )
}

/** On a source where nothing happens the end of the log is written to disk with the next commit only. */
async function nudge({ from }: Link) {
  await using session = await Session.open(from)
  await session.execute('select pg_catalog.txid_current()')
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

export function troubleOf(id: TableName): string {
  return `different ${tableKey(id)}`
}
