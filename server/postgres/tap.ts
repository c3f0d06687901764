// A socket for the driver, in front of the real one. It passes on only valid messages. Between queries the raw bytes
// of the session can be borrowed; they are returned when the server is ready for a query again.
import { EventEmitter } from 'node:events'
import { Authentication } from './authentication.ts'
import { PgtrekError, ProtocolViolation } from './errors.ts'
import { backend } from './messages.ts'
import { lastWordsOf, ProtocolGuard } from './protocol-guard.ts'
import type { ConnectionSettings } from './settings.ts'
import type { ServerSocket } from './socket.ts'
import { WholeMessages } from './whole-messages.ts'

/** The most settings that a server may report. PostgreSQL reports about twenty. */
const mostParameters = 1000

export class Tap extends EventEmitter {
  /** For cancel requests, and for the start-up answer that pg_dump expects. Read when they are received. */
  pid = 0
  secret = 0
  readonly parameters = new Map<string, string>()
  /** The server's reason for ending the session, if it sent one. The driver does not report it. */
  lastWords: string | undefined
  /** Why we have cut the connection. */
  fault: Error | undefined
  /** When data was last received, or waiting data was sent. */
  movedAt = performance.now()
  #borrower: ((chunk: Buffer) => void) | undefined
  readonly #guard: ProtocolGuard
  readonly #authentication: Authentication
  readonly #messages: WholeMessages

  constructor(
    readonly socket: ServerSocket,
    settings: ConnectionSettings,
  ) {
    super()
    this.#authentication = new Authentication(settings)
    this.#guard = new ProtocolGuard(settings)
    this.#messages = new WholeMessages(this.#guard.sizeOf)
    // Each running query adds listeners, and there may be many.
    this.setMaxListeners(0)
    socket.on('data', (chunk: Buffer) => {
      this.movedAt = performance.now()
      if (this.#borrower) this.read(this.#borrower, chunk)
      else this.read(this.#takeWhole, chunk)
    })
    socket.on('drain', () => {
      this.movedAt = performance.now()
    })
    for (const event of ['error', 'close', 'drain'] as const) {
      socket.on(event, (...details: unknown[]) => {
        // The driver removes its listeners when it closes. An error after that is of no interest.
        if (event !== 'error' || this.listenerCount('error') > 0) this.emit(event, ...details)
      })
    }
  }

  borrow(handler: (chunk: Buffer) => void) {
    if (this.#borrower) throw new Error('the session is borrowed already')
    this.#borrower = handler
  }

  get isBorrowed(): boolean {
    return this.#borrower !== undefined
  }

  giveBack() {
    this.#borrower = undefined
    this.socket.resume()
  }

  /** Ends the connection when the reader rejects the data. */
  read(reader: (chunk: Buffer) => void, chunk: Buffer) {
    try {
      reader(chunk)
    } catch (error) {
      if (!(error instanceof PgtrekError)) throw error
      this.cut(error)
    }
  }

  /** Ends the connection for a reason of ours, which is reported to everything that waits. */
  cut(fault: Error) {
    this.fault ??= fault
    this.socket.destroy()
  }

  /** Passes complete messages on to the driver. */
  readonly #takeWhole = (chunk: Buffer) => {
    const bytes = this.#messages.feed(chunk)
    let from = 0
    for (let at = 0; at < bytes.length; ) {
      const next = at + bytes.readUInt32BE(at + 1) + 1
      if (!this.#hear(bytes[at] as number, bytes.subarray(at + 5, next))) {
        this.#pass(bytes, from, at)
        from = next
      }
      at = next
    }
    this.#pass(bytes, from, bytes.length)
  }

  #pass(bytes: Buffer, from: number, to: number) {
    if (to > from && !this.fault) this.emit('data', bytes.subarray(from, to))
  }

  /** False for messages that the driver does not get. */
  #hear(type: number, body: Buffer): boolean {
    const wasOpen = this.#guard.isOpen
    this.#guard.hear(type, body)
    switch (type) {
      case backend.authentication:
        void this.#reply(this.#authentication.answer(body))
        return this.#authentication.isOver
      case backend.parameterStatus: {
        const [name = '', value = ''] = body.toString('utf8', 0, body.length - 1).split('\0')
        this.parameters.set(name, value)
        if (this.parameters.size > mostParameters) {
          throw new ProtocolViolation('it reports settings endlessly')
        }
        return true
      }
      case backend.backendKeyData:
        this.pid = body.readInt32BE(0)
        this.secret = body.readInt32BE(4)
        return true
      case backend.errorResponse:
        this.lastWords = lastWordsOf(body) ?? this.lastWords
        return true
      case backend.readyForQuery:
        if (!wasOpen) this.#openAfterLogin()
        return true
      default:
        return type !== backend.notificationResponse
    }
  }

  async #reply(answer: Buffer | Promise<Buffer> | undefined) {
    try {
      const bytes = await answer
      if (bytes) this.socket.write(bytes)
    } catch (error) {
      this.cut(error as Error)
    }
  }

  #openAfterLogin() {
    if (!this.#authentication.isOver) throw new ProtocolViolation('it is ready before the login is complete')
    if (!/^\d/.test(this.parameters.get('server_version') ?? '')) {
      throw new ProtocolViolation('it does not report its PostgreSQL version')
    }
    this.emit('login')
  }

  // The methods of a socket that the driver calls:

  write(bytes: Uint8Array, done?: () => void): boolean {
    if (!this.#borrower) this.#guard.asked(bytes)
    return this.socket.write(bytes, done)
  }

  end(bytes?: Uint8Array) {
    this.socket.end(bytes)
  }

  destroy() {
    this.socket.destroy()
  }

  pause() {
    this.socket.pause()
  }

  resume() {
    this.socket.resume()
  }

  get readyState() {
    return this.socket.readyState
  }
}
