// The copy workers, and which of them does what. Parts of one table go to many workers; each keeps its
// transaction open until the last part is in, so that a table appears whole or not at all.
import type { ErrorInfo } from '../../shared/event.ts'
import { settledWithin } from '../deadline.ts'
import { Cancelled, ConnectionLost, PgtrekError } from '../postgres/errors.ts'
import { workerUrl } from '../worker-url.ts'
import type { CopyFormat } from './format.ts'
import type { FromLane, Job, LaneSettings, LargeObject, ToLane } from './lane-messages.ts'

/** A server that does not answer must not keep a cancelled run from ending. */
const longestGoodbyeMs = 5000

export interface CopyTask {
  /** For order: the largest first. */
  bytes: number
  parts: readonly CopyPart[]
  /** A worker has taken the first part. */
  onStart(): void
  onProgress(rows: number, bytes: number): void
}

export type CopyPart =
  | { kind: 'rows'; copyOut: string; copyIn: string; format: CopyFormat }
  | { kind: 'large objects'; objects: LargeObject[] }

/** A worker's failure, as it came over the thread's border. */
export class CopyFailed extends PgtrekError {
  constructor(readonly info: ErrorInfo) {
    super(info.message)
  }
}

/** All parts were in, but not all could be committed; the others' rows are there. */
export class PartlyCommitted extends PgtrekError {
  constructor(readonly failure: Error) {
    super(failure.message)
  }
}

interface RunningTask extends CopyTask {
  next: number
  working: Set<Lane>
  holding: Set<Lane>
  doneParts: number
  copied: { rows: number; bytes: number }
  current: Map<number, { rows: number; bytes: number }>
  failure: Error | undefined
  /** The workers that hold its transactions have been told to end them. */
  concluded: boolean
  result: PromiseWithResolvers<{ rows: number; bytes: number }>
}

export class CopyPool {
  #lanes: Lane[] = []
  #queue: RunningTask[] = []
  #active: RunningTask[] = []
  #jobs = 0
  #closed = false
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Why there is no worker. */
  #refusal: Error | undefined

  constructor(
    readonly settings: LaneSettings,
    readonly size: number,
    readonly onWarning: (message: string) => void,
  ) {}

  /**
   * Opens the workers, each of which begins as soon as it is there. Fewer than asked for are enough; without
   * any, every copy fails for the same reason.
   */
  open() {
    this.#opening ??= this.#openLanes()
  }

