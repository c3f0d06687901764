// The copy workers, and which of them copies what. Parts of one table go to many workers. Each keeps its transaction
// open until the last part is copied, so that a table appears whole or not at all. A worker that loses a connection
// opens a new one, and what it had not committed is copied again.

import { asError } from '../../shared/message-of.ts'
import { sharedClock } from '../postgres/copy-throttle.ts'
import { Cancelled, ConnectionLost } from '../postgres/errors.ts'
import { settledWithin } from '../system/deadline.ts'
import { type Failure, type Holding, Lane, longestCloseMs } from './lane.ts'
import { type Counts, type FromLane, type LaneSettings, usualRetryPausesMs } from './lane-messages.ts'
import { type Effect, type TaskEvent, wantsMoreOf, wantsWorker } from './share-state.ts'
import { type Copier, CopyFailed, type CopyTask, RunningTask } from './task.ts'
import { TaskQueue } from './task-queue.ts'

export type { CopyPart, Counts, Emptying, LaneSettings } from './lane-messages.ts'
export { type Copier, CopyFailed, type CopyTask, PartlyCommitted } from './task.ts'

export class CopyPool implements Copier {
  #lanes: Lane[] = []
  readonly #queue: TaskQueue
  #active: RunningTask[] = []
  #shares = 0
  #closed = false
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Why no worker is left. */
  #ended: Error | undefined
  /** How long a worker waits after each lost connection in a row. Then it gives up. */
  readonly #restsMs: readonly number[]

  constructor(
    readonly settings: LaneSettings,
    readonly size: number,
    readonly onWarning: (message: string) => void,
    /** The clock by which all workers together keep the rate. */
    readonly clock = sharedClock(),
  ) {
    this.#restsMs = settings.retryPausesMs ?? usualRetryPausesMs
    this.#queue = new TaskQueue(!settings.maxBytesPerSecond, (tasks) => this.#copyOneByOne(tasks))
  }

  /**
   * Opens the workers. Each begins as soon as it is connected. Fewer than requested are enough; without any, every
   * copy fails for the same reason.
   */
  open() {
    this.#opening ??= this.#openLanes()
  }

  /** Resolves when each worker has opened its sessions or has failed to. */
  async opened(): Promise<void> {
    await this.#opening
  }

  async #openLanes(): Promise<void> {
    this.#lanes = Array.from({ length: this.size }, () => new Lane(this.settings, this.clock))
    const results = await Promise.allSettled(this.#lanes.map((lane) => this.#openLane(lane)))
    const refused = results.find((result) => result.status === 'rejected')
    if (!refused) return
    if (this.#lanes.some(({ isOut }) => !isOut)) {
      this.onWarning(
        `only ${this.#lanes.length} of ${this.size} copy workers could connect: ${refused.reason}`,
      )
      return
    }
    this.#ended = refused.reason
    this.#failAll(refused.reason)
  }

