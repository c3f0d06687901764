// A rate that all copy workers of a run keep together, and the flow of one worker under it.

/** Work of this long may be ahead of its time: timers are never quite on time. */
const toleranceMicroseconds = 20_000n
/** How much of a second passes at once; what a socket hands over is cut into pieces of this. */
const slicesPerSecond = 50
const smallestSlice = 1024
const largestSlice = 256 * 1024
const mostWaitMs = 1000

/** What the workers share: when the next byte may pass, in microseconds that all threads count from the same moment. */
export function sharedClock(): SharedArrayBuffer {
  return new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)
}

export class Throttle {
  readonly sliceBytes: number
  readonly #next: BigInt64Array

  constructor(
    readonly bytesPerSecond: number,
    clock: SharedArrayBuffer,
  ) {
    this.#next = new BigInt64Array(clock)
    const slice = Math.ceil(bytesPerSecond / slicesPerSecond)
    this.sliceBytes = Math.min(largestSlice, Math.max(smallestSlice, slice))
  }

  /** Takes the next free time for these bytes, in turn with all other workers; returns when it is over. */
  reserve(bytes: number): bigint {
    const cost = BigInt(Math.ceil((bytes / this.bytesPerSecond) * 1e6))
    for (;;) {
      const free = Atomics.load(this.#next, 0)
      const now = microseconds()
      // Time that nobody used is gone: a pause is not made up for by a burst.
      const isFree = free < now + toleranceMicroseconds
      const over = (isFree ? now + toleranceMicroseconds : free) + cost
      if (Atomics.compareExchange(this.#next, 0, free, over) === free) return over
    }
  }
}

/** Hands on the bytes of one worker, slice by slice, each when its time has come. */
export class ThrottledFlow {
  readonly #waiting: Buffer[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Of the first that waits. */
  #over: bigint | undefined
  #stopped = false

  constructor(
    readonly throttle: Throttle,
    readonly onBytes: (bytes: Buffer) => void,
    /** Whether there is anything left to hand on has changed. */
    readonly onTurn: () => void,
  ) {}

  /** While it is, the source should not send more. */
  get isBusy(): boolean {
    return this.#waiting.length > 0 || this.#timer !== undefined
  }

  push(chunk: Buffer) {
    if (this.#stopped) return
    this.#waiting.push(chunk)
    if (this.#timer === undefined) this.#flow()
    this.onTurn()
  }

  stop() {
    this.#stopped = true
    this.#waiting.length = 0
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #flow() {
    this.#timer = undefined
    for (;;) {
      const chunk = this.#waiting[0]
      if (!chunk) return this.onTurn()
      const slice = chunk.subarray(0, this.throttle.sliceBytes)
      this.#over ??= this.throttle.reserve(slice.length)
      const ahead = this.#over - toleranceMicroseconds - microseconds()
      if (ahead > 0n) {
        const wait = Math.min(mostWaitMs, Math.ceil(Number(ahead) / 1000))
        this.#timer = setTimeout(() => this.#flow(), wait)
        return
      }
      this.#over = undefined
      if (slice.length < chunk.length) this.#waiting[0] = chunk.subarray(slice.length)
      else this.#waiting.shift()
      this.onBytes(slice)
      if (this.#stopped) return
    }
  }
}

/** `process.hrtime` counts from the start of its thread: a worker that starts later would always be late. */
export function microseconds(): bigint {
  return BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1000))
}
