// A rate limit that all copy workers of a run share, and the data flow of one worker under it.

/** Data may be passed on this much early, because timers fire late. */
const toleranceMicroseconds = 20_000n
/** Data is passed on in slices of at most this part of a second. */
const slicesPerSecond = 50
const smallestSlice = 1024
const largestSlice = 256 * 1024
const mostWaitMs = 1000

/**
 * The state that the workers share: when the next byte may be passed on, in microseconds since a moment that is the
 * same for all threads.
 */
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

  /** Reserves the next free time for these bytes, in order with all other workers. Returns the end of that time. */
  reserve(bytes: number): bigint {
    const cost = BigInt(Math.ceil((bytes / this.bytesPerSecond) * 1e6))
    for (;;) {
      const free = Atomics.load(this.#next, 0)
      const now = microseconds()
      // Unused time is lost: a pause does not allow a burst afterwards.
      const isFree = free < now + toleranceMicroseconds
      const over = (isFree ? now + toleranceMicroseconds : free) + cost
      if (Atomics.compareExchange(this.#next, 0, free, over) === free) return over
    }
  }
}

/** Passes on the data of one worker, each slice at its time. */
export class ThrottledFlow {
  readonly #waiting: Buffer[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  /** The end of the time reserved for the first slice that waits. */
  #over: bigint | undefined
  #stopped = false

  constructor(
    readonly throttle: Throttle,
    readonly onBytes: (bytes: Buffer) => void,
    /** Called when `isBusy` has changed. */
    readonly onChange: () => void,
  ) {}

  /** As long as it is true, the source should not send more. */
  get isBusy(): boolean {
    return this.#waiting.length > 0 || this.#timer !== undefined
  }

  push(chunk: Buffer) {
    if (this.#stopped) return
    this.#waiting.push(chunk)
    if (this.#timer === undefined) this.#flow()
    this.onChange()
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
      if (!chunk) return this.onChange()
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

/** `process.hrtime` counts from the start of its thread, so it differs between workers. */
export function microseconds(): bigint {
  return BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1000))
}
