// Looks at both servers now and then: what the slots hold, and whether sequences are due. A look that fails
// is said and tried again; it never ends the following.
import type { Direction } from '../../shared/follow.ts'
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
import { bringSequences } from './switchover/sequences.ts'
import type { Learned } from './unsent-rows.ts'

const lookEveryMs = 1000
const defaultTableCheckEveryMs = 10_000
/** A look waits no longer for a table that somebody has locked. */
const longestLockMs = 5000
/** Slots of one of which more is kept are worth a word. */
export const muchLogBytes = 10 * 1024 ** 3

type TableNames = ReadonlyMap<number, TableName>

export interface MonitorOptions {
  record: () => FollowRecord
  links: () => Link[]
  status: FollowStatus
  refreshSequencesSeconds: number
  /** What the tables of both sides of a direction are called now. */
  onNames: (direction: Direction, from: TableNames, to: TableNames) => void
  onLearned: (learned: Learned) => void
  publicationOf: (link: Link) => Promise<Publications>
  tableCheckEveryMs?: number | undefined
  /** On the side that changes go to. */
  onDestination: (destination: Session) => Promise<void>
}

export class FollowMonitor implements AsyncDisposable {
  #timer: ReturnType<typeof setTimeout> | undefined
  #looking: Promise<void> = Promise.resolve()
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
    this.#timer = setTimeout(() => this.#lookNow(), milliseconds)
  }

  #lookNow() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isAsked = false
    this.#looking = this.#look().then(() => this.#next(this.#isAsked ? 0 : lookEveryMs))
  }

  /** Something has changed that the next look would only see later. */
  soon() {
    this.#isAsked = true
    // Without a timer a look is under way.
    if (this.#timer !== undefined && !this.#ended) this.#lookNow()
  }

  async #look() {
    const { status, links } = this.options
    try {
      for (const link of links()) await this.#slot(link)
      await this.#sequences()
      await this.#objects()
      await this.#foreign()
      status.troubles.delete('look')
    } catch (error) {
      await this.#close()
      if (!this.#ended)
        status.troubles.set('look', `the servers cannot be checked: ${errorInfo(error).message}`)
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
      status.troubles.set(`slot ${direction}`, `the server no longer has slot ${link.names.slot}`)
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
      status.warn(`the slot ${slot.name} holds much of the server's log: its disk may fill up`)
    }
  }

  async #sequences() {
    const { refreshSequencesSeconds, status, record, links } = this.options
    const { bidirectional, direction, sequences, advanceSequences, foreignWrites } = record()
    const isDue = refreshSequencesSeconds > 0 && Date.now() >= this.#sequencesDue
    // Only while the other side is not in use: its own numbers are not ours to change.
    if (!isDue || bidirectional || status.stage !== 'streaming' || status.switchover?.state === 'running')
      return
    const link = links().find((one) => one.direction === direction)
    if (!link) return
    const [from, to] = [await this.#session(link.from), await this.#session(link.to)]
    // Rows of others may have taken numbers there.
    const advanceOnly = advanceSequences || foreignWrites !== undefined
    await bringSequences(from, to, sequences, { advanceOnly })
    status.sequencesRefreshedAt = Date.now()
    this.#sequencesDue = Date.now() + refreshSequencesSeconds * 1000
  }

  /** DDL is not in the stream. */
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
    // A switchover compares them itself.
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
    // Whatever is being waited for is not needed any more.
    await this.#close()
    await this.#looking
    // One that was between two sessions has opened another.
    await this.#close()
  }
}
