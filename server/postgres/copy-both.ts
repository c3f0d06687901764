// The two-way COPY of a walsender over a borrowed session: chunks of complete messages are read on request, CopyData
// can be written at any time.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
import { NextChange } from '../system/next-change.ts'
import { ConnectionLost } from './errors.ts'
import { AnswerWatch } from './liveness.ts'
import {
  backend,
  copyDataMessage,
  copyDoneMessage,
  isAsynchronous,
  parseServerError,
  queryMessage,
  unexpectedMessage,
} from './messages.ts'
import type { Session } from './session.ts'
import { describeSettings } from './settings.ts'
import { WholeMessages } from './whole-messages.ts'

/** With this much unread, the socket is paused, so that the server stops sending. */
const maxUnreadBytes = 1024 * 1024

/**
 * A walsender writes every message to its socket at once. As long as the TCP window is open each becomes a packet,
 * which costs the server more than the change itself. With a closed window messages are combined. So after all of a
 * stream was read, reading pauses for a moment. With a shorter pause the window sometimes stays open.
 */
const paceBelow = 16 * 1024
const paceMs = 20
/** After a silence this many pieces are read without a pause: a single message must not wait. */
const readAtOnce = 16
const silenceMs = 10

export class CopyBoth implements Disposable {
  readonly #messages = new WholeMessages()
  #unread: Buffer[] = []
  #unreadBytes = 0
  #started = false
  #failure: Error | undefined
  readonly #change = new NextChange()
  #pace: NodeJS.Timeout | undefined
  #piecesAtOnce = 0
  /** When data was last received, or the last received data was read. */
  #activeAt = performance.now()

  private constructor(readonly session: Session) {
    session.tap.borrow(this.#receive)
    session.tap.on('close', this.#closed)
    // No event follows for a socket that is closed already.
    if (session.tap.socket.destroyed) this.#closed()
  }

  /** Resolves when the server has started to send. */
  static async start(session: Session, command: string): Promise<CopyBoth> {
    const copy = new CopyBoth(session)
    using _ = new AnswerWatch(() => session)
    session.tap.write(queryMessage(command))
    while (!copy.#started && !copy.#failure) await copy.#change.happened
    if (copy.#failure) {
      copy[Symbol.dispose]()
      throw copy.#failure
    }
    return copy
  }

  /** One or more complete messages. Throws when the stream has ended, which is always an error. */
  async read(): Promise<Buffer> {
    while (this.#unread.length === 0) {
      if (this.#failure) throw this.#failure
      await this.#change.happened
    }
    this.#activeAt = performance.now()
    const bytes = this.#unread.shift() as Buffer
    this.#unreadBytes -= bytes.length
    this.#regulate()
    return bytes
  }

  /** Whether `read` does not have to wait: there is data, or the stream has ended. */
  get hasUnread(): boolean {
    return this.#unread.length > 0 || this.#failure !== undefined
  }

  /** How long nothing was received, not counting the time in which the socket was paused. */
  get silentMs(): number {
    return this.hasUnread ? 0 : performance.now() - this.#activeAt
  }

  /** Resolves when there is something to read, after the time, or when `wake` is called. */
  async readable(milliseconds: number): Promise<void> {
    if (this.hasUnread) return
    const timer = setTimeout(() => this.wake(), milliseconds)
    await this.#change.happened
    clearTimeout(timer)
  }

  /** Waits without reading. Throws when the stream has ended meanwhile. */
  async pausing(milliseconds: number): Promise<void> {
    const timer = setTimeout(() => this.wake(), milliseconds)
    if (!this.#failure) await this.#change.happened
    clearTimeout(timer)
    if (this.#failure) throw this.#failure
  }

  wake() {
    this.#change.notify()
  }

  write(bytes: Buffer) {
    if (!this.#failure) this.session.tap.write(copyDataMessage(bytes))
  }

  /** Ends the COPY, so that the server receives what was written last. */
  async end(milliseconds: number) {
    if (this.#failure) return
    this.session.tap.write(copyDoneMessage)
    const deadline = performance.now() + milliseconds
    while (!this.#failure && performance.now() < deadline) {
      this.#forgetUnread()
      await this.readable(deadline - performance.now())
    }
  }

  /** Discards unread changes. The end of the stream may follow them in the same piece. */
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

  /** Ends all waiting. Unread data is lost. */
  fail(error: Error) {
    this.#failure ??= error
    this.#unread = []
    this.wake()
  }

  [Symbol.dispose]() {
    clearTimeout(this.#pace)
    this.session.tap.off('close', this.#closed)
    // A walsender accepts no other command during a stream.
    this.session.destroy()
    this.fail(new ConnectionLost('the stream was closed'))
  }

  readonly #receive = (chunk: Buffer) => {
    const now = performance.now()
    if (now - this.#activeAt > silenceMs) this.#piecesAtOnce = 0
    this.#activeAt = now
    let bytes = this.#messages.feed(chunk)
    if (!this.#started) bytes = this.#beforeStart(bytes)
    if (bytes.length === 0) return
    // An error, or the end of the stream, that arrives alone is reported even when nothing reads.
    if (bytes[0] !== backend.copyData) return this.hear(bytes)
    this.#unread.push(bytes)
    this.#unreadBytes += bytes.length
    if (chunk.length < paceBelow && ++this.#piecesAtOnce > readAtOnce) {
      this.#pace ??= setTimeout(() => {
        this.#pace = undefined
        this.#activeAt = performance.now()
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

  /** To be called with every message except CopyData: it may end the stream. */
  hear(message: Buffer) {
    const type = message[0]
    if (type === backend.errorResponse) {
      const error = parseServerError(message.subarray(5))
      error.side = 'source'
      this.fail(error)
    } else if (type === backend.copyDone || type === backend.readyForQuery) {
      const where = describeSettings(this.session.settings)
      this.fail(new ConnectionLost(`${where} ended the stream: it is being shut down`))
    } else if (type !== undefined && type !== backend.commandComplete && !isAsynchronous(type)) {
      this.session.tap.cut(unexpectedMessage(type, 'during a stream of changes'))
    }
  }

  readonly #closed = () => this.fail(this.session.lost())
}
