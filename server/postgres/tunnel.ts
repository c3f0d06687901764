// Lets a program that speaks the protocol itself (pg_dump) use an authenticated session. Its start-up packet is
// answered here. Complete requests are sent to the server, and complete answers returned.
// https://www.postgresql.org/docs/current/protocol-flow.html
import { ProtocolViolation } from './errors.ts'
import { AnswerWatch } from './liveness.ts'
import { backend, checkLength, frontend, message, typeName } from './messages.ts'
import { AnswerLimit } from './protocol-guard.ts'
import type { Session } from './session.ts'

const encryptionRequest = 8

export class Tunnel implements Disposable {
  #started = false
  #unsent = Buffer.alloc(0)
  #answer: Buffer[] = []
  readonly #limit: AnswerLimit
  readonly #walker = new AnswerWalker()
  #waiting: PromiseWithResolvers<Buffer> | undefined

  constructor(readonly session: Session) {
    this.#limit = new AnswerLimit(session.settings)
    session.tap.borrow((chunk) => this.#receive(chunk))
    session.tap.on('close', this.#closed)
  }

  /** Takes what the program writes. Resolves with what it may read next, which may be empty. */
  async exchange(bytes: Buffer): Promise<Buffer> {
    // A connection that was lost while the program was busy sends no event any more.
    if (this.session.tap.socket.destroyed) throw this.session.lost()
    if (!this.#started) {
      // A request for TLS or GSSAPI precedes the start-up packet. Neither is needed within the process.
      if (bytes.length === encryptionRequest) return Buffer.from('N')
      this.#started = true
      return this.#greeting()
    }
    // The program may write a message in several parts.
    this.#unsent = Buffer.concat([this.#unsent, bytes])
    let end = 0
    let answered = false
    while (this.#unsent.length - end >= 5) {
      const size = this.#unsent.readUInt32BE(end + 1) + 1
      if (this.#unsent.length - end < size) break
      const type = this.#unsent[end]
      // The program must not end the session.
      if (type === frontend.terminate) return Buffer.alloc(0)
      if (type === frontend.query || type === frontend.sync) answered = true
      end += size
    }
    const whole = this.#unsent.subarray(0, end)
    this.#unsent = this.#unsent.subarray(end)
    if (whole.length) this.session.tap.write(whole)
    if (!answered) return Buffer.alloc(0)
    this.#waiting = Promise.withResolvers<Buffer>()
    using _ = new AnswerWatch(() => this.session)
    return await this.#waiting.promise
  }

  [Symbol.dispose]() {
    this.session.tap.off('close', this.#closed)
    this.session.tap.giveBack()
  }

  #receive(chunk: Buffer) {
    this.#answer.push(chunk)
    this.#limit.count(chunk.length)
    if (!this.#walker.feed(chunk)) return
    const answer = this.#answer.length === 1 ? chunk : Buffer.concat(this.#answer)
    this.#answer = []
    this.#limit.startAgain()
    this.#waiting?.resolve(answer)
    this.#waiting = undefined
  }

  readonly #closed = () => this.#waiting?.reject(this.session.lost())

  #greeting(): Buffer {
    const { tap } = this.session
    const key = Buffer.alloc(8)
    key.writeInt32BE(tap.pid, 0)
    return Buffer.concat([
      message(backend.authentication, Buffer.alloc(4)),
      ...[...tap.parameters].map(([name, value]) =>
        message(backend.parameterStatus, Buffer.from(`${name}\0${value}\0`)),
      ),
      message(backend.backendKeyData, key),
      message(backend.readyForQuery, Buffer.from('I')),
    ])
  }
}

const known = new Set<number>(Object.values(backend))

/**
 * Detects the end of an answer: the end of a message, with a ReadyForQuery among the messages. Others may follow it:
 * a changed parameter, a notice.
 */
class AnswerWalker {
  #header = Buffer.alloc(5)
  #headerLength = 0
  #remaining = 0
  #ready = false

  feed(chunk: Buffer): boolean {
    let position = 0
    while (position < chunk.length) {
      if (this.#remaining > 0) {
        const step = Math.min(this.#remaining, chunk.length - position)
        this.#remaining -= step
        position += step
        continue
      }
      this.#header[this.#headerLength++] = chunk[position++] as number
      if (this.#headerLength < 5) continue
      this.#headerLength = 0
      const type = this.#header[0] as number
      const length = this.#header.readUInt32BE(1)
      if (!known.has(type)) throw new ProtocolViolation(`there is no message of type ${typeName(type)}`)
      checkLength(type, length)
      this.#remaining = length - 4
      if (this.#header[0] === backend.readyForQuery) this.#ready = true
    }
    const whole = this.#ready && this.#remaining === 0 && this.#headerLength === 0
    if (whole) this.#ready = false
    return whole
  }
}
