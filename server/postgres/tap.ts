// Sits between the driver and the real socket. The driver logs in and queries through it; in between, the
// raw bytes of the same session can be borrowed, and given back when the server is ready for a query again.
import { EventEmitter } from 'node:events'
import { backend, MessageReader, parseServerError } from './messages.ts'
import type { ServerSocket } from './socket.ts'

/** https://www.postgresql.org/docs/current/protocol-message-formats.html: what the server asks for at login. */
const wayToTell: Record<number, string> = { 3: 'in clear text', 5: 'as an MD5 hash' }

export class Tap extends EventEmitter {
  /** For cancel requests and for the start-up packet that pg_dump expects; read off as they pass by. */
  pid = 0
  secret = 0
  readonly parameters = new Map<string, string>()
  /** Why the server ended the session, if it said so. The driver tells only that it ended. */
  lastWords: string | undefined
  /** The server wants to be told the password, which is only to be proved: the connection was cut. */
  refusedWay: string | undefined
  #borrower: ((chunk: Buffer) => void) | undefined
  readonly #reader = new MessageReader()

  constructor(
    readonly socket: ServerSocket,
    readonly onlyProve = false,
  ) {
    super()
    // Each query under way listens, and there may be many behind each other.
    this.setMaxListeners(0)
    socket.on('data', (chunk: Buffer) => {
      if (this.#borrower) return this.#borrower(chunk)
      this.#listen(chunk)
      if (this.refusedWay === undefined) this.emit('data', chunk)
    })
    for (const event of ['error', 'close', 'drain'] as const) {
      socket.on(event, (...details: unknown[]) => {
        // The driver drops its listeners when it closes; an error after that is no news to anyone.
        if (event !== 'error' || this.listenerCount('error') > 0) this.emit(event, ...details)
      })
    }
  }

  borrow(handler: (chunk: Buffer) => void) {
    if (this.#borrower) throw new Error('the session is lent already')
    this.#borrower = handler
  }

  get isLent(): boolean {
    return this.#borrower !== undefined
  }

  giveBack() {
    this.#borrower = undefined
    this.socket.resume()
  }

  #listen(chunk: Buffer) {
    for (const { type, body } of this.#reader.feed(chunk)) {
      if (type === backend.parameterStatus) {
        const [name = '', value = ''] = body.toString('utf8', 0, body.length - 1).split('\0')
        this.parameters.set(name, value)
      } else if (type === backend.backendKeyData) {
        this.pid = body.readInt32BE(0)
        this.secret = body.readInt32BE(4)
      } else if (type === backend.authentication && this.onlyProve) {
        this.refusedWay = wayToTell[body.readInt32BE(0)]
        if (this.refusedWay !== undefined) return this.socket.destroy()
      } else if (type === backend.errorResponse) {
        const error = parseServerError(body)
        if (error.severity === 'FATAL' || error.severity === 'PANIC') this.lastWords = error.message
      }
    }
  }

  // What the driver calls on a socket:

  write(bytes: Uint8Array, done?: () => void): boolean {
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