  async #openLanes(): Promise<void> {
    this.#lanes = Array.from({ length: this.size }, () => new Lane(this.settings))
    const results = await Promise.allSettled(this.#lanes.map((lane) => this.#openLane(lane)))
    const refused = results.find((result) => result.status === 'rejected')
    if (!refused) return
    if (this.#lanes.length > 0) {
      this.onWarning(
        `only ${this.#lanes.length} of ${this.size} copy workers could connect: ${refused.reason}`,
      )
      return
    }
    this.#refusal = refused.reason
    for (const task of this.#queue.splice(0)) task.result.reject(refused.reason)
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

  copy(task: CopyTask): Promise<{ rows: number; bytes: number }> {
    if (this.#refusal) return Promise.reject(this.#refusal)
    const running: RunningTask = {
      ...task,
      next: 0,
      working: new Set(),
      holding: new Set(),
      doneParts: 0,
      copied: { rows: 0, bytes: 0 },
      current: new Map(),
      failure: undefined,
      concluded: false,
      result: Promise.withResolvers(),
    }
    const place = this.#queue.findIndex((other) => other.bytes < running.bytes)
    this.#queue.splice(place < 0 ? this.#queue.length : place, 0, running)
    // Let all tasks that become ready together come in before the first is given out: the largest goes first.
    queueMicrotask(() => this.#giveOut())
    return running.result.promise
  }

  /** Stops what runs, by real cancel requests; every task that is not complete is rejected. */
  async cancel(): Promise<void> {
    this.#closed = true
    for (const task of [...this.#queue, ...this.#active]) task.failure ??= new Cancelled()
    for (const task of this.#queue) task.result.reject(task.failure)
    this.#queue = []
    for (const lane of this.#lanes) lane.send({ type: 'abort' })
    const ends = this.#active.map((task) => task.result.promise.catch(() => undefined))
    await settledWithin(Promise.all(ends), longestGoodbyeMs)
    for (const task of this.#active) task.result.reject(new Cancelled())
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

  #giveOut() {
    if (this.#closed) return
    for (const lane of this.#lanes) if (lane.isOpen && !lane.task) this.#giveTo(lane)
  }

  #giveTo(lane: Lane) {
    if (this.#closed) return
    let task = this.#active.find((candidate) => !candidate.failure && candidate.next < candidate.parts.length)
    if (!task) {
      task = this.#queue.shift()
      if (!task) return
      this.#active.push(task)
      task.onStart()
      // Whoever hears of the start may have cancelled.
      if (this.#closed) return
    }
    this.#start(lane, task)
  }

  #start(lane: Lane, task: RunningTask) {
    const part = task.parts[task.next++] as CopyPart
    task.holding.delete(lane)
    task.working.add(lane)
    lane.task = task
    const job: Job = { ...part, id: ++this.#jobs, commit: task.parts.length === 1 }
    lane.send({ type: 'work', job })
  }

  #hear(lane: Lane, message: FromLane) {
    const task = lane.task
    if (message.type === 'progress' && task) {
      task.current.set(message.job, message)
      report(task)
    } else if (message.type === 'worked' && task) {
      task.current.delete(message.job)
      task.copied.rows += message.rows
      task.copied.bytes += message.bytes
      task.doneParts++
      task.working.delete(lane)
      report(task)
      if (task.parts.length === 1) this.#leave(lane, task)
      else if (!task.failure && task.next < task.parts.length && !this.#closed) this.#start(lane, task)
      else {
        task.holding.add(lane)
        this.#conclude(task)
      }
    } else if (message.type === 'finished' && task) {
      task.holding.delete(lane)
      this.#leave(lane, task)
    } else if (message.type === 'failed' && task) {
      const failure = message.cancelled
        ? new Cancelled()
        : message.lost
          ? new ConnectionLost(message.error.message)
          : new CopyFailed(message.error)
      const committing = task.doneParts === task.parts.length
      task.failure ??= failure
      task.working.delete(lane)
      task.holding.delete(lane)
      if (committing) task.failure = new PartlyCommitted(failure)
      // The other parts are of no use any more.
      for (const other of task.working) other.send({ type: 'abort' })
      this.#leave(lane, task)
      this.#conclude(task)
    }
  }

  /** When no part runs any more, all workers that hold the table's transactions end them alike. */
  #conclude(task: RunningTask) {
    if (task.working.size > 0 || task.concluded) return
    task.concluded = true
    const commit = !task.failure && task.doneParts === task.parts.length
    for (const lane of task.holding) lane.send({ type: 'finish', commit })
  }

  #leave(lane: Lane, task: RunningTask) {
    lane.task = undefined
    if (task.working.size === 0 && task.holding.size === 0) {
      this.#active = this.#active.filter((other) => other !== task)
      if (task.failure) task.result.reject(task.failure)
      else task.result.resolve(task.copied)
    }
    this.#giveTo(lane)
  }
}

function report(task: RunningTask) {
  let { rows, bytes } = task.copied
  for (const part of task.current.values()) {
    rows += part.rows
    bytes += part.bytes
  }
  task.onProgress(rows, bytes)
}

/** One worker thread, seen from outside. */
class Lane {
  task: RunningTask | undefined
  listener: ((message: FromLane) => void) | undefined
  isOpen = false
  readonly #worker = new Worker(workerUrl('copy/lane.worker.ts'), { smol: true } as WorkerOptions)
  #opened = Promise.resolve()

  constructor(readonly settings: LaneSettings) {}

  open(): Promise<void> {
    const opened = Promise.withResolvers<void>()
    this.#opened = opened.promise
    this.#worker.onerror = (event) => {
      const error = { message: `a copy worker crashed: ${event.message}` }
      opened.reject(new PgtrekError(error.message))
      this.listener?.({ type: 'failed', error, cancelled: false, lost: true })
    }
    this.#worker.onmessage = ({ data }: MessageEvent<FromLane>) => {
      if (data.type === 'opened') opened.resolve()
      else if (data.type === 'failed') opened.reject(new PgtrekError(data.error.message))
      this.listener?.(data)
    }
    this.send({ type: 'open', settings: this.settings })
    return opened.promise
  }

  send(message: ToLane) {
    this.#worker.postMessage(message)
  }

  async close(): Promise<void> {
    await settledWithin(this.#goodbye(), longestGoodbyeMs)
    this.terminate()
  }

  /** A worker that is still opening has sessions to close only afterwards. */
  async #goodbye(): Promise<void> {
    const closed = Promise.withResolvers<void>()
    this.listener = (message) => {
      if (message.type === 'closed') closed.resolve()
    }
    const [opening] = await Promise.allSettled([this.#opened])
    if (opening.status === 'rejected') return
    this.send({ type: 'close' })
    await closed.promise
  }

  terminate() {
    this.#worker.terminate()
  }
}
