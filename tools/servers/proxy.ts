// A proxy to a server whose connections can be slow, stall, or break in the middle of a message. It does not change,
// lose or reorder bytes.
import type { TestDatabase } from './clusters.ts'

export interface SlowWay extends AsyncDisposable {
  port: number
  /** Connections accepted so far, and those that are open. */
  readonly taken: number
  readonly open: number
  /** Bytes in transit. */
  readonly held: number
  /** Stalls both directions without an error; new connections are accepted, and stall too. */
  stall(): void
  flow(): void
  /** Open connections stall permanently; new ones work. */
  forget(): void
  /** Delays each piece of data. */
  delay(milliseconds: number): void
  /** Ends all connections: immediately, or after half of the next piece of data. */
  cut(where: 'now' | 'within'): void
  /** Ends all connections, and accepts no new ones. */
  refuse(): void
  /** The same database, through this proxy. */
  to(database: TestDatabase): TestDatabase
}

interface State {
  stalled: boolean
  delay: number
}

type Socket = Bun.Socket<Lane>

/** The limit of data in transit; a real network has one too. */
const mostOnTheWay = 256 * 1024

export async function startProxy(target: { host: string; port: number }): Promise<SlowWay> {
  const state: State = { stalled: false, delay: 0 }
  const lanes = new Set<Lane>()
  let taken = 0
  const handlers: Bun.SocketHandler<Lane> = {
    data: (socket, bytes) => socket.data.take(bytes),
    drain: (socket) => socket.data.back.move(),
    end: (socket) => socket.data.end(),
    close: (socket) => {
      lanes.delete(socket.data)
      socket.data.end()
    },
    error: (socket) => socket.data.end(),
  }
  const server = Bun.listen<Lane>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      ...handlers,
      open(client) {
        taken++
        const there = new Lane(state)
        const back = new Lane(state)
        there.back = back
        back.back = there
        there.from = client
        back.to = client
        client.data = there
        for (const lane of [there, back]) lanes.add(lane)
        Bun.connect<Lane>({
          hostname: target.host,
          port: target.port,
          data: back,
          socket: {
            ...handlers,
            open(upstream) {
              back.from = upstream
              there.to = upstream
              there.move()
            },
          },
        }).catch(() => client.terminate())
      },
    },
  })
  const rouse = () => {
    for (const lane of lanes) lane.move()
  }
  const refuse = () => {
    for (const lane of lanes) lane.cut('now')
    server.stop(true)
  }
  return {
    port: server.port,
    get taken() {
      return taken
    },
    get open() {
      // Each connection has two directions.
      return lanes.size / 2
    },
    get held() {
      return [...lanes].reduce((sum, { held }) => sum + held, 0)
    },
    stall() {
      state.stalled = true
    },
    flow() {
      state.stalled = false
      rouse()
    },
    forget() {
      for (const lane of lanes) lane.isForgotten = true
      state.stalled = false
    },
    delay(milliseconds) {
      state.delay = milliseconds
    },
    cut(where) {
      for (const lane of lanes) lane.cut(where)
    },
    to: (database) => ({ ...database, url: withPort(database.url, server.port) }),
    refuse,
    async [Symbol.asyncDispose]() {
      refuse()
    },
  }
}

export function withPort(url: string, port: number): string {
  return url.replace(/:\d+\//, `:${port}/`)
}

/** One direction of one connection. */
class Lane {
  from: Socket | undefined
  to: Socket | undefined
  /** The other direction. */
  back!: Lane
  isForgotten = false
  readonly #pieces: { at: number; bytes: Buffer }[] = []
  #onTheWay = 0
  #isPaused = false
  #cutWithin = false
  #isOver = false
  #timer: NodeJS.Timeout | undefined

  constructor(readonly state: State) {}

  get held(): number {
    return this.#onTheWay
  }

  take(bytes: Buffer) {
    // The system reuses its buffer.
    this.#pieces.push({ at: performance.now() + this.state.delay, bytes: Buffer.from(bytes) })
    this.#onTheWay += bytes.length
    if (this.#onTheWay > mostOnTheWay && !this.#isPaused) {
      this.#isPaused = true
      this.from?.pause()
    }
    this.move()
  }

  /** The sender has ended. */
  end() {
    this.#isOver = true
    this.move()
  }

  cut(where: 'now' | 'within') {
    if (where === 'within') {
      this.#cutWithin = true
      return
    }
    this.#pieces.length = 0
    this.from?.terminate()
    this.to?.terminate()
  }

  move() {
    if (this.state.stalled || this.isForgotten || !this.to) return
    for (let next = this.#pieces[0]; next; next = this.#pieces[0]) {
      const wait = next.at - performance.now()
      if (wait > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined
          this.move()
        }, wait)
        return
      }
      const bytes = this.#cutWithin ? next.bytes.subarray(0, Math.ceil(next.bytes.length / 2)) : next.bytes
      const taken = Math.max(0, this.to.write(bytes))
      if (this.#cutWithin) {
        this.to.flush()
        return this.cut('now')
      }
      this.#onTheWay -= taken
      // `drain` is called when there is room again.
      if (taken < next.bytes.length) {
        next.bytes = next.bytes.subarray(taken)
        return
      }
      this.#pieces.shift()
    }
    if (this.#isPaused && this.#onTheWay <= mostOnTheWay) {
      this.#isPaused = false
      this.from?.resume()
    }
    if (this.#isOver) this.to.end()
  }
}
