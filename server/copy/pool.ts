// The copy workers, and which of them does what. Parts of one table go to many workers; each keeps its
// transaction open until the last part is in, so that a table appears whole or not at all. A worker that
// loses a connection gets a new one, and what it had not committed is copied again.

import type { ErrorInfo } from '../../shared/event.ts'
import { asError } from '../../shared/message-of.ts'
import { sharedClock } from '../postgres/copy-throttle.ts'
import { Cancelled, ConnectionLost, PgtrekError } from '../postgres/errors.ts'
import { withVerdict } from '../postgres/pooler.ts'
import { settledWithin } from '../system/deadline.ts'
import { endOf } from '../system/worker-end.ts'
import { workerUrl } from '../system/worker-url.ts'
import { bundle, takeBundle } from './bundle.ts'
import {
  type Counts,
  type FromLane,
  type LaneSettings,
  type ToLane,
  usualRetryPausesMs,
} from './lane-messages.ts'
import { type Copier, type CopyTask, PartlyCommitted, RunningTask, type Share } from './task.ts'

export type { CopyPart, Counts, Emptying, LaneSettings } from './lane-messages.ts'
export { type Copier, type CopyTask, PartlyCommitted } from './task.ts'

/** A server that does not answer must not keep a cancelled run from ending. */
const longestGoodbyeMs = 5000

type Failure = Extract<FromLane, { type: 'failed' }>

/** A worker's failure, as it came over the thread's border. */
export class CopyFailed extends PgtrekError {
  constructor(readonly info: ErrorInfo) {
    super(info.message)
  }
}

export class CopyPool implements Copier {
  #lanes: Lane[] = []
  #queue: RunningTask[] = []
  #active: RunningTask[] = []
  #jobs = 0
  #closed = false
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Why no worker is left. */
  #ended: Error | undefined
  /** How long a worker rests when it has lost a connection, each time in a row. Then it gives up. */
  readonly #restsMs: readonly number[]

  constructor(
    readonly settings: LaneSettings,
    readonly size: number,
    readonly onWarning: (message: string) => void,
    /** By which all workers keep the rate together. */
    readonly clock = sharedClock(),
  ) {
    this.#restsMs = settings.retryPausesMs ?? usualRetryPausesMs
  }

  /**
   * Opens the workers, each of which begins as soon as it is there. Fewer than asked for are enough; without
   * any, every copy fails for the same reason.
   */
  open() {
    this.#opening ??= this.#openLanes()
  }

  /** Resolves when each worker has opened its sessions or could not. */
  async opened(): Promise<void> {
    await this.#opening
  }

