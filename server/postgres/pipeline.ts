// Statements of the extended protocol on a borrowed session, sent without waiting for answers. The expected result is
// noted when a statement is sent, and checked when its answer arrives.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
import { NextChange } from '../system/next-change.ts'
import { ConnectionLost, ProtocolViolation, type ServerError } from './errors.ts'
import { backend, excerpt, isAsynchronous, parseServerError, unexpectedMessage } from './messages.ts'
import { PipelineWriter } from './pipeline-writer.ts'
import type { Session } from './session.ts'
import { WholeMessages } from './whole-messages.ts'

/** The expected number of rows of a statement. */
export const expected = { anything: -1, oneRow: 1 } as const

/** A statement affected an unexpected number of rows. Its transaction is still open. */
export class UnexpectedCount extends Error {
  constructor(
    /** How many statements were answered before it. */
    readonly statement: number,
    readonly expected: number,
    readonly found: number,
  ) {
    super(`a statement touched ${found} rows instead of ${expected}`)
  }
}

/** The server refused a statement. It ignores everything that was sent after it. */
export class StatementFailed extends Error {
  constructor(
    readonly statement: number,
    override readonly cause: ServerError,
  ) {
    super(cause.message, { cause })
  }
}

/** With more, the sender has to wait, so that neither side accumulates unread data. */
const maxUnanswered = 8192
const syncMark = -2
/** Messages without new information. */
const quiet = new Set<number>([
  backend.bindComplete,
  backend.closeComplete,
  backend.copyInResponse,
  backend.dataRow,
  backend.emptyQueryResponse,
  backend.noData,
  backend.parameterDescription,
  backend.parseComplete,
  backend.rowDescription,
])

export class Pipeline implements Disposable {
  readonly out: PipelineWriter
  failure: Error | undefined
  /** Statements answered so far. */
  answered = 0
  /** Statements sent so far. */
  sent = 0
  /** Syncs that were answered. */
  synced = 0
  /** When data was last received, or the server was queried after a silence. */
  #activeAt = performance.now()
  readonly #messages = new WholeMessages()
  /** A ring buffer with the expected results of the unanswered statements. */
  #marks = new Int32Array(2 * maxUnanswered)
  #head = 0
  #waiting = 0
  #isBlocked = false
  readonly #change = new NextChange()

