// The life of one run of a move: it begins or continues, follows, does what it is asked here or through the store,
// and ends.

import { hostname } from 'node:os'
import type {
  FollowAction,
  FollowAnswer,
  FollowController,
  FollowView,
  SwitchoverOptions,
} from '../../shared/follow-view.ts'
import { messageOf } from '../../shared/message-of.ts'
import type { RunLock } from '../coordination/run-lock.ts'
import { describeNote, readNotes } from '../coordination/suspension-notes.ts'
import { Cancelled, UsageError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import type { Following } from '../replication/apply/follower.ts'
import type { FollowRecord } from '../store/follow-memory.ts'
import { beginMove } from './begin.ts'
import { lockMove } from './cleanup.ts'
import { discover, unknownRecord, wasSwitchedOver } from './discover.ts'
import { FollowStatus } from './follow-state.ts'
import { newRecord } from './initial-copy.ts'
import { FollowMonitor } from './monitor.ts'
import { type FollowEnd, MoveContext, publicationsOf } from './move-context.ts'
import { followName } from './names.ts'
import { OtherWriters } from './other-writers.ts'
import { showNames } from './recopy/recopy.ts'
import { RecopyTask } from './recopy/task.ts'
import { withNames } from './relations.ts'
import type { CloneAndFollow, FollowEnds, FollowServices } from './request.ts'
import type { RunState, RunTransition } from './run-state.ts'
import { SchemaTask } from './schema-task.ts'
import { Streams } from './streams.ts'
import { isAtItsEnd } from './switchover/hand-over.ts'
import { finishHandOver, learnHandOver, undoInterrupted } from './switchover/interrupted.ts'
import { isOldPrimaryWatched, OldPrimary } from './switchover/old-primary.ts'
import { SwitchoverTask } from './switchover/task.ts'
import { ViewPublisher } from './view-publisher.ts'

export interface FollowResult {
  status: 'stopped' | 'switched_over' | 'failed' | 'cancelled'
  error?: unknown
}

/** What excludes everything else that changes the streams. */
interface Task {
  what: 'switchover' | 'recopy' | 'schema'
  /** Never rejects. */
  done: Promise<void>
}

const askedEveryMs = 200

const done = (message: string): FollowAnswer => ({ ok: true, message })
const refused = (message: string): FollowAnswer => ({ ok: false, message })

export class FollowRun implements FollowController {
  readonly name: string
  /** Never rejects. */
  readonly done: Promise<FollowResult>
  isRunning = true
  readonly #move: MoveContext
  readonly #streams: Streams
  readonly #others: OtherWriters
  readonly #oldPrimary: OldPrimary
  readonly #switchover: SwitchoverTask
  readonly #recopy: RecopyTask
  readonly #schema: SchemaTask
  #task: Task | undefined
  #monitor: FollowMonitor | undefined
  /** Of the destination. */
  #lock: RunLock | undefined
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
    const parts = [this.#move, this.#streams, this.#others] as const
    this.#switchover = new SwitchoverTask(...parts, this.#oldPrimary)
    this.#recopy = new RecopyTask(...parts)
    this.#schema = new SchemaTask(...parts)
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
    // Its objects are compared from then on.
    if (transition.event.type === 'caught_up') this.#monitor?.soon()
    this.services.onTransition?.(transition)
    for (const listener of this.#listeners) listener(transition)
  }

  view(): FollowView {
    const { failure } = this.services.memory
    const view = { ...this.#move.status.view(Date.now()), ...(failure && { storage_failure: failure }) }
    return this.isRunning ? { ...view, process: { host: hostname(), pid: process.pid } } : view
  }

  /** When the switchover, or whatever else it was asked for last that takes its time, is over. */
  async idle(): Promise<void> {
    await this.#task?.done
  }

  async act(action: FollowAction): Promise<FollowAnswer> {
    if (!this.isRunning) return refused('it has ended')
    if (action.type === 'stop') {
      this.#move.stop()
      return done('stopping')
    }
    const { status } = this.#move
    const followers = [...status.followers.values()]
    if (this.#task) return refused(underWay[this.#task.what])
    if (followers.length === 0) {
      const { stage } = status
      return refused(
        stage === 'done'
          ? 'it has just started, and changes do not flow back yet: try again in a moment'
          : `not streaming yet (state: ${stage}): try again when changes flow`,
      )
    }
    switch (action.type) {
      case 'pause':
        for (const follower of followers) follower.pause()
        return done('pausing')
      case 'resume':
        for (const follower of followers) follower.resume()
        return done('resuming')
      case 'retry':
        if (followers.filter((follower) => follower.retry()).length === 0) {
          return refused('there is no conflict')
        }
        status.dispatch({ type: 'conflict_decided' })
        return done('trying again')
      case 'skip':
        if (followers.filter((follower) => isMeant(follower, action) && follower.skip()).length === 0) {
          return refused('there is no such conflict')
        }
        status.dispatch({ type: 'conflict_decided' })
        return done('the transaction is skipped')
      case 'apply_schema':
        return await this.#applySchema(action)
      case 'recopy':
        return await this.#beginRecopy(action.tables)
      case 'switchover':
        return this.#beginSwitchover(action.options)
    }
  }

  /** Of the table in conflict, which is then tried again; without one, of all tables that have changed. */
  async #applySchema(seen: { lsn?: string | undefined }): Promise<FollowAnswer> {
    const answer = await this.#schema.applyToConflict((follower) => isMeant(follower, seen))
    if (answer) return answer
    if (seen.lsn !== undefined) return refused('there is no such conflict about a table')
    const altered = this.#schema.altered()
    if (typeof altered === 'string') return refused(altered)
    return await this.#exclusively('schema', async () => {
      const answer = await this.#schema.alter(altered)
      this.#monitor?.soon()
      return answer
    })
  }

  async #beginRecopy(names: readonly string[]): Promise<FollowAnswer> {
    const choice = await this.#recopy.choose(names)
    if (typeof choice === 'string') return refused(choice)
    // Somebody else may have been quicker, at each of these points.
    const isBusy = () => this.#task !== undefined || this.#lock === undefined
    if (isBusy()) return refused('another command is running')
    await this.#recopy.forgetGone(choice)
    if (choice.tables.length === 0) {
      const gone = showNames(choice.gone)
      return done(
        gone
          ? `no table to copy again: these tables no longer exist on the source: ${gone}`
          : 'no table has failed: there is nothing to copy again',
      )
    }
    const lock = this.#lock
    if (isBusy() || !lock) return refused('another command is running')
    this.#begin('recopy', (onOver) => this.#recopy.run(choice, lock, onOver))
    return done(`copying again: ${showNames(choice.tables)}`)
  }

  #beginSwitchover(options: SwitchoverOptions): FollowAnswer {
    const refusal = this.#switchover.refusal(options)
    if (refusal !== undefined) return refused(refusal)
    this.#begin('switchover', () => this.#switchover.run(options))
    return done('switching over')
  }

  /** What ends otherwise than it should ends the run. */
  #begin(what: Task['what'], work: (onOver: () => void) => Promise<void>) {
    void this.#exclusively(what, work).catch((error) => {
      this.#move.status.fail(error)
      this.#move.fail(error)
    })
  }

  async #exclusively<T>(what: Task['what'], work: (onOver: () => void) => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const task = { what, done: promise }
    this.#task = task
    const onOver = () => {
      if (this.#task === task) this.#task = undefined
    }
    try {
      return await work(onOver)
    } finally {
      onOver()
      resolve()
    }
  }

  async #run(begin: CloneAndFollow | undefined, earlier: FollowRecord | undefined): Promise<FollowResult> {
    const { memory } = this.services
    const { status } = this.#move
    const asking = setInterval(() => void this.#answerRequests(), askedEveryMs)
    try {
      // Where nothing was started, whoever has typed the command is still there.
      const lock = () => this.#lockBoth()
      await using locks = begin ? await lock() : await this.#move.patiently(lock, earlier !== undefined)
      this.#lock = locks.destination
      if (begin) {
        await beginMove(this.#move, begin, earlier, locks.destination, () => this.#published.takePlace())
      } else {
        await this.#move.patiently(() => this.#findAgain(earlier, locks.destination), earlier !== undefined)
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
      // Nothing was made that somebody would have to find again; what another has made is not forgotten.
      const saved = memory.load(this.name)
      if (!saved || saved.progress === 'preparing') memory.forget(this.name)
      this.services.signal.removeEventListener('abort', this.#abort)
      this.#published.now()
      memory.release(this.name)
    }
  }

  /** On both servers, for as long as this process works on the move: another one is refused, wherever it runs. */
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

  /** What the store has forgotten, or never knew, the servers know. */
  async #findAgain(earlier: FollowRecord | undefined, lock: RunLock) {
    const move = this.#move
    if (earlier && !isInCopy(earlier)) {
      this.#published.takePlace()
      await learnHandOver(move)
    } else {
      // Killed right after its copy, it could not write down that it was whole.
      const found = await discover(this.name, this.ends, move.signal)
      this.#published.takePlace()
      const { moved, kept } = earlier ?? {}
      move.update({ ...found, ...(moved && { moved }), ...(kept && { kept }) })
      move.status.say('found slot, publication and position of an earlier process on the servers')
    }
    await finishHandOver(move)
    refuseOver(move.record)
    await this.#warnOfSuspended()
    const { failedObjects, direction, tables } = move.record
    if (failedObjects) move.status.troubles.set('objects', failedObjects)
    if (direction === 'forward') await lock.take(tables)
  }

  /** What a copy that was killed has suspended on the destination: following does not restore it. */
  async #warnOfSuspended() {
    const { status, signal } = this.#move
    await using destination = await Session.open(this.ends.destination, { signal })
    const { left, distrusted } = await readNotes(destination)
    if (distrusted !== undefined) status.warn(distrusted)
    for (const note of left)
      status.warn(
        `still suspended on the destination; restore it with "pgtrek repair": ${describeNote(note)}`,
      )
  }

  readonly #abort = () => this.#move.stop()

  /** Until somebody ends it, it cannot continue, or it was switched over. */
  async #follow(): Promise<FollowEnd> {
    const move = this.#move
    const { status } = move
    await using monitor = this.#startMonitor()
    await move.patiently(() => undoInterrupted(move))
    const changes = move.record.native ? 'native_copy' : 'changes'
    status.dispatch({
      type: 'follow_began',
      with: move.record.progress === 'done' ? 'way_back' : changes,
    })
    const directions = move.isBothWays ? (['forward', 'back'] as const) : [move.record.direction]
    for (const direction of directions) await move.patiently(() => this.#streams.start(direction))
    this.#monitor = monitor
    // How far behind it begins is known only now.
    monitor.soon()
    if (isOldPrimaryWatched(move.record)) this.#oldPrimary.watch()
    const end = await move.end.finally(() => {
      this.#recopy.stop()
      // A switchover that is under way finds out by the signal, or its stream, and undoes what it has started.
      return this.#task?.done
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
        if (!this.#task && this.#others.isDue) await this.#others.look(destination)
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

const underWay: Record<Task['what'], string> = {
  switchover: 'a switchover is running',
  recopy: 'tables are being copied again',
  schema: 'tables of the destination are being changed',
}

/** Whoever decides about a conflict says which one was seen; there may be another one by now. */
function isMeant({ status }: Following, { lsn }: { lsn?: string | undefined }): boolean {
  return lsn === undefined || status.conflict?.lsn === lsn
}

function isInCopy({ progress }: FollowRecord): boolean {
  return progress === 'preparing' || progress === 'copying'
}

/** Switched over, or returned, and no changes flow any more. */
export class MoveOver extends UsageError {}

/** Throws when there is nothing left to continue. */
export function refuseOver(record: FollowRecord) {
  if (isAtItsEnd(record)) throw new MoveOver(wasSwitchedOver(record))
}