  async #openLanes(): Promise<void> {
    this.#lanes = Array.from({ length: this.size }, () => new Lane(this.settings, this.clock))
    const results = await Promise.allSettled(this.#lanes.map((lane) => this.#openLane(lane)))
    const refused = results.find((result) => result.status === 'rejected')
    if (!refused) return
    if (this.#lanes.some(({ isRetired }) => !isRetired)) {
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
    lane.listener ??= (message) => this.#hear(lane, message)
    lane.isOpen = true
    this.#giveOut()
  }

  copy(task: CopyTask): Promise<Counts> {
    const running = new RunningTask(task)
    if (this.#ended) {
      running.fail(this.#ended)
      running.settle()
      return running.result
    }
    this.#enqueue(running)
    // Let all tasks that become ready together come in before the first is given out: the largest goes first.
    queueMicrotask(() => this.#giveOut())
    return running.result
  }

  /** Stops what runs, by real cancel requests; every task that is not complete is rejected. */
  async cancel(): Promise<void> {
    this.#closed = true
    for (const lane of this.#lanes) {
      lane.wake()
      lane.send({ type: 'abort' })
    }
    const ends = Promise.allSettled(this.#active.map((task) => task.result))
    this.#failAll(new Cancelled())
    await settledWithin(ends, longestGoodbyeMs)
    for (const task of this.#active) task.settle()
    await this.close()
  }

  /** A cancelled run closes twice; the second waits for the first. */
  close(): Promise<void> {
    this.#closed = true
    this.#closing ??= this.#closeLanes()
    return this.#closing
  }

  async #closeLanes(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()))
    // What it has to say is still heard.
    if (this.#opening) await settledWithin(this.#opening, longestGoodbyeMs)
  }

  /** Mostly they come in their order, the largest first. */
  #enqueue(task: RunningTask) {
    let place = this.#queue.length
    while (place > 0 && (this.#queue[place - 1] as RunningTask).task.bytes < task.task.bytes) place--
    this.#queue.splice(place, 0, task)
  }

  /** What a worker gets next: a table, or many small ones that count as one. */
  #dequeue(): RunningTask | undefined {
    if (this.#queue.length === 0) return undefined
    // A rate is kept by looking at each row's bytes.
    const [first, ...others] = this.settings.maxBytesPerSecond
      ? this.#queue.splice(0, 1)
      : takeBundle(this.#queue, this.#lanes.length)
    if (!first || others.length === 0) return first
    return bundle([first, ...others], (tasks) => {
      for (const task of tasks) this.#enqueue(task)
      if (this.#ended) this.#failAll(this.#ended)
      else if (this.#closed) this.#failAll(new Cancelled())
      else this.#giveOut()
    })
  }

  #giveOut() {
    for (const lane of this.#lanes) this.#giveTo(lane)
  }

  /** A worker that holds rows of a task can do more of the same task only. */
  #giveTo(lane: Lane) {
    if (this.#closed || lane.isAway) return
    const { task, share } = lane
    if (task && share) {
      const isFree = share.state === 'holding' || share.state === 'prepared'
      const isWanted = task.wantsWorkers || (task.alone && !task.failure && task.pending.length > 0)
      if (isFree && isWanted && !task.restarting && !task.deciding) this.#start(lane, task, share)
      return
    }
    let next = this.#active.find((candidate) => candidate.wantsWorkers)
    if (!next) {
      next = this.#dequeue()
      if (!next) return
      this.#active.push(next)
      next.task.onStart()
      // Whoever hears of the start may have cancelled.
      if (this.#closed) return
    }
    lane.task = next
    lane.share = next.join(lane)
    this.#start(lane, next, lane.share)
  }

  #start(lane: Lane, task: RunningTask, share: Share) {
    const { part } = task.take(share)
    lane.send({
      type: 'work',
      job: {
        ...part,
        id: ++this.#jobs,
        commit: task.commitsAtOnce,
        shared: task.task.shared ?? (task.task.parts.length > 1 && !task.alone),
        confirmed: this.#lanes.flatMap(({ confirmed }) => confirmed ?? []),
      },
    })
  }

  #hear(lane: Lane, message: FromLane) {
    if (message.type === 'failed') return this.#failed(lane, message)
    const { task, share } = lane
    if (!task || !share) return
    switch (message.type) {
      case 'progress':
        share.current = message
        return task.report()
      case 'collided':
        return task.task.onCollided?.(message.key, message.values)
      case 'worked':
        lane.losses = 0
        if (message.each) task.task.onTables?.(message.each)
        task.partDone(share, message)
        if (task.commitsAtOnce) return this.#committed(lane, task, share, message.transaction)
        this.#giveTo(lane)
        return this.#conclude(task)
      case 'prepared':
        share.state = 'prepared'
        share.transaction = message.transaction
        return this.#conclude(task)
      case 'committing':
        share.isCommitting = true
        return
      case 'finished':
        if (message.transaction) return this.#committed(lane, task, share, message.transaction)
        task.takeBack(share)
        return this.#leave(lane, task)
    }
  }

  #committed(lane: Lane, task: RunningTask, share: Share, transaction: string | undefined) {
    lane.confirmed = transaction ?? lane.confirmed
    task.committed(share, transaction)
    this.#leave(lane, task)
  }

  #failed(lane: Lane, message: Failure) {
    const { task, share } = lane
    const error = errorOf(message)
    if (task && share) {
      const { part } = share
      if (message.kind === 'lost' && message.connected && part) part.losses++
      // A part whose connection breaks again and again is the reason for it.
      const isHopeless = (part?.losses ?? 0) > this.#restsMs.length
      task.takeBack(share)
      const isDoubtful = message.kind === 'doubtful' || (message.kind === 'crashed' && share.isCommitting)
      if (message.kind === 'refused' || isHopeless) task.fail(error)
      else if (message.kind === 'cancelled' && !task.restarting) task.fail(error)
      else if (isDoubtful) task.fail(new PartlyCommitted(error))
      else if (message.kind === 'blocked') {
        // Others of the table hear of it when they are blocked themselves. Alone it waits for no other worker.
        if (task.mayRestart) task.restartAlone()
        else if (!task.restarting) task.fail(error)
      }
    }
    if (message.kind === 'lost') this.#rest(lane, error)
    else if (message.kind === 'ended' || message.kind === 'crashed') this.#retire(lane, error)
    if (task) this.#leave(lane, task)
  }

  #rest(lane: Lane, error: Error) {
    const wait = this.#restsMs[lane.losses++]
    if (wait === undefined) return this.#retire(lane, error)
    if (!this.#closed)
      this.onWarning(`${error.message}: what was not committed starts again in ${wait / 1000} s`)
    lane.rest(wait, () => this.#giveTo(lane))
  }

  #retire(lane: Lane, error: Error) {
    lane.isRetired = true
    if (this.#lanes.some(({ isRetired }) => !isRetired)) {
      this.onWarning(`going on with one copy worker less: ${error.message}`)
      return
    }
    this.#ended = error
    this.#failAll(error)
  }

  #failAll(error: Error) {
    for (const task of this.#queue.splice(0)) {
      task.fail(error)
      task.settle()
    }
    for (const task of this.#active) {
      task.fail(error)
      this.#conclude(task)
    }
  }

  #leave(lane: Lane, task: RunningTask) {
    lane.task = undefined
    lane.share = undefined
    this.#conclude(task)
    this.#giveOut()
  }

  /** When no worker owes an answer: more to copy, or all that hold the table's transactions end them alike. */
  #conclude(task: RunningTask) {
    if (task.isBusy || !this.#active.includes(task)) return
    const shares = [...task.shares]
    if (task.failure || task.restarting) {
      if (shares.length > 0) return finish(shares, false)
      if (task.failure) return this.#settle(task)
      task.restarting = false
    }
    if (task.pending.length > 0) return this.#giveOut()
    if (shares.length === 0) return this.#settle(task)
    const unprepared = shares.filter(({ state }) => state === 'holding')
    const needsAgreement = shares.length > 1 || task.task.onBeforeCommit
    if (!needsAgreement) return finish(shares, true)
    if (unprepared.length === 0) return void this.#commit(task)
    for (const share of unprepared) {
      share.state = 'preparing'
      share.lane.send({ type: 'prepare' })
    }
  }

  async #commit(task: RunningTask) {
    const { onBeforeCommit } = task.task
    if (onBeforeCommit) {
      task.deciding = true
      try {
        await onBeforeCommit(task.transactions)
      } catch (error) {
        task.fail(asError(error))
      }
      task.deciding = false
    }
    if (task.failure || task.pending.length > 0) return this.#conclude(task)
    finish([...task.shares], true)
  }

  #settle(task: RunningTask) {
    this.#active = this.#active.filter((other) => other !== task)
    task.settle()
  }
}

function finish(shares: Share[], commit: boolean) {
  for (const share of shares) {
    share.state = 'ending'
    share.lane.send({ type: 'finish', commit })
  }
}

function errorOf({ kind, error }: Failure): Error {
  if (kind === 'cancelled') return new Cancelled()
  return kind === 'lost' ? new ConnectionLost(error.message) : new CopyFailed(error)
}

/** Of a worker that did not get to its first job: what may be otherwise at another attempt names no reason for all. */
function refusalOf({ kind, error }: Failure): Error {
  return kind === 'ended' ? new CopyFailed(error) : new PgtrekError(error.message)
}

/** One worker thread, seen from outside. */
class Lane {
  task: RunningTask | undefined
  share: Share | undefined
  /** The last transaction that it has committed. */
  confirmed: string | undefined
  /** Connections lost in a row. */
  losses = 0
  isOpen = false
  isRetired = false
  #isGone = false
  #opened = Promise.resolve()
  #resting: ReturnType<typeof setTimeout> | undefined
  listener: ((message: FromLane) => void) | undefined
  readonly #worker = new Worker(workerUrl('copy/lane.worker.ts'), { smol: true } as WorkerOptions)

  constructor(
    readonly settings: LaneSettings,
    readonly clock: SharedArrayBuffer,
  ) {}

  get isAway(): boolean {
    return !this.isOpen || this.isRetired || this.#resting !== undefined
  }

  rest(milliseconds: number, onRested: () => void) {
    this.#resting = setTimeout(() => {
      this.#resting = undefined
      onRested()
    }, milliseconds)
  }

