// One connection, over TCP or a Unix socket, plain or encrypted. Bun's own sockets need less time and CPU than
// streams of node:net. This class gives them the events and the queue that the driver expects.
import { EventEmitter } from 'node:events'
import type { PeerCertificate } from 'node:tls'

export type Address = { hostname: string; port: number } | { unix: string }

type SocketEvents = {
  connect: []
  /** With the problem of the server's certificate, if it has one. */
  secure: [Error | null]
  data: [Buffer]
  /** After a `write` that returned false: everything was sent. */
  drain: []
  error: [Error]
  close: [hadError: boolean]
}

type Sent = (error?: Error) => void

/**
 * Bytes given to `write` must not be changed before `sent` is called or `drain` is emitted, because they are not
 * copied. `error` is emitted at most once, `close` exactly once and last.
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

  /** The states of node:net that the driver uses. */
  get readyState(): 'opening' | 'open' | 'readOnly' | 'closed' {
    return this.#state === 'ending' ? 'readOnly' : this.#state
  }

  /** False: wait for `drain`, or the data accumulates here. */
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

  /** Sends the waiting data, then ends the sending direction. The server has to close the connection. */
  end(bytes?: Uint8Array) {
    if (bytes) this.write(bytes)
    if (this.#state !== 'open' && this.#state !== 'opening') return
    this.#state = 'ending'
    if (this.#unsent.length === 0) this.#socket?.shutdown()
  }

  /** Closes the connection and discards unsent data. */
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

  /** Sends keepalives after a silence of this length. */
  setKeepAlive(silenceMs: number) {
    this.#socket?.setKeepAlive(true, silenceMs)
  }

  /**
   * Encrypts everything from here on. `secure` reports the end of the handshake with the problem of the certificate,
   * which the listener has to judge. A failed handshake is an `error`.
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
    // It would still emit the encrypted data.
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
    // An attempt to connect cannot be cancelled, so its socket is closed here.
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
      // A listener has thrown. A connection with lost data is useless.
      error: (_, error) => this.#close(error),
      close: (_, error) => this.#close(error),
    }
  }

  /** Returns how many bytes the system has taken. */
  #hand(bytes: Uint8Array): number {
    // A connection that is breaking returns -1. Its end is reported right after.
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
    // The caller that destroys the socket completes its work before listeners run.
    process.nextTick(() => {
      for (const { sent } of unsent) sent?.(error ?? new Error('the connection is closed'))
      if (error) this.emit('error', error)
      this.emit('close', error !== undefined)
    })
  }
}

/** All other errors are about the certificate, with an established connection. */
function isHandshakeFailure(distrust: Error | null): distrust is Error {
  const code = distrust && 'code' in distrust ? String(distrust.code) : ''
  return /^(E[A-Z]+$|ERR_SSL_)/.test(code)
}
