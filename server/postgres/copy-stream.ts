// COPY from one session into another. The frames are passed on unchanged and rows are not parsed.
import { type CopyBatches, CopyIntake } from './copy-batches.ts'
import { CopyFrameWalker, type CopySink } from './copy-frames.ts'
import { type Throttle, ThrottledFlow } from './copy-throttle.ts'
import { Cancelled, ProtocolViolation } from './errors.ts'
import { AnswerWatch } from './liveness.ts'
import {
  type BackendMessage,
  backend,
  copyFailMessage,
  isAsynchronous,
  MessageReader,
  messageSize,
  parseServerError,
  queryMessage,
  rowsOfCommandTag,
  unexpectedMessage,
} from './messages.ts'
import { AnswerLimit } from './protocol-guard.ts'
import type { Session } from './session.ts'

export interface CopyRelay {
  source: Session
  /** `COPY ... TO STDOUT`, as bytes where the session's encoding is not UTF8. */
  copyOut: string | Buffer
  destination: Session
  /** `COPY ... FROM STDIN` in the same format */
  copyIn?: string | Buffer
  binary: boolean
  /** Instead of `copyIn`: many copies, each with statements for its rows. */
  batches?: CopyBatches | undefined
  throttle?: Throttle | undefined
  signal?: AbortSignal | undefined
  /** Called for every chunk, so it has to be cheap. */
  onProgress?: (rows: number, bytes: number) => void
}

/**
 * Resolves with the rows and bytes that both servers confirm. When it throws, sessions in an unknown state were
 * destroyed, and the caller has to open new ones.
 */
export function relayCopy(relay: CopyRelay): Promise<{ rows: number; bytes: number }> {
  const running = new Relay(relay)
  running.begin()
  return running.result
}

/** The steps in order, then the errors. */
class Relay implements CopySink {
  /** The source is only queried after the destination has accepted the COPY. */
  #source: 'not asked' | 'asked' | 'over' = 'not asked'
  #destination: 'asked' | 'taking' | 'over' = 'asked'
  #isDestinationFull = false
  #isSettled = false
  #failure: Error | undefined
  /** Set when the source starts to send rows. */
  #walker: CopyFrameWalker | undefined
  /** Messages of the source before its first row. */
  #unread: Buffer = Buffer.alloc(0)
  /** The number of rows in the source's command tag. */
  #rows: number | undefined
  readonly #sourceReader = new MessageReader()
  readonly #destinationReader = new MessageReader()
  readonly #intake: CopyIntake
  readonly #asynchronousLimit: AnswerLimit
  readonly #flow: ThrottledFlow | undefined
  readonly #watch: AnswerWatch
  readonly #result = Promise.withResolvers<{ rows: number; bytes: number }>()
  readonly result = this.#result.promise

