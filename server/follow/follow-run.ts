// One run of a move, from its locks to its end: it begins or continues the move and follows. It takes actions from this
// process, and from others through the store.

import { hostname } from 'node:os'
import type { FollowAction, FollowAnswer, FollowController } from '../../shared/follow-action.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { messageOf } from '../../shared/message-of.ts'
import { say } from '../../shared/say.ts'
import { Cancelled } from '../postgres/errors.ts'
import type { FollowRecord } from '../store/follow-memory.ts'
import { RunActions, refused } from './actions.ts'
import { beginMove } from './begin.ts'
import { lockMove } from './cleanup.ts'
import { continueMove, MoveOver } from './continue.ts'
import { unknownRecord } from './discover.ts'
import { FollowStatus } from './follow-state.ts'
import { newRecord } from './initial-copy.ts'
import { FollowMonitor } from './monitor.ts'
import { type FollowEnd, MoveContext, publicationsOf } from './move-context.ts'
import { followName } from './names.ts'
import { OtherWriters } from './other-writers.ts'
import { withNames } from './relations.ts'
import type { CloneAndFollow, FollowEnds, FollowServices } from './request.ts'
import type { RunState, RunTransition } from './run-state.ts'
import { Streams } from './streams.ts'
import { undoInterrupted } from './switchover/interrupted.ts'
import { isOldPrimaryWatched, OldPrimary } from './switchover/old-primary.ts'
import { ViewPublisher } from './view-publisher.ts'

export interface FollowResult {
  status: 'stopped' | 'switched_over' | 'failed' | 'cancelled'
  error?: unknown
}

const askedEveryMs = 200

export class FollowRun implements FollowController {
  readonly name: string
  /** Never rejects. */
  readonly done: Promise<FollowResult>
  isRunning = true
  readonly #move: MoveContext
  readonly #streams: Streams
  readonly #others: OtherWriters
  readonly #oldPrimary: OldPrimary
  readonly #actions: RunActions
  #monitor: FollowMonitor | undefined
  #lockLost: Error | undefined
  readonly #published: ViewPublisher
  readonly #listeners = new Set<(transition: RunTransition) => void>()

