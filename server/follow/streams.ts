// The streams of a move: starts, replaces and ends them, and compares both sides meanwhile.

import type { Direction, FollowEvent } from '../../shared/follow.ts'
import { messageOf } from '../../shared/message-of.ts'
import { say } from '../../shared/say.ts'
import { Session } from '../postgres/session.ts'
import { Follower, type Following } from '../replication/apply/follower.ts'
import { OwnWrites } from '../replication/apply/own-writes.ts'
import { Touched } from '../replication/apply/touched.ts'
import { NativeFollower } from '../replication/native/native-follower.ts'
import { BackgroundComparison } from './comparison/background-comparison.ts'
import { UnseenWrites } from './comparison/unseen-writes.ts'
import type { Link } from './link.ts'
import { type MoveContext, publicationsOf } from './move-context.ts'
import { foundEqual } from './other-writers.ts'
import { leftOutTables, wantedTables, withPairs } from './relations.ts'
import { rememberSkipped } from './skipped.ts'
import { analyzeTables, fillMaterializedViews } from './switchover/native-rows.ts'
import { sentinelPrefix } from './switchover/sentinel.ts'
import { withWhole } from './unsent-rows.ts'

export class Streams {
  /** Rows that the move writes to the destination. */
  readonly written = new OwnWrites()
  /** Sentinels that have come out of a stream. */
  readonly sentinels = new Set<string>()
  /** Kept when a stream of the same direction is replaced. */
  #comparison: { direction: Direction; touched: Touched; background: BackgroundComparison } | undefined

  #forward: Follower | undefined

  constructor(readonly move: MoveContext) {}

  get background(): BackgroundComparison | undefined {
    return this.#comparison?.background
  }

  async start(direction: Direction, { paused = false, compares = true } = {}): Promise<Following> {
    const { move } = this
    const { from, to, names } = move.link(direction)
    const { bidirectional, native } = move.record
    if (native && direction === 'forward') return await this.#startNative(from, to, names.slot)
    const follower = await Follower.start({
      source: from,
      destination: to,
      slot: names.slot,
      publication: await publicationsOf({ from, names }),
      positionName: names.position,
      tables: wantedTables(move.record, direction),
      leftOut: leftOutTables(move.record, direction),
      onTables: (pairs) => move.update(withPairs(move.record, direction, pairs)),
      origin: bidirectional ? 'none' : 'any',
      touched: compares ? this.#compareMeanwhile(direction) : undefined,
      written: direction === 'forward' ? this.written : undefined,
      onEvent: (event) => this.#followed(direction, event),
      paused,
    })
    if (direction === 'forward') this.#forward = follower
    this.#keep(direction, follower)
    if (compares) this.background?.start()
    return follower
  }

  async startInstead(direction: Direction, how: { paused: boolean; compares?: boolean }): Promise<Following> {
    const { status } = this.move
    const before = status.followers.get(direction)
    status.unfollow(direction)
    await before?.stop().catch(() => {})
    return await this.start(direction, how)
  }

  /** Waits for servers that do not answer; any other problem ends the run. */
  async startAgain(direction: Direction, how: { paused: boolean }) {
    const { move } = this
    try {
      await move.retryWhileUnavailable(() => this.startInstead(direction, how))
    } catch (error) {
      if (move.signal.aborted) return
      move.status.fail(error)
      move.fail(error)
    }
  }

  async stop() {
    for (const follower of this.move.status.followers.values()) await follower.stop().catch(() => {})
  }

  async endComparison() {
    const { status } = this.move
    await this.background?.pause()
    this.#comparison = undefined
    status.verification = undefined
    for (const key of status.troubles.keys()) {
      if (key.startsWith('different ')) status.troubles.delete(key)
    }
  }

  /** Not with both directions at once: then both sides are never known to be equal. */
  #compareMeanwhile(direction: Direction): Touched | undefined {
    const { move } = this
    if (move.record.bidirectional || !move.ends.follow.verifyWhileFollowing) return undefined
    if (this.#comparison?.direction !== direction) {
      const touched = new Touched()
      const background = new BackgroundComparison({
        ...{ link: move.link(direction), touched, status: move.status },
        record: () => move.withJoined(),
        onEqual: (tables, members) => {
          foundEqual(move, tables)
          const change = withWhole(move.record, tables, members)
          if (change) move.update(change)
        },
        unseen: direction === 'forward' ? this.#unseenWrites(touched) : undefined,
        everyMs: move.services.compareEveryMs,
      })
      this.#comparison = { direction, touched, background }
      move.status.verification = () => background.view()
    }
    return this.#comparison.touched
  }

  #unseenWrites(touched: Touched): UnseenWrites {
    return new UnseenWrites({
      written: this.written,
      epoch: () => touched.epoch,
      atRest: (work) => (this.#forward ? this.#forward.whileAtRest(work) : work()),
    })
  }

  async #startNative(source: Link['from'], destination: Link['to'], subscription: string) {
    const { status } = this.move
    const follower: NativeFollower = await NativeFollower.start({
      source,
      destination,
      subscription,
      onLook: () => status.nativeChecked(follower.copied),
      onCopied: () => {
        status.say(say`the rows of all tables are copied; analyzing the tables`)
        void this.#finishNative().catch((error) => status.warn(messageOf(error)))
      },
    })
    this.#keep('forward', follower)
    return follower
  }

  /** What pgtrek's own copy does after its rows. */
  async #finishNative() {
    const { ends, record } = this.move
    await using to = await Session.open(ends.destination)
    await analyzeTables(to, record.tables)
    await using from = await Session.open(ends.source)
    await fillMaterializedViews(from, to)
  }

  #keep(direction: Direction, follower: Following) {
    const { move } = this
    move.status.follow(direction, follower)
    follower.done.catch((error) => {
      if (move.status.followers.get(direction) !== follower) return
      move.status.fail(error)
      move.fail(error)
    })
  }

  #followed(direction: Direction, event: FollowEvent) {
    const { move } = this
    if (event.type === 'follow_message' && event.prefix === sentinelPrefix) this.sentinels.add(event.content)
    if (event.type === 'follow_skipped') {
      const { lsn, xid, tables } = event
      move.update({ skipped: rememberSkipped(move.record.skipped, { lsn, xid, tables }) })
    }
    move.status.followed(direction, event)
    move.services.onFollowEvent?.(event)
  }
}
