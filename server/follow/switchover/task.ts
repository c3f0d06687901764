// A switchover or return as a task of a run: checks, handover, and what follows; or everything is undone.

import type { Direction } from '../../../shared/follow.ts'
import { describeUndone } from '../../../shared/follow-health.ts'
import { formatCount } from '../../../shared/format.ts'
import { messageOf } from '../../../shared/message-of.ts'
import { say } from '../../../shared/say.ts'
import type { SwitchoverOptions, SwitchoverReport } from '../../../shared/switchover.ts'
import { describeSettings } from '../../postgres/settings.ts'
import type { Following } from '../../replication/apply/follower.ts'
import type { Link } from '../link.ts'
import { type MoveContext, publicationsOf } from '../move-context.ts'
import { checkObjects } from '../moved-objects.ts'
import { acceptable, foundEqual, type OtherWriters } from '../other-writers.ts'
import type { Streams } from '../streams.ts'
import type { Learned } from '../unsent-rows.ts'
import { HandoverUnknown, handOver, makeWritable } from './handover.ts'
import { finishHandover } from './interrupted.ts'
import { settleMaterializedViews } from './materialized-views.ts'
import { lateTroubles, type OldPrimary } from './old-primary.ts'
import { switchOver } from './switchover.ts'
import { dropReverse, makeReverse, opposite } from './way-back.ts'

export class SwitchoverTask {
  constructor(
    readonly move: MoveContext,
    readonly streams: Streams,
    readonly others: OtherWriters,
    readonly oldPrimary: OldPrimary,
  ) {}

  /** Why it cannot begin; undefined when it can. */
  refusal(options: SwitchoverOptions): string | undefined {
    const { direction, progress, source, destination } = this.move.record
    if (options.back !== (direction === 'back')) {
      return options.back
        ? say`it was not switched over: changes flow from ${source} to ${destination}, so use "switchover" without --back`
        : say`it was switched over already: the application belongs on ${destination}, and "switchover --back" returns to ${source}`
    }
    if (progress !== 'following' && progress !== 'done') return say`rows are still being copied`
    // The switchover itself compares the objects again.
    const reasons = this.move.status.blockers([
      ...(options.discard_late_writes ? lateTroubles : []),
      ...(options.accept_differences ? acceptable(this.move) : []),
    ])
    return reasons.length > 0 ? say`not ready: ${reasons.join('; ')}` : undefined
  }

  /** Never rejects: it is handed over, or undone, or the run ends because the outcome of the handover is unknown. */
  async run(options: SwitchoverOptions) {
    const { move } = this
    const { status } = move
    const { direction } = move.record
    const link = move.link(direction)
    const follower = status.followers.get(direction)
    if (!follower) return
    const started_at = Date.now()
    status.switchover = { state: 'running', options, step: 'check', started_at }
    status.dispatch({ type: 'switchover_began' })
    this.oldPrimary.forgetSequences()
    let handedOver: SwitchoverReport | undefined
    try {
      await this.streams.background?.pause()
      const report = await this.#verify(link, follower, options, started_at)
      await this.#handOver(direction, options, report)
      handedOver = report
    } catch (error) {
      const { step } = status.switchover
      const { message } = error as Error
      const failed = { state: 'failed', options, step, started_at, error: { message } } as const
      if (error instanceof HandoverUnknown) {
        status.switchover = failed
        status.fail(error)
        move.fail(error)
      } else {
        const left = await this.#undo(direction, follower, error)
        status.switchover = { ...failed, left }
        status.fail(error)
        status.dispatch({ type: 'switchover_undone' })
      }
    }
    if (handedOver) {
      const report = await this.#complete(link, options, handedOver)
      status.switchover = { state: 'done', options, step: 'report', started_at, report }
    }
    status.onChange('now')
  }