  private constructor(
    readonly ends: FollowEnds,
    readonly services: FollowServices,
    begin: CloneAndFollow | undefined,
  ) {
    this.name = followName(ends)
    const { memory } = services
    memory.take(this.name)
    const earlier = memory.load(this.name)
    this.#published = new ViewPublisher(
      () => {
        this.#move.status.observe(Date.now())
        return this.view()
      },
      services,
      { before: memory.lastView(this.name), isOwn: earlier === undefined },
    )
    const record = begin ? newRecord(begin) : (earlier ?? unknownRecord(this.name, ends))
    const statusOf = (record: () => FollowRecord) =>
      new FollowStatus(
        record,
        ends.follow,
        (urgency) => this.#published.changed(urgency),
        services.onLine,
        (transition) => this.#publish(transition),
      )
    this.#move = new MoveContext(this.name, ends, services, record, statusOf)
    this.#streams = new Streams(this.#move)
    this.#others = new OtherWriters(this.#move, this.#streams.written, (tables) =>
      this.#streams.background?.distrust(tables),
    )
    this.#oldPrimary = new OldPrimary(this.#move)
    this.#actions = new RunActions(this.#move, this.#streams, this.#others, this.#oldPrimary, () =>
      this.#monitor?.soon(),
    )
    services.signal.addEventListener('abort', this.#abort, { once: true })
    this.done = this.#run(begin, earlier)
  }

  /** Copies, and follows from there on. Throws a UsageError when another process works on the same move. */
  static clone(request: CloneAndFollow, services: FollowServices): FollowRun {
    return new FollowRun(request, services, request)
  }

  /** Continues what was started. */
  static continue(ends: FollowEnds, services: FollowServices): FollowRun {
    return new FollowRun(ends, services, undefined)
  }

  get state(): RunState {
    return this.#move.status.run
  }

  /** Each change of its state from now on, until the returned function is called. */
  subscribe(listener: (transition: RunTransition) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #publish(transition: RunTransition) {
    // The monitor compares objects from then on.
    if (transition.event.type === 'caught_up') this.#monitor?.soon()
    this.services.onTransition?.(transition)
    for (const listener of this.#listeners) listener(transition)
  }

  view(): FollowView {
    const { failure } = this.services.memory
    const view = { ...this.#move.status.view(Date.now()), ...(failure && { storage_failure: failure }) }
    return this.isRunning ? { ...view, process: { host: hostname(), pid: process.pid } } : view
  }

  /** When the switchover, recopy or change of tables that is running has ended. */
  async idle(): Promise<void> {
    await this.#actions.idle()
  }

  async act(action: FollowAction): Promise<FollowAnswer> {
    return this.isRunning ? await this.#actions.act(action) : refused(say`it has ended`)
  }

  async #run(begin: CloneAndFollow | undefined, earlier: FollowRecord | undefined): Promise<FollowResult> {
    const { memory } = this.services
    const { status } = this.#move
    const asking = setInterval(() => void this.#answerRequests(), askedEveryMs)
    try {
      // Only a known move waits for servers. A new command fails at once, while its user can correct it.
      const lock = () => this.#lockBoth()
      await using locks = begin
        ? await lock()
        : await this.#move.retryWhileUnavailable(lock, earlier !== undefined)
      this.#actions.lock = locks.destination
      if (begin) {
        await beginMove(this.#move, begin, earlier, locks.destination, () => this.#published.takePlace())
      } else {
        const resume = () =>
          continueMove(this.#move, earlier, locks.destination, () => this.#published.takePlace())
        await this.#move.retryWhileUnavailable(resume, earlier !== undefined)
      }
      const end = await this.#follow()
      status.end('stopped')
      return { status: end }
    } catch (error) {
      if (this.#lockLost) {
        await this.#streams.stop()
        status.end('failed', this.#lockLost)
        return { status: 'failed', error: this.#lockLost }
      }
      const isCancelled = error instanceof Cancelled || this.#move.signal.aborted
      if (isCancelled) status.end('stopped')
      else status.end('failed', error)
      if (error instanceof MoveOver) this.#published.leavePlace()
      return { status: isCancelled ? 'cancelled' : 'failed', error }
    } finally {
      clearInterval(asking)
      await this.#move.marked()
      await this.#oldPrimary.abandon()
      this.isRunning = false
      // Nothing was created yet, so there is nothing to find again.
      const saved = memory.load(this.name)
      if (!saved || saved.progress === 'preparing') memory.forget(this.name)
      this.services.signal.removeEventListener('abort', this.#abort)
      this.#published.now()
      memory.release(this.name)
    }
  }

  /** On both servers while this process works on the move, so that processes on all machines exclude each other. */
  async #lockBoth() {
    const { source, destination } = this.ends
    const onLost = (error: Error) => {
      this.#lockLost = error
      this.#move.abort(error)
    }
    const stack = new AsyncDisposableStack()
    try {
      stack.use(await lockMove(source, this.name, onLost))
      const lock = stack.use(await lockMove(destination, this.name, onLost))
      return { destination: lock, [Symbol.asyncDispose]: () => stack.disposeAsync() }
    } catch (error) {
      await stack.disposeAsync()
      throw error
    }
  }

  readonly #abort = () => this.#move.stop()

  /** Until it is stopped, fails, or was switched over. */
  async #follow(): Promise<FollowEnd> {
    const move = this.#move
    const { status } = move
    await using monitor = this.#startMonitor()
    await move.retryWhileUnavailable(() => undoInterrupted(move))
    const changes = move.record.native ? 'native_copy' : 'changes'
    status.dispatch({
      type: 'follow_began',
      with: move.record.progress === 'done' ? 'way_back' : changes,
    })
    const directions = move.isBothWays ? (['forward', 'back'] as const) : [move.record.direction]
    for (const direction of directions) await move.retryWhileUnavailable(() => this.#streams.start(direction))
    this.#monitor = monitor
    // The lag at the beginning is known only now.
    monitor.soon()
    if (isOldPrimaryWatched(move.record)) this.#oldPrimary.watch()
    const end = await move.end.finally(() => {
      this.#actions.stopRecopy()
      // A running switchover notices it by the signal or its stream, and undoes what it has started.
      return this.#actions.idle()
    })
    await this.#streams.endComparison()
    await this.#streams.stop()
    return await this.#oldPrimary.end(end)
  }

  #startMonitor(): FollowMonitor {
    const move = this.#move
    return new FollowMonitor({
      record: () => move.record,
      links: () => move.links(),
      status: move.status,
      refreshSequencesSeconds: this.ends.follow.refreshSequencesSeconds,
      onNames: (direction, from, to) => {
        const renamed = withNames(move.record, direction, from, to)
        if (renamed) move.update(renamed)
      },
      onLearned: (learned) => move.learn(learned),
      publicationOf: publicationsOf,
      tableCheckEveryMs: this.services.tableCheckEveryMs,
      onDestination: async (destination) => {
        if (!this.#actions.isBusy && this.#others.isDue) await this.#others.check(destination)
      },
    })
  }

  async #answerRequests() {
    const { memory } = this.services
    this.#published.atLeast()
    for (const { id, action } of memory.asked(this.name)) {
      memory.answer(id, await this.act(action).catch((error) => refused(messageOf(error))))
    }
  }
}
