// What the parts of a comparison share: its tables in groups, how both sides are read, and how results are reported.

import { say } from '../../../shared/say.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import { type SourceMoment, TwoSnapshots } from '../../compare/two-snapshots.ts'
import { errorInfo } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import type { Touched } from '../../replication/apply/touched.ts'
import type { Membership } from '../../replication/tables/membership.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'
import type { FollowStatus } from '../follow-state.ts'
import type { Link } from '../link.ts'
import { publicationNames } from '../names.ts'
import { Comparer } from './comparer.ts'
import { type Group, Groups } from './groups.ts'
import { reachMoment } from './reach.ts'
import { filterOf, rulesOf, troubleOf } from './scope.ts'
import { readGroupSignatures } from './table-signature.ts'
import type { Seen, UnseenWrites } from './unseen-writes.ts'

/** How often rows that changed are compared again. */
const defaultRoundEveryMs = 5_000
/** A table that differs is compared again after so many rounds; a large one after as long as its comparison took. */
const roundsBetween = 12

export interface BackgroundComparisonOptions {
  link: Link
  touched: Touched
  record: () => FollowRecord
  status: FollowStatus
  /** These tables are equal as a whole, also after skipped transactions and writes of others. */
  onEqual: (tables: readonly TableName[], members: readonly Membership[]) => void
  /** Absent when the writes of others cannot be told from those of the move, or are expected. */
  unseen?: UnseenWrites | undefined
  /** How often changed rows are compared again (default: 5,000). */
  everyMs?: number | undefined
}

export class ComparisonContext {
  readonly groups: Groups
  readonly comparer = new Comparer()
  /** Of the newest comparison, in the source's log. */
  position: string | undefined
  /** The table that is being compared as a whole. */
  running: TableName | undefined

  constructor(readonly options: BackgroundComparisonOptions) {
    this.groups = new Groups((id) => options.status.troubles.delete(troubleOf(id)))
  }

  get roundEveryMs(): number {
    return this.options.everyMs ?? defaultRoundEveryMs
  }

  /** `reached` waits until the destination has what the snapshot of the source shows. */
  open(
    signal: AbortSignal,
    {
      workers = 1,
      reached = this.#reached(signal),
    }: Partial<Pick<SnapshotOptions, 'workers' | 'reached'>> = {},
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

  #reached(signal: AbortSignal): (moment: SourceMoment) => Promise<void> {
    const { link, status } = this.options
    return (moment) => reachMoment(moment, link, status, signal)
  }

  /** The counts of all followed tables. To be called before the snapshots of a comparison. */
  async sample(signal: AbortSignal): Promise<ReadonlyMap<number, Seen>> {
    const { unseen, link } = this.options
    if (!unseen) return new Map()
    await using destination = await Session.open(link.to, { signal })
    return await unseen.sample(destination, this.destinationOids)
  }

  get destinationOids(): number[] {
    return this.options.record().tables.flatMap(({ destination }) => destination ?? [])
  }

  /** The OIDs of a group's tables on the destination, where they are known. */
  oidsByGroup(): (group: Group) => (number | undefined)[] {
    const { tables } = this.options.record()
    const oids = new Map(tables.map((table) => [tableKey(table), table.destination]))
    return (group) => group.tables.map((table) => oids.get(tableKey(table)))
  }

  updateGroups(both: TwoSnapshots): Group[] {
    return this.groups.update(both.relations.source, this.options.record().tables)
  }

  signatures(both: TwoSnapshots, groups: readonly Group[]): Promise<Map<Group, string>> {
    return readGroupSignatures(both, groups, publicationNames(this.options.link.names))
  }

  reportDifferent({ id }: Group, why: string) {
    const { status } = this.options
    const words = say`table ${showName(id)} is not the same on both sides: ${why}`
    const key = troubleOf(id)
    if (!status.troubles.has(key)) status.say(words, 'error')
    status.troubles.set(key, words)
  }

  reportEqual({ id }: Group) {
    const { status } = this.options
    if (status.troubles.delete(troubleOf(id))) {
      status.say(say`table ${showName(id)} is the same on both sides again`)
    }
  }

  failed(group: Group, error: unknown) {
    const why = say`${showName(group.id)} cannot be compared before the switchover: ${errorInfo(error).message}`
    Object.assign(group, { state: 'failed', dueAt: this.nextAttempt(group), why })
  }

  nextAttempt({ seconds = 0 }: Group): number {
    return Date.now() + Math.max(this.roundEveryMs * roundsBetween, seconds * 1000)
  }
}

type SnapshotOptions = Parameters<typeof TwoSnapshots.open>[0]
