// One copy worker, as the pool sees it: a thread with a session on both servers. It does one job at a time.
import { PgtrekError } from '../postgres/errors.ts'
import { withVerdict } from '../postgres/pooler.ts'
import { settledWithin } from '../system/deadline.ts'
import { endOf } from '../system/worker-end.ts'
import { workerUrl } from '../system/worker-url.ts'
import type { FromLane, LaneSettings, ToLane } from './lane-messages.ts'
import { CopyFailed, type RunningTask } from './task.ts'

/** A cancelled run ends even if a server does not answer. */
export const longestCloseMs = 5000

export type Failure = Extract<FromLane, { type: 'failed' }>

/** What a worker has of a task: its open transaction, or one that it is about to begin. */
export interface Holding {
  task: RunningTask
  share: string
}

type LaneState =
  | 'opening'
  | 'ready'
  /** It has lost a connection, and waits before it opens another one. */
  | 'resting'
  /** It takes no more jobs, and has to be closed. */
  | 'retired'
  /** The thread has ended without a request. */
  | 'crashed'

export class Lane {
  holding: Holding | undefined
  /** The last transaction that the worker has committed. */
  confirmed: string | undefined
  /** Number of connections lost in a row. */
  losses = 0
  listener: ((message: FromLane) => void) | undefined
  #state: LaneState = 'opening'
  readonly #opened = Promise.withResolvers<void>()
  #rested: ReturnType<typeof setTimeout> | undefined
  readonly #worker = new Worker(workerUrl('copy/lane.worker.ts'), { smol: true } as WorkerOptions)

  constructor(
    readonly settings: LaneSettings,
    readonly clock: SharedArrayBuffer,
  ) {}

  get isReady(): boolean {
    return this.#state === 'ready'
  }

  /** It takes no more jobs. */
  get isOut(): boolean {
    return this.#state === 'retired' || this.#state === 'crashed'
  }

  /** Resolves when both sessions are open. */
  open(): Promise<void> {
    this.#worker.onmessage = ({ data }: MessageEvent<FromLane>) => this.#receive(data)
    void endOf(this.#worker).then((cause) => {
      this.#state = 'crashed'
      const error = { message: `a copy worker crashed: ${cause}` }
      this.#receive({ type: 'failed', error, kind: 'crashed', connected: true })
    })
    const { source, destination } = this.settings
    const ends = { source: withVerdict(source), destination: withVerdict(destination) }
    this.send({ type: 'open', settings: { ...this.settings, ...ends }, clock: this.clock })
    return this.#opened.promise
  }

  send(message: ToLane) {
    this.#worker.postMessage(message)
  }

  /** Returns what the worker had of its task, and clears it. */
  release(): Holding | undefined {
    const held = this.holding
    this.holding = undefined
    return held
  }

  rest(milliseconds: number, onRested: () => void) {
    if (!this.isReady) return
    this.#state = 'resting'
    this.#rested = setTimeout(() => {
      this.wake()
      onRested()
    }, milliseconds)
  }

  wake() {
    clearTimeout(this.#rested)
    if (this.#state === 'resting') this.#state = 'ready'
  }

  retire() {
    if (!this.isOut) this.#state = 'retired'
  }

  async close(): Promise<void> {
    this.wake()
    await settledWithin(this.#closeSessions(), longestCloseMs)
    this.terminate()
  }

  terminate() {
    this.#worker.terminate()
  }

  #receive(message: FromLane) {
    if (message.type === 'opened') {
      if (this.#state === 'opening') this.#state = 'ready'
      this.#opened.resolve()
    } else if (message.type === 'failed') this.#opened.reject(refusalOf(message))
    this.listener?.(message)
  }

  /** The sessions of a worker that is still opening can be closed only afterwards. */
  async #closeSessions(): Promise<void> {
    const closed = Promise.withResolvers<void>()
    this.listener = (message) => {
      const isGone = message.type === 'failed' && message.kind === 'crashed'
      if (message.type === 'closed' || isGone) closed.resolve()
    }
    const [opening] = await Promise.allSettled([this.#opened.promise])
    if (opening.status === 'rejected' || this.#state === 'crashed') return
    this.send({ type: 'close' })
    await closed.promise
  }
}

/** The error of a worker that could not open. It keeps its details only where another attempt cannot help. */
function refusalOf({ kind, error }: Failure): Error {
  return kind === 'ended' ? new CopyFailed(error) : new PgtrekError(error.message)
}
