// Checks both servers at intervals: slots, sequences, objects and writes of others. A check that fails is reported and
// repeated; it never ends the following.

import type { Direction } from '../../shared/follow.ts'
import { say } from '../../shared/say.ts'
import type { TableName } from '../../shared/table-name.ts'
import { errorInfo } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import { parseLsn } from '../replication/stream/lsn.ts'
import type { Publications } from '../replication/stream/publication.ts'
import { readSlot } from '../replication/stream/slot.ts'
import { readNames } from '../replication/tables/followed.ts'
import type { FollowRecord } from '../store/follow-memory.ts'
import type { FollowStatus } from './follow-state.ts'
import type { Link } from './link.ts'
import { checkObjects } from './moved-objects.ts'
import { copySequenceValues } from './switchover/sequences.ts'
import type { Learned } from './unsent-rows.ts'

const checkEveryMs = 1000
const defaultTableCheckEveryMs = 10_000
/** How long a check waits for a locked table. */
const longestLockMs = 5000
/** A slot that retains more log than this is reported. */
export const muchLogBytes = 10 * 1024 ** 3

type TableNames = ReadonlyMap<number, TableName>

export interface MonitorOptions {
  record: () => FollowRecord
  links: () => Link[]
  status: FollowStatus
  refreshSequencesSeconds: number
  /** The current names of the tables on both sides of a direction. */
  onNames: (direction: Direction, from: TableNames, to: TableNames) => void
  onLearned: (learned: Learned) => void
  publicationOf: (link: Link) => Promise<Publications>
  tableCheckEveryMs?: number | undefined
  /** Called at each check with a session of the side that changes go to. */
  onDestination: (destination: Session) => Promise<void>
}

export class FollowMonitor implements AsyncDisposable {
  #timer: ReturnType<typeof setTimeout> | undefined
  #checking: Promise<void> = Promise.resolve()
  #ended = false
  #isAsked = false
  readonly #sessions = new Map<ConnectionSettings, Session>()
  #sequencesDue: number
  #objectsDue = 0
  readonly #stop = new AbortController()

  constructor(readonly options: MonitorOptions) {
    this.#sequencesDue = Date.now() + options.refreshSequencesSeconds * 1000
    this.#next(0)
  }

  #next(milliseconds: number) {
    if (this.#ended) return
    this.#timer = setTimeout(() => this.#checkNow(), milliseconds)
  }

  #checkNow() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isAsked = false
    this.#checking = this.#check().then(() => this.#next(this.#isAsked ? 0 : checkEveryMs))
  }

  /** Checks at once, because something has changed. */
  soon() {
    this.#isAsked = true
    // Without a timer a check is running.
    if (this.#timer !== undefined && !this.#ended) this.#checkNow()
  }

  async #check() {
    const { status, links } = this.options
    try {
      for (const link of links()) await this.#slot(link)
      await this.#sequences()
      await this.#objects()
      await this.#foreign()
      status.troubles.delete('servers')
    } catch (error) {
      await this.#close()
      if (!this.#ended)
        status.troubles.set('servers', say`the servers cannot be checked: ${errorInfo(error).message}`)
    }
    status.onChange('soon')
  }

  async #slot(link: Link) {
    const { status } = this.options
    const direction = link.direction
    const from = await this.#session(link.from)
    const { end } = await from.one<{ end: string }>(
      'select pg_catalog.pg_current_wal_flush_lsn()::text as "end"',
    )
    status.followers.get(direction)?.knowEnd(parseLsn(end))
    status.knownEnds.add(direction)
    const slot = await readSlot(from, link.names.slot)
    if (!slot) {
      status.slots.delete(direction)
      status.troubles.set(`slot ${direction}`, say`the server no longer has slot ${link.names.slot}`)
      return
    }
    status.troubles.delete(`slot ${direction}`)
    status.slots.set(direction, {
      name: slot.name,
      active: slot.active,
      retained_bytes: slot.retainedBytes,
      endangered: slot.endangered,
      ...(slot.lost !== undefined && { lost: slot.lost }),
    })
    if (slot.retainedBytes > muchLogBytes) {
      status.warn(say`the slot ${slot.name} holds much of the server's log: its disk may fill up`)
    }
  }

  async #sequences() {
    const { refreshSequencesSeconds, status, record, links } = this.options
    const { bidirectional, direction, sequences, advanceSequences, foreignWrites } = record()
    const isDue = refreshSequencesSeconds > 0 && Date.now() >= this.#sequencesDue
    // Only while clients do not use the other side, because they advance its sequences themselves.
    if (!isDue || bidirectional || status.stage !== 'streaming' || status.switchover?.state === 'running')
      return
    const link = links().find((one) => one.direction === direction)
    if (!link) return
    const [from, to] = [await this.#session(link.from), await this.#session(link.to)]
    // Writes of others may have advanced sequences there.
    const advanceOnly = advanceSequences || foreignWrites !== undefined
    await copySequenceValues(from, to, sequences, { advanceOnly })
    status.sequencesRefreshedAt = Date.now()
    this.#sequencesDue = Date.now() + refreshSequencesSeconds * 1000
  }

  /** Compares the objects of both sides, because DDL is not in the stream. */
  async #objects() {
    const { record, links, status, publicationOf } = this.options
    const { tableCheckEveryMs = defaultTableCheckEveryMs } = this.options
    if (Date.now() < this.#objectsDue || status.stage !== 'streaming') return
    const { direction } = record()
    const link = links().find((one) => one.direction === direction)
    if (!link) return
    const names = [
      await readNames(await this.#session(link.from)),
      await readNames(await this.#session(link.to)),
    ] as const
    this.options.onNames(direction, ...names)
    const publication = await publicationOf(link)
    const work = {
      ...{ record: record(), link, publication, lockWaitMs: longestLockMs, signal: this.#stop.signal },
      onLearned: this.options.onLearned,
    }
    const check = await checkObjects(work, status.objects)
    this.#objectsDue = Date.now() + tableCheckEveryMs
    // A switchover compares the objects itself.
    if (status.stage !== 'streaming') return
    status.knowObjects(check)
  }

  async #foreign() {
    const { record, links, onDestination } = this.options
    const link = links().find((one) => one.direction === record().direction)
    if (link) await onDestination(await this.#session(link.to))
  }

  async #session(settings: ConnectionSettings): Promise<Session> {
    const known = this.#sessions.get(settings)
    if (known) return known
    const session = await Session.open(settings)
    this.#sessions.set(settings, session)
    return session
  }

  async #close() {
    const sessions = [...this.#sessions.values()]
    this.#sessions.clear()
    for (const session of sessions) session.destroy()
  }

  async [Symbol.asyncDispose]() {
    this.#ended = true
    this.#stop.abort()
    clearTimeout(this.#timer)
    // Ends the queries of a running check.
    await this.#close()
    await this.#checking
    // The check may have opened another session since.
    await this.#close()
  }
}