  wake() {
    clearTimeout(this.#resting)
    this.#resting = undefined
  }

  open(): Promise<void> {
    const opened = Promise.withResolvers<void>()
    this.#opened = opened.promise
    const hear = (message: FromLane) => {
      if (message.type === 'opened') opened.resolve()
      else if (message.type === 'failed') opened.reject(refusalOf(message))
      this.listener?.(message)
    }
    this.#worker.onmessage = ({ data }: MessageEvent<FromLane>) => hear(data)
    void endOf(this.#worker).then((cause) => {
      this.#isGone = true
      const error = { message: `a copy worker crashed: ${cause}` }
      hear({ type: 'failed', error, kind: 'crashed', connected: true })
    })
    const { source, destination } = this.settings
    const ends = { source: withVerdict(source), destination: withVerdict(destination) }
    this.send({ type: 'open', settings: { ...this.settings, ...ends }, clock: this.clock })
    return opened.promise
  }

  send(message: ToLane) {
    this.#worker.postMessage(message)
  }

  async close(): Promise<void> {
    this.wake()
    await settledWithin(this.#goodbye(), longestGoodbyeMs)
    this.terminate()
  }

  /** A worker that is still opening has sessions to close only afterwards. */
  async #goodbye(): Promise<void> {
    const closed = Promise.withResolvers<void>()
    this.listener = (message) => {
      const isGone = message.type === 'failed' && message.kind === 'crashed'
      if (message.type === 'closed' || isGone) closed.resolve()
    }
    const [opening] = await Promise.allSettled([this.#opened])
    if (opening.status === 'rejected' || this.#isGone) return
    this.send({ type: 'close' })
    await closed.promise
  }

  terminate() {
    this.#worker.terminate()
  }
}
