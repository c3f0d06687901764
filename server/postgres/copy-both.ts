// The two-way COPY of a walsender over a borrowed session: chunks of whole messages come out when asked for,
// CopyData goes in at any time.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
import { ConnectionLost } from './errors.ts'
import { AnswerWatch } from './liveness.ts'
import {
  backend,
  copyDataMessage,
  copyDoneMessage,
  isAside,
  outOfPlace,
  parseServerError,
  queryMessage,
} from './messages.ts'
import type { Session } from './session.ts'
import { describeSettings } from './settings.ts'
import { WholeMessages } from './whole-messages.ts'

/** What may lie here unread before the server is kept from sending more. */
const maxUnreadBytes = 1024 * 1024

/**
 * A walsender writes every message to its socket at once, and as long as the window is open each travels as a
 * packet of its own, which costs the server more than the change did. Once the window is closed they are put
 * together. So a stream that is read to its end is left alone for a moment; with a shorter one the window
 * sometimes stays open.
 */
const paceBelow = 16 * 1024
const paceMs = 20
/** After a silence so many pieces are read at once: what comes alone must not wait. */
const readAtOnce = 16
const silenceMs = 10

export class CopyBoth implements Disposable {
  readonly #messages = new WholeMessages()
  #unread: Buffer[] = []
  #unreadBytes = 0
  #started = false
  #failure: Error | undefined
  #wake: (() => void) | undefined
  #pace: NodeJS.Timeout | undefined
  #piecesAtOnce = 0
  /** When the server was last heard, or what it had said was read. */
  #lively = performance.now()

  private constructor(readonly session: Session) {
    session.tap.borrow(this.#receive)
    session.tap.on('close', this.#closed)
    // Nobody says again that it is closed.
    if (session.tap.socket.destroyed) this.#closed()
  }

  /** Resolves when the server has agreed to send. */
  static async start(session: Session, command: string): Promise<CopyBoth> {
    const copy = new CopyBoth(session)
    using _ = new AnswerWatch(() => session)
    session.tap.write(queryMessage(command))
    while (!copy.#started && !copy.#failure) await copy.#next()
    if (copy.#failure) {
      copy[Symbol.dispose]()
      throw copy.#failure
    }
    return copy
  }

  /** Whole messages, one or more; throws when the stream has ended, which it does not by itself. */
  async read(): Promise<Buffer> {
    while (this.#unread.length === 0) {
      if (this.#failure) throw this.#failure
      await this.#next()
    }
    this.#lively = performance.now()
    const bytes = this.#unread.shift() as Buffer
    this.#unreadBytes -= bytes.length
    this.#regulate()
    return bytes
  }

  /** Something can be read, or the stream has ended and reading throws. */
  get hasUnread(): boolean {
    return this.#unread.length > 0 || this.#failure !== undefined
  }

  /** How long nothing has come, although we would have heard it. */
  get silentMs(): number {
    return this.hasUnread ? 0 : performance.now() - this.#lively
  }

  /** Resolves when there is something to read, the time is over, or somebody calls `wake`. */
  async readable(milliseconds: number): Promise<void> {
    if (this.hasUnread) return
    const timer = setTimeout(() => this.wake(), milliseconds)
    await this.#next()
    clearTimeout(timer)
  }

  /** Waits without reading; throws when the stream has ended meanwhile. */
  async pausing(milliseconds: number): Promise<void> {
    const timer = setTimeout(() => this.wake(), milliseconds)
    if (!this.#failure) await this.#next()
    clearTimeout(timer)
    if (this.#failure) throw this.#failure
  }

  wake() {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  write(bytes: Buffer) {
    if (!this.#failure) this.session.tap.write(copyDataMessage(bytes))
  }

  /** Takes leave, so that what was written last is heard. */
  async end(milliseconds: number) {
    if (this.#failure) return
    this.session.tap.write(copyDoneMessage)
    const deadline = performance.now() + milliseconds
    while (!this.#failure && performance.now() < deadline) {
      this.#forgetUnread()
      await this.readable(deadline - performance.now())
    }
  }

  /** Changes that nobody wants any more; the end of the stream may stand behind them in the same piece. */
  #forgetUnread() {
    for (const bytes of this.#unread.splice(0)) {
      for (let at = 0; at < bytes.length; ) {
        const next = at + bytes.readUInt32BE(at + 1) + 1
        if (bytes[at] !== backend.copyData) this.hear(bytes.subarray(at, next))
        at = next
      }
    }
    this.#unreadBytes = 0
    this.#regulate()
  }

  /** Ends all waiting; what was not read is lost. */
  fail(error: Error) {
    this.#failure ??= error
    this.#unread = []
    this.wake()
  }

  [Symbol.dispose]() {
    clearTimeout(this.#pace)
    this.session.tap.off('close', this.#closed)
    // A walsender in the midst of its stream takes no other command.
    this.session.destroy()
    this.fail(new ConnectionLost('the stream was closed'))
  }

  readonly #receive = (chunk: Buffer) => {
    const now = performance.now()
    if (now - this.#lively > silenceMs) this.#piecesAtOnce = 0
    this.#lively = now
    let bytes = this.#messages.feed(chunk)
    if (!this.#started) bytes = this.#beforeStart(bytes)
    if (bytes.length === 0) return
    // An error or the end that comes alone is told even while nobody reads.
    if (bytes[0] !== backend.copyData) return this.hear(bytes)
    this.#unread.push(bytes)
    this.#unreadBytes += bytes.length
    if (chunk.length < paceBelow && ++this.#piecesAtOnce > readAtOnce) {
      this.#pace ??= setTimeout(() => {
        this.#pace = undefined
        this.#lively = performance.now()
        this.#regulate()
      }, paceMs)
    }
    this.#regulate()
    this.wake()
  }

  #regulate() {
    const { tap } = this.session
    if (this.#pace || this.#unreadBytes > maxUnreadBytes) tap.pause()
    else tap.resume()
  }

  #beforeStart(bytes: Buffer): Buffer {
    let at = 0
    while (at < bytes.length && !this.#started && !this.#failure) {
      const size = bytes.readUInt32BE(at + 1) + 1
      if (bytes[at] === backend.copyBothResponse) this.#started = true
      else this.hear(bytes.subarray(at, at + size))
      at += size
    }
    this.wake()
    return bytes.subarray(at)
  }

  /** To be called with every message that is no CopyData: it may end the stream. */
  hear(message: Buffer) {
    const type = message[0]
    if (type === backend.errorResponse) {
      const error = parseServerError(message.subarray(5))
      error.side = 'source'
      this.fail(error)
    } else if (type === backend.copyDone || type === backend.readyForQuery) {
      const where = describeSettings(this.session.settings)
      this.fail(new ConnectionLost(`${where} ended the stream: it is being shut down`))
    } else if (type !== undefined && type !== backend.commandComplete && !isAside(type)) {
      this.session.tap.cut(outOfPlace(type, 'during a stream of changes'))
    }
  }

  #next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = this.#wake
    this.#wake = () => {
      before?.()
      resolve()
    }
    return promise
  }

  readonly #closed = () => this.fail(this.session.lost())
}