  async #verify(link: Link, follower: Following, options: SwitchoverOptions, started_at: number) {
    const { move, streams, oldPrimary, others } = this
    const { status } = move
    return await switchOver({
      ...{ link, follower, options },
      background: streams.background,
      record: move.withJoined(),
      arrived: streams.sentinels,
      publication: () => publicationsOf(link),
      ours: move.ownPosition(link.direction),
      signal: move.signal,
      onStep: (step, deadline) => {
        status.switchover = {
          ...{ state: 'running', options, step, started_at },
          ...(deadline !== undefined && { deadline }),
        }
        status.say(`switchover: ${stepWords[step]}`)
        status.onChange('now')
      },
      say: (message, level) => status.say(message, level),
      checkObjects: (lockWaitMs) => this.#checkObjects(link, lockWaitMs),
      writtenByOthers: () => others.tables(link),
      release: () => oldPrimary.release(options),
      reverse: () => makeReverse(move, link.direction),
    })
  }

  async #checkObjects(link: Link, lockWaitMs: number) {
    const { move } = this
    const publication = await publicationsOf(link)
    const work = {
      ...{ record: move.record, link, publication, lockWaitMs, signal: move.signal },
      onLearned: (learned: Learned) => move.learn(learned),
    }
    const check = await checkObjects(work, move.status.objects)
    move.status.knowObjects(check)
    return check
  }

  /** The handover and its record. Until it, everything can be undone. */
  async #handOver(direction: Direction, options: SwitchoverOptions, report: SwitchoverReport) {
    const { move } = this
    const handedOver = {
      lsn: report.sentinel.confirmed_lsn,
      catalog: move.status.objects?.catalogs.from,
    }
    await handOver(move.link(direction), move.record, handedOver, move.signal)
    const goesOn = options.keep_reverse || move.record.bidirectional
    move.update({
      // After a return with a way back, the move is followed as before the switchover.
      progress: direction === 'back' && options.keep_reverse ? 'following' : 'done',
      handedOver: { direction, ...handedOver },
      ...{ memberships: undefined, learned: undefined, foreignWrites: undefined },
      ...(goesOn && { direction: opposite(direction) }),
    })
  }

  /** Makes the primary writable, and continues following. Returns what could not be undone. */
  async #undo(direction: Direction, follower: Following, error: unknown): Promise<string[]> {
    const { move, oldPrimary } = this
    const { status } = move
    const { said, left } = await makeWritable(move.link(direction).from, move.name)
    for (const line of said) status.say(line)
    const { handedOver } = move.record
    if (handedOver && !oldPrimary.isWatched) {
      const place = describeSettings(move.link(handedOver.direction).from)
      left.push(say`${place} is no longer watched for late writes`)
    }
    if (!oldPrimary.isWatched) left.push(...(await dropReverse(move, direction)))
    try {
      if (move.signal.aborted) {
        // The run is being stopped.
      } else if (follower.status.phase === 'stopped') await this.streams.start(direction)
      else this.streams.background?.start()
    } catch (failure) {
      left.push(say`changes no longer flow: ${messageOf(failure)}`)
      move.fail(failure)
    }
    status.say(describeUndone(messageOf(error), left), 'error')
    return left
  }

  /** A failure here does not change that it is handed over. */
  async #complete(
    link: Link,
    options: SwitchoverOptions,
    report: SwitchoverReport,
  ): Promise<SwitchoverReport> {
    const { move } = this
    const { status } = move
    const next = [...report.next]
    try {
      const compared = report.tables.filter(
        (table) => table.equal && (table.before || report.compared === 'checksums'),
      )
      foundEqual(move, compared)
      await this.#follow(link.direction, options, report)
    } catch (error) {
      const words = say`the handover is done, but not everything after it: ${messageOf(error)}. "pgtrek follow" tries that again`
      status.say(words, 'error')
      next.push(words)
    }
    const views = await settleMaterializedViews({
      ...{ record: move.record, link, options, signal: move.signal },
      onRefresh: (count) => {
        if (status.switchover) status.switchover = { ...status.switchover, step: 'materialized_views' }
        status.say(
          say`handed over to ${report.to}; ${formatCount(count, 'materialized view')} to be refreshed before the report`,
        )
        status.onChange('now')
      },
    })
    for (const words of views.materialized_views?.failed ?? []) {
      status.say(say`not refreshed: materialized view ${words}`, 'warn')
    }
    return { ...report, ...views, next: [...next, ...views.next] }
  }

  /** Follows the other direction if it is kept, and watches the old primary. */
  async #follow(direction: Direction, options: SwitchoverOptions, report: SwitchoverReport) {
    const { move, streams, oldPrimary } = this
    const { status } = move
    await streams.endComparison()
    status.unfollow(direction)
    status.slots.delete(direction)
    const goesOn = move.record.direction !== direction
    const again = move.record.progress === 'following'
    const to = direction === 'forward' ? 'destination' : 'source'
    status.dispatch({ type: 'handed_over', to, again })
    await finishHandover(move)
    // After a return they are copied again while following.
    const sequences = again ? [] : report.sequences
    if (!goesOn) {
      oldPrimary.watch({ seconds: options.watch_seconds, sequences })
      return
    }
    oldPrimary.watch({ sequences })
    const other = opposite(direction)
    try {
      if (!status.followers.has(other)) await streams.start(other)
    } catch (error) {
      status.fail(error)
      move.fail(error)
    }
  }
}

const stepWords = {
  check: 'checking',
  read_only: say`making the old primary read-only`,
  sentinel: say`waiting for the sentinel`,
  quiet: say`checking that writes have stopped`,
  sequences: 'sequences',
  large_objects: say`large objects`,
  compare: say`comparing both sides`,
  reverse: say`preparing the return`,
  report: 'done',
  materialized_views: say`materialized views`,
} as const
