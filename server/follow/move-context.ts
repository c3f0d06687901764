// What the parts of a run share: the record of the move, its ends, the links between them, and the end of the run.

import type { Direction } from '../../shared/follow.ts'
import { messageOf } from '../../shared/message-of.ts'
import { say } from '../../shared/say.ts'
import { ConnectFailed, PgtrekError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { readPublication } from '../replication/stream/publication.ts'
import type { FollowRecord } from '../store/follow-memory.ts'
import type { FollowStatus } from './follow-state.ts'
import type { Link, Owner } from './link.ts'
import { insertsPublication, linkNames } from './names.ts'
import { markLearned, markSkipped } from './ownership.ts'
import { allTables } from './relations.ts'
import type { FollowEnds, FollowServices } from './request.ts'
import { retryWhileUnavailable } from './retry.ts'
import { type Learned, withLearned } from './unsent-rows.ts'

export type FollowEnd = 'stopped' | 'switched_over'

export class MoveContext {
  readonly #stop = new AbortController()
  readonly #end = Promise.withResolvers<FollowEnd>()
  /** Marks are written one after the other. */
  #marking = Promise.resolve()

  readonly status: FollowStatus
  #record: FollowRecord

  constructor(
    readonly name: string,
    readonly ends: FollowEnds,
    readonly services: FollowServices,
    record: FollowRecord,
    /** The status shows the current record. */
    statusOf: (record: () => FollowRecord) => FollowStatus,
  ) {
    this.#record = record
    this.status = statusOf(() => this.#record)
    // It may reject before it is awaited.
    this.#end.promise.catch(() => {})
  }

  get record(): FollowRecord {
    return this.#record
  }

  /** Aborted when the run is to stop. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Rejects when the run cannot continue. The first call of `stop`, `finish` or `fail` decides. */
  get end(): Promise<FollowEnd> {
    return this.#end.promise
  }

  stop() {
    this.#stop.abort()
    this.#end.resolve('stopped')
  }

  finish() {
    this.#end.resolve('switched_over')
  }

  fail(error: unknown) {
    this.#end.reject(error)
  }

  /** For a lost lock: another process may work on the move, so everything that is running ends. */
  abort(error: unknown) {
    this.#stop.abort()
    this.#end.reject(error)
  }

  update(change: Partial<FollowRecord>) {
    this.#record = { ...this.#record, ...change }
    this.services.memory.save(this.#record)
    const { skipped, learned } = change
    if (skipped) {
      this.#mark(say`transactions were skipped`, (session, publication) =>
        markSkipped(session, publication, this.#record.skipped ?? []),
      )
    }
    if (learned) {
      this.#mark(say`tables were added to the move with all of their rows`, (session, publication) =>
        markLearned(session, publication, this.#record.learned),
      )
    }
  }

  /** The way back was dropped. */
  forgetBack() {
    const { back: _, ...rest } = this.#record
    this.#record = rest
    this.update({})
  }

  learn(learned: Learned) {
    const change = withLearned(this.#record, learned)
    if (change) this.update(change)
  }

  /** For comparisons, which treat tables that joined like all others. */
  withJoined(): FollowRecord {
    return { ...this.#record, tables: allTables(this.#record), joined: [] }
  }

  /** When all marks are written, or have failed. */
  async marked() {
    await this.#marking
  }

  /** In the comment on the publication, for a process with another state directory. */
  #mark(what: string, write: (session: Session, publication: string) => Promise<void>) {
    this.#marking = this.#marking.then(async () => {
      try {
        const { from, names } = this.link(this.#record.direction)
        if (!names.ownPublication) return
        await using session = await Session.open(from)
        await write(session, names.publication)
      } catch (error) {
        this.status.warn(say`only this state directory has a record of which ${what}: ${messageOf(error)}`)
      }
    })
  }

  /** Until a switchover ends one of the directions. */
  get isBothWays(): boolean {
    return this.#record.bidirectional && !this.#record.handedOver
  }

  /** The links that changes flow through now. */
  links(): Link[] {
    return this.allLinks().filter(({ direction }) => this.isBothWays || direction === this.#record.direction)
  }

  allLinks(): Link[] {
    const { source, destination } = this.ends
    const { forward, back } = this.#record
    const links: Link[] = [{ direction: 'forward', from: source, to: destination, names: forward }]
    if (back) links.push({ direction: 'back', from: destination, to: source, names: back })
    return links
  }

  link(direction: Direction): Link {
    const link = this.allLinks().find((one) => one.direction === direction)
    if (!link) throw new PgtrekError(say`changes do not flow back: the switchover was without --keep-reverse`)
    return link
  }

  /** The position of changes that this move applies to the side where a direction begins. */
  ownPosition(direction: Direction): string {
    const { forward, back } = this.#record
    return direction === 'back' ? forward.position : (back ?? linkNames(this.name, 'back')).position
  }

  /** For links that this process has streamed from or created. */
  get owner(): Owner {
    return { by: 'move', move: this.#record.move, isStreamed: true }
  }

  /** Waits for servers that do not answer, and shows it. */
  async retryWhileUnavailable<T>(work: () => Promise<T>, isKnown = true): Promise<T> {
    const result = await retryWhileUnavailable(work, {
      signal: this.signal,
      onWait: (error) => this.status.wait(error),
      // The host name may be mistyped if the move is not known.
      isRetried: (error) => isKnown || !(error instanceof ConnectFailed && error.reason === 'host'),
    })
    this.status.wait(undefined)
    return result
  }
}

export async function publicationsOf({ from, names }: Pick<Link, 'from' | 'names'>): Promise<string[]> {
  if (!names.ownPublication) return [names.publication]
  await using session = await Session.open(from)
  const inserts = insertsPublication(names)
  return (await readPublication(session, inserts)) ? [names.publication, inserts] : [names.publication]
}