  constructor(
    readonly session: Session,
    readonly onAnswer: () => void = () => {},
  ) {
    const { tap } = session
    this.out = new PipelineWriter((bytes) => {
      if (this.failure || tap.write(bytes)) return
      // A server that reads what is sent has not been silent until now.
      if (!this.#isBlocked) this.#activeAt = performance.now()
      this.#isBlocked = true
    })
    tap.borrow(this.#receive)
    tap.on('close', this.#closed)
    tap.on('drain', this.#drained)
    // No event follows for a socket that is closed already.
    if (tap.socket.destroyed) queueMicrotask(this.#closed)
  }

  /** To be called for every Execute. `mark` is one of `expected`, or a number of rows. */
  expect(mark: number) {
    if (this.#waiting === this.#marks.length) this.#grow()
    if (this.#waiting === 0) this.#activeAt = performance.now()
    this.#marks[(this.#head + this.#waiting++) % this.#marks.length] = mark
    if (mark !== syncMark) this.sent++
  }

  /** Changes the expected result of the last statement: the number of a COPY's rows is known at its end. */
  expectOfLast(mark: number) {
    this.#marks[(this.#head + this.#waiting - 1) % this.#marks.length] = mark
  }

  /** After an error the server ignores statements up to this point. */
  sync() {
    this.out.sync()
    this.expect(syncMark)
  }

  /** Sends what was written, and requests the answers. */
  flush() {
    if (this.out.hasBytes) this.out.flushMessage()
    this.out.send()
  }

  get isQuiet(): boolean {
    return this.#waiting === 0
  }

  get isFull(): boolean {
    return this.#isBlocked || this.#waiting >= maxUnanswered || this.failure !== undefined
  }

  /** Resolves when more may be sent. Throws when the pipeline has failed. Written data must be sent before. */
  async room(): Promise<void> {
    while (this.isFull && !this.failure) await this.#change.happened
    if (this.failure) throw this.failure
  }

  /** Resolves when all statements are answered. */
  async quiet(): Promise<void> {
    this.flush()
    while (!this.isQuiet && !this.failure) await this.#change.happened
    if (this.failure) throw this.failure
  }

  /** A COPY is open: the server accepts rows only. */
  copying = false

  /** Ends all waiting. */
  fail(error: Error) {
    this.failure ??= error
    this.#notify()
  }

  [Symbol.dispose]() {
    const { tap } = this.session
    tap.off('close', this.#closed)
    tap.off('drain', this.#drained)
    // The state of the session is unknown.
    this.session.destroy()
    this.fail(new ConnectionLost('the pipeline was closed'))
  }

  /** How long an answer has been due. During a COPY the server waits for us, unless it does not read. */
  get silentMs(): number {
    if (this.isQuiet || (this.copying && !this.#isBlocked)) return 0
    return performance.now() - this.#activeAt
  }

  readonly #receive = (chunk: Buffer) => {
    this.#activeAt = performance.now()
    const bytes = this.#messages.feed(chunk)
    let at = 0
    while (at < bytes.length && !this.failure) {
      const type = bytes[at] as number
      const size = bytes.readInt32BE(at + 1) + 1
      if (type === backend.commandComplete) this.#complete(bytes, at + 5, at + size)
      else if (type === backend.readyForQuery) this.#ready()
      else if (type === backend.errorResponse) {
        const error = parseServerError(bytes.subarray(at + 5, at + size))
        this.fail(new StatementFailed(this.answered, error))
      } else if (!isAsynchronous(type) && !quiet.has(type)) {
        throw unexpectedMessage(type, 'among the answers to changes')
      }
      at += size
    }
    this.#notify()
  }

  #complete(bytes: Buffer, start: number, end: number) {
    const mark = this.#marks[this.#head % this.#marks.length] as number
    if (mark === syncMark || this.#waiting === 0) {
      throw unexpectedMessage(backend.commandComplete, 'although nothing was requested')
    }
    this.#take()
    // `UPDATE 1`, `INSERT 0 1`, `COPY 250`: nearly always one row.
    const one = bytes[end - 2] === 0x31 && bytes[end - 3] === 0x20
    if (mark !== expected.anything && !(mark === 1 && one)) {
      const found = Number(
        bytes
          .toString('latin1', start, end - 1)
          .split(' ')
          .at(-1),
      )
      if (!Number.isSafeInteger(found)) {
        throw new ProtocolViolation(`a command ended with "${excerpt(bytes.subarray(start, end))}"`)
      }
      if (found !== mark) return this.fail(new UnexpectedCount(this.answered, mark, found))
    }
    this.answered++
  }

  #ready() {
    if (this.#marks[this.#head % this.#marks.length] !== syncMark || this.#waiting === 0) {
      throw unexpectedMessage(backend.readyForQuery, 'before all answers were received')
    }
    this.#take()
    this.synced++
  }

  #take() {
    this.#head = (this.#head + 1) % this.#marks.length
    this.#waiting--
  }

  #grow() {
    const larger = new Int32Array(this.#marks.length * 2)
    for (let index = 0; index < this.#waiting; index++) {
      larger[index] = this.#marks[(this.#head + index) % this.#marks.length] as number
    }
    this.#marks = larger
    this.#head = 0
  }

  #notify() {
    this.#change.notify()
    this.onAnswer()
  }

  readonly #drained = () => {
    this.#isBlocked = false
    this.#activeAt = performance.now()
    this.#notify()
  }

  readonly #closed = () => this.fail(this.session.lost())
}
