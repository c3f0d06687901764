// The bytes of one connection, over TCP or a Unix socket, plain or encrypted. Bun's own sockets take less time
// and CPU than the streams of node:net; here they get the events and the queue that the driver expects of those.
import { EventEmitter } from 'node:events'
import type { PeerCertificate } from 'node:tls'

export type Address = { hostname: string; port: number } | { unix: string }

type SocketEvents = {
  connect: []
  /** With the reason not to trust the server's certificate, if there is one. */
  secure: [Error | null]
  data: [Buffer]
  /** After a `write` that answered false: everything has gone out. */
  drain: []
  error: [Error]
  close: [hadError: boolean]
}

type Sent = (error?: Error) => void

/**
 * Bytes given to `write` must not be changed until `sent` is called, or `drain` comes: what the system has no
 * room for waits as it is. `error` comes at most once, `close` exactly once and last.
 */
export class ServerSocket extends EventEmitter<SocketEvents> {
  #socket: Bun.Socket<undefined> | undefined
  #state: 'opening' | 'open' | 'ending' | 'closed' = 'opening'
  #paused = false
  #unsent: { bytes: Uint8Array; sent: Sent | undefined }[] = []
  #drainExpected = false

  static connect(address: Address): ServerSocket {
    const socket = new ServerSocket()
    void socket.#connect(address)
    return socket
  }

  get destroyed(): boolean {
    return this.#state === 'closed'
  }

  /** Of node:net's words those that the driver asks for. */
  get readyState(): 'opening' | 'open' | 'readOnly' | 'closed' {
    return this.#state === 'ending' ? 'readOnly' : this.#state
  }

  /** False: wait for `drain`, or the bytes pile up here. */
  write(bytes: Uint8Array, sent?: Sent): boolean {
    if (this.#state === 'ending' || this.#state === 'closed') {
      sent?.(new Error('the connection is closed'))
      return false
    }
    const taken = this.#unsent.length === 0 ? this.#hand(bytes) : 0
    if (taken === bytes.length) {
      sent?.()
      return true
    }
    this.#unsent.push({ bytes: taken > 0 ? bytes.subarray(taken) : bytes, sent })
    this.#drainExpected = true
    return false
  }

  /** Sends what is waiting, then says that nothing more will come; the other end is to close. */
  end(bytes?: Uint8Array) {
    if (bytes) this.write(bytes)
    if (this.#state !== 'open' && this.#state !== 'opening') return
    this.#state = 'ending'
    if (this.#unsent.length === 0) this.#socket?.shutdown()
  }

  /** Drops the connection and what has not been sent. */
  destroy() {
    this.#close()
  }

  pause() {
    if (this.#paused) return
    this.#paused = true
    this.#socket?.pause()
  }

  resume() {
    if (!this.#paused) return
    this.#paused = false
    this.#socket?.resume()
  }

  setNoDelay() {
    this.#socket?.setNoDelay(true)
  }

  /** Asks the other end for a sign of life after so much silence. */
  setKeepAlive(silenceMs: number) {
    this.#socket?.setKeepAlive(true, silenceMs)
  }

  /**
   * Everything from here on is encrypted. `secure` says that the handshake is through and what speaks against
   * the certificate, which is for the listener to judge; a handshake that fails is an `error`.
   */
  encrypt(tls: Omit<Bun.TLSOptions, 'rejectUnauthorized'>) {
    if (!this.#socket || this.#state !== 'open') throw new Error('only an open connection can be encrypted')
    const [raw, secure] = this.#socket.upgradeTLS<undefined>({
      tls: { ...tls, rejectUnauthorized: false },
      socket: {
        ...this.#handlers(),
        handshake: (socket, _, distrust) => {
          if (this.#state === 'closed') return
          if (isHandshakeFailure(distrust)) this.#close(distrust)
          else if (!socket.getPeerCertificate()) this.#close(new Error('the server has no certificate'))
          else this.emit('secure', distrust)
        },
      },
    })
    // It would keep handing out what comes in, still encrypted.
    raw.reload({ socket: { data() {} } })
    this.#socket = secure
  }

  get tlsVersion(): string | undefined {
    return this.#socket?.getTLSVersion()
  }

  get peerCertificate(): PeerCertificate {
    if (!this.#socket) throw new Error('only an open connection has a certificate')
    return this.#socket.getPeerCertificate()
  }

  async #connect(address: Address) {
    const socket: Bun.SocketHandler<undefined> = {
      open: (opened) => this.#opened(opened),
      ...this.#handlers(),
    }
    try {
      await ('unix' in address ? Bun.connect({ ...address, socket }) : Bun.connect({ ...address, socket }))
    } catch (error) {
      this.#close(error as Error)
    }
  }

  #opened(socket: Bun.Socket<undefined>) {
    // An attempt cannot be called off, but nobody waits for it any more.
    if (this.#state === 'closed') return socket.terminate()
    const ending = this.#state === 'ending'
    this.#socket = socket
    this.#state = 'open'
    if (this.#paused) socket.pause()
    this.emit('connect')
    this.#flush()
    if (ending) this.end()
  }

  #handlers(): Bun.SocketHandler<undefined> {
    return {
      data: (_, chunk) => {
        if (this.#state !== 'closed') this.emit('data', chunk)
      },
      drain: () => this.#flush(),
      // A listener that throws ends here too: a connection whose bytes got lost is of no use.
      error: (_, error) => this.#close(error),
      close: (_, error) => this.#close(error),
    }
  }

  /** How many bytes the system has taken. */
  #hand(bytes: Uint8Array): number {
    // A connection that is just breaking takes -1; its end is told in a moment.
    return Math.max(0, this.#socket?.write(bytes) ?? 0)
  }

  #flush() {
    if (this.#unsent.length === 0) return
    for (let next = this.#unsent[0]; next; next = this.#unsent[0]) {
      const taken = this.#hand(next.bytes)
      if (taken < next.bytes.length) {
        next.bytes = next.bytes.subarray(taken)
        return
      }
      this.#unsent.shift()
      next.sent?.()
    }
    if (this.#state === 'ending') this.#socket?.shutdown()
    if (!this.#drainExpected) return
    this.#drainExpected = false
    this.emit('drain')
  }

  #close(error?: Error) {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    const unsent = this.#unsent
    this.#unsent = []
    this.#socket?.terminate()
    // Whoever destroys the socket may not be done yet with what it was doing.
    process.nextTick(() => {
      for (const { sent } of unsent) sent?.(error ?? new Error('the connection is closed'))
      if (error) this.emit('error', error)
      this.emit('close', error !== undefined)
    })
  }
}

/** Everything else is about the certificate, and the connection is there. */
function isHandshakeFailure(distrust: Error | null): distrust is Error {
  const code = distrust && 'code' in distrust ? String(distrust.code) : ''
  return /^(E[A-Z]+$|ERR_SSL_)/.test(code)
}