  async #openLane(lane: Lane): Promise<void> {
    try {
      await lane.open()
    } catch (error) {
      this.#lanes = this.#lanes.filter((other) => other !== lane)
      lane.terminate()
      throw error
    }
    lane.listener ??= (message) => this.#receive(lane, message)
    this.#giveOut()
  }

  copy(task: CopyTask): Promise<Counts> {
    const running = new RunningTask(task)
    if (this.#ended) {
      running.reject(this.#ended)
      return running.result
    }
    this.#queue.add(running)
    // All tasks that become ready together are queued before the first is assigned: the largest goes first.
    queueMicrotask(() => this.#giveOut())
    return running.result
  }

  /** Stops running copies with cancel requests. Every task that is not complete is rejected. */
  async cancel(): Promise<void> {
    this.#closed = true
    for (const lane of this.#lanes) {
      lane.wake()
      lane.send({ type: 'abort' })
    }
    const ends = Promise.allSettled(this.#active.map((task) => task.result))
    this.#failAll(new Cancelled())
    await settledWithin(ends, longestCloseMs)
    for (const task of this.#active) task.reject(new Cancelled())
    await this.close()
  }

  /** A cancelled run closes twice; the second call waits for the first. */
  close(): Promise<void> {
    this.#closed = true
    this.#closing ??= this.#closeLanes()
    return this.#closing
  }

  async #closeLanes(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()))
    // Messages of workers that are still opening are still handled.
    if (this.#opening) await settledWithin(this.#opening, longestCloseMs)
  }

  // Assignment:

  #giveOut() {
    for (const lane of this.#lanes) this.#giveTo(lane)
  }

  /** A worker that has rows of a task can only take more of the same task. */
  #giveTo(lane: Lane) {
    if (this.#closed || !lane.isReady) return
    const { holding } = lane
    if (holding) {
      if (wantsMoreOf(holding.task.state, holding.share)) this.#start(lane, holding.task, holding.share)
      return
    }
    const task = this.#active.find(({ state }) => wantsWorker(state)) ?? this.#begin()
    if (!task) return
    const share = String(++this.#shares)
    lane.holding = { task, share }
    this.#start(lane, task, share)
  }

  #begin(): RunningTask | undefined {
    const task = this.#queue.next(this.#lanes.length)
    if (!task) return undefined
    this.#active.push(task)
    task.task.onStart()
    // The start event may have led to a cancellation.
    return this.#closed ? undefined : task
  }

  #copyOneByOne(tasks: readonly RunningTask[]) {
    for (const task of tasks) this.#queue.add(task)
    if (this.#ended) this.#failAll(this.#ended)
    else if (this.#closed) this.#failAll(new Cancelled())
    else this.#giveOut()
  }

  #start(lane: Lane, running: RunningTask, share: string) {
    const { task, commitsAtOnce, state } = running
    lane.send({
      type: 'work',
      job: {
        ...running.handOut(share),
        commit: commitsAtOnce,
        shared: task.shared ?? (task.parts.length > 1 && !state.isAlone),
        confirmed: this.#lanes.flatMap(({ confirmed }) => confirmed ?? []),
      },
    })
  }

  // Answers of workers:

  #receive(lane: Lane, message: FromLane) {
    if (message.type === 'failed') return this.#failed(lane, message)
    if (!lane.holding) return
    const { task, share } = lane.holding
    switch (message.type) {
      case 'progress':
        return task.progressed(share, message)
      case 'collided':
        return task.task.onCollided?.(message.key, message.values)
      case 'worked':
        lane.losses = 0
        if (message.each) task.task.onTables?.(message.each)
        if (message.transaction) this.#committed(lane, message.transaction)
        this.#perform(task, task.copied(share, message, message.transaction))
        return this.#giveOut()
      case 'prepared':
        return this.#perform(task, task.prepared(share, message.transaction))
      case 'committing':
        return this.#perform(task, task.apply({ type: 'commit began', share }))
      case 'finished':
        if (message.transaction) {
          this.#committed(lane, message.transaction)
          this.#perform(task, task.committed(share, message.transaction))
        } else {
          lane.release()
          this.#perform(task, task.apply({ type: 'rolled back', share }))
        }
        return this.#giveOut()
    }
  }

  #committed(lane: Lane, transaction: string) {
    lane.confirmed = transaction
    lane.release()
  }

  #failed(lane: Lane, failure: Failure) {
    const error = errorOf(failure)
    const held = lane.release()
    if (failure.kind === 'lost') this.#rest(lane, error)
    else if (failure.kind === 'ended' || failure.kind === 'crashed') this.#retire(lane, error)
    if (held) this.#perform(held.task, held.task.apply(this.#eventOf(failure, error, held)))
    if (this.#ended) this.#failAll(this.#ended)
    this.#giveOut()
  }

  #eventOf({ kind, connected }: Failure, error: Error, { task, share }: Holding): TaskEvent {
    switch (kind) {
      case 'refused':
      case 'blocked':
      case 'cancelled':
        return { type: kind, share, error }
      case 'doubtful':
        return { type: 'uncertain', share, error }
      case 'crashed':
        return { type: 'worker died', share, error }
      case 'ended':
        return { type: 'lost', share }
      case 'lost': {
        // When a connection breaks again and again at one part, that part is the cause.
        const isHopeless = connected && task.lostWhileCopying(share) > this.#restsMs.length
        return isHopeless ? { type: 'refused', share, error } : { type: 'lost', share }
      }
    }
  }

  #rest(lane: Lane, error: Error) {
    const wait = this.#restsMs[lane.losses++]
    if (wait === undefined) return this.#retire(lane, error)
    if (!this.#closed) this.onWarning(`${error.message}: uncommitted work starts again in ${wait / 1000} s`)
    lane.rest(wait, () => this.#giveTo(lane))
  }

  #retire(lane: Lane, error: Error) {
    lane.retire()
    if (this.#lanes.some(({ isOut }) => !isOut)) {
      this.onWarning(`continuing with one copy worker less: ${error.message}`)
    } else this.#ended ??= error
  }

  // Effects:

  #perform(task: RunningTask, effects: readonly Effect[]) {
    for (const effect of effects) {
      switch (effect.do) {
        case 'prepare':
          this.#laneOf(effect.share)?.send({ type: 'prepare' })
          break
        case 'commit':
          this.#laneOf(effect.share)?.send({ type: 'finish', commit: true })
          break
        case 'roll back':
          this.#laneOf(effect.share)?.send({ type: 'finish', commit: false })
          break
        case 'stop':
          this.#laneOf(effect.share)?.send({ type: 'abort' })
          break
        case 'hand out':
          this.#giveOut()
          break
        case 'ask':
          void this.#ask(task)
          break
        case 'settle':
          this.#active = this.#active.filter((other) => other !== task)
          task.settle()
      }
    }
  }

  #laneOf(share: string): Lane | undefined {
    return this.#lanes.find(({ holding }) => holding?.share === share)
  }

  async #ask(task: RunningTask) {
    let answer: TaskEvent = { type: 'agreed' }
    try {
      await task.task.onBeforeCommit?.(task.transactions)
    } catch (error) {
      answer = { type: 'vetoed', error: asError(error) }
    }
    this.#perform(task, task.apply(answer))
  }

  #failAll(error: Error) {
    this.#queue.rejectAll(error)
    for (const task of this.#active) this.#perform(task, task.apply({ type: 'failed', error }))
  }
}

function errorOf({ kind, error }: Failure): Error {
  if (kind === 'cancelled') return new Cancelled()
  return kind === 'lost' ? new ConnectionLost(error.message) : new CopyFailed(error)
}