  constructor(readonly relay: CopyRelay) {
    const { source, destination, copyIn = '', binary, batches, throttle } = relay
    this.#intake = new CopyIntake(copyIn, binary, batches)
    this.#asynchronousLimit = new AnswerLimit(source.settings)
    const read = (chunk: Buffer) => source.tap.read(this.#receive, chunk)
    this.#flow = throttle && new ThrottledFlow(throttle, read, this.#regulate)
    /** The session that has to act next. Undefined while a rate limit holds the rows back. */
    const owing = () => {
      if (this.#flow?.isBusy) return undefined
      return this.#isDestinationFull || this.#source !== 'asked' ? destination : source
    }
    this.#watch = new AnswerWatch(owing)
  }

  begin() {
    const { source, destination, signal } = this.relay
    const flow = this.#flow
    source.tap.on('close', this.#sourceClosed)
    destination.tap.on('close', this.#destinationClosed)
    destination.tap.on('drain', this.#drained)
    signal?.addEventListener('abort', this.#cancel, { once: true })
    source.tap.borrow(flow ? (chunk) => flow.push(chunk) : this.#receive)
    destination.tap.borrow((chunk) => {
      for (const message of this.#destinationReader.feed(chunk)) this.#fromDestination(message)
    })
    if (signal?.aborted) return this.#cancel()
    // A connection that was lost before this copy sends no event any more.
    if (source.tap.socket.destroyed) return this.#lose(source, destination)
    if (destination.tap.socket.destroyed) return this.#lose(destination, source)
    destination.tap.write(this.#intake.first())
  }

  #fromDestination(message: BackendMessage) {
    const { type, body } = message
    if (isAsynchronous(type)) this.#asynchronousLimit.count(body.length)
    try {
      this.#intake.hear(message)
    } catch (error) {
      return this.#failByDestination(error as Error)
    }
    if (type === backend.errorResponse) this.#failByDestination(parseServerError(body))
    else if (type === backend.copyInResponse) this.#askSource()
    else if (!isAsynchronous(type) && !ofIntake.has(type)) throw unexpectedMessage(type, 'during a COPY')
    else if (type === backend.readyForQuery && this.#intake.isReady) this.#destinationReady(type)
  }

  /** Each batch starts with this answer. Only the first has to be waited for. */
  #askSource() {
    if (this.#destination !== 'asked') return
    this.#destination = 'taking'
    this.#source = 'asked'
    this.relay.source.tap.write(queryMessage(this.relay.copyOut))
  }

  readonly #receive = (chunk: Buffer) => {
    const walker = this.#walker
    if (!walker) return this.#beforeRows(chunk)
    walker.feed(chunk)
    const rows = this.relay.binary && walker.done ? walker.frames - 1 : walker.frames
    this.relay.onProgress?.(rows, walker.bytes)
  }

  /** Notices and CopyOutResponse, perhaps followed by the first rows; or an error. */
  #beforeRows(chunk: Buffer) {
    let bytes = this.#unread.length ? Buffer.concat([this.#unread, chunk]) : chunk
    while (!this.#walker && bytes.length >= 5) {
      const size = messageSize(bytes, 0)
      if (bytes.length < size) break
      const type = bytes[0] as number
      const body = bytes.subarray(5, size)
      bytes = bytes.subarray(size)
      if (type === backend.copyOutResponse) this.#walker = new CopyFrameWalker(this, this.relay.batches)
      else this.#fromSource({ type, body })
    }
    this.#unread = this.#walker ? Buffer.alloc(0) : bytes
    if (bytes.length) this.#walker?.feed(bytes)
  }

  // The parts of the source's stream:

  pass(bytes: Buffer) {
    if (this.#failure) return
    if (this.relay.destination.tap.write(bytes)) return
    this.#isDestinationFull = true
    this.#regulate()
  }

  cut() {
    if (!this.#failure) this.pass(this.#intake.next())
  }

  divert(bytes: Buffer) {
    for (const message of this.#sourceReader.feed(bytes)) this.#fromSource(message)
  }

  readonly #regulate = () => {
    const { tap } = this.relay.source
    if (this.#isDestinationFull || this.#flow?.isBusy) tap.pause()
    else tap.resume()
  }

  readonly #drained = () => {
    this.#isDestinationFull = false
    this.#regulate()
  }

  #fromSource({ type, body }: BackendMessage) {
    this.#asynchronousLimit.count(body.length)
    if (type === backend.errorResponse) this.#failBySource(body)
    else if (type === backend.commandComplete) {
      if (!this.#walker?.done) throw unexpectedMessage(type, 'during a COPY')
      this.#rows = rowsOfCommandTag(body)
    } else if (type === backend.readyForQuery) {
      if (!this.#failure && this.#rows === undefined)
        throw unexpectedMessage(type, 'before the end of a COPY')
      this.#source = 'over'
      this.#settle()
    } else if (!isAsynchronous(type)) throw unexpectedMessage(type, 'during a COPY')
  }

  /** Between two batches it may be ready while more rows follow. */
  #destinationReady(type: number) {
    const isWhole = this.#walker?.done === true
    if (!this.#failure && (this.#intake.rows === undefined || !(isWhole || this.relay.batches))) {
      throw unexpectedMessage(type, 'before the end of a COPY')
    }
    if (this.#failure || isWhole) this.#destination = 'over'
    this.#settle()
  }

  #settle() {
    if (this.#isSettled || this.#source !== 'over' || this.#destination !== 'over') return
    this.#isSettled = true
    this.#release()
    if (this.#failure) return this.#result.reject(this.#failure)
    if (this.#rows === undefined || this.#rows !== this.#intake.rows) {
      const counted = `the source sent ${this.#rows} rows, and the destination reports that it received ${this.#intake.rows}`
      return this.#result.reject(new ProtocolViolation(counted))
    }
    this.#result.resolve({ rows: this.#rows, bytes: this.#walker?.bytes ?? 0 })
  }

  #release() {
    const { source, destination, signal } = this.relay
    this.#watch[Symbol.dispose]()
    this.#flow?.stop()
    source.tap.off('close', this.#sourceClosed)
    destination.tap.off('close', this.#destinationClosed)
    destination.tap.off('drain', this.#drained)
    signal?.removeEventListener('abort', this.#cancel)
    source.tap.giveBack()
    destination.tap.giveBack()
  }

  // Errors:

  #failBySource(body: Buffer) {
    const error = parseServerError(body)
    error.side = 'source'
    this.#failure ??= error
    // CopyFail makes the destination discard the copy.
    if (this.#destination === 'taking') {
      this.relay.destination.tap.write(copyFailMessage('the source could not be read'))
    }
  }

  /** Its error may be caused by our CopyFail. The first error is the one to report. */
  #failByDestination(error: Error) {
    const { source, destination } = this.relay
    this.#failure ??= error
    // Reading to the end would take as long as copying the table.
    if (this.#source === 'asked') source.destroy()
    this.#source = 'over'
    const isBegun = this.#destination !== 'asked'
    if (isBegun && !(this.#walker?.done && this.#intake.isLast)) {
      // Part of a frame may be sent, or batches may follow, so the session cannot be used for anything else.
      destination.destroy()
      this.#destination = 'over'
    } else if (this.#intake.isReady) this.#destination = 'over'
    this.#settle()
  }

  readonly #sourceClosed = () => this.#lose(this.relay.source, this.relay.destination)
  readonly #destinationClosed = () => this.#lose(this.relay.destination, this.relay.source)

  #lose(session: Session, other: Session) {
    if (this.#isSettled) return
    this.#failure ??= session.lost()
    other.destroy()
    session.destroy()
    this.#end()
  }

  /** Sends cancel requests, so that both servers stop, and does not wait for answers. */
  readonly #cancel = () => {
    const { source, destination } = this.relay
    this.#failure ??= new Cancelled()
    void Promise.allSettled([source.cancel(), destination.cancel()]).then(() => {
      source.destroy()
      destination.destroy()
      this.#end()
    })
  }

  #end() {
    this.#source = 'over'
    this.#destination = 'over'
    this.#settle()
  }
}

/** Statements after the COPY of a batch may return rows. */
const ofIntake = new Set<number>([
  backend.commandComplete,
  backend.copyInResponse,
  backend.dataRow,
  backend.emptyQueryResponse,
  backend.readyForQuery,
  backend.rowDescription,
])
