// Speeds over the time of a run, in bounded memory: when it is full, two points are merged into one.
import { type Static, Type } from '@sinclair/typebox'

/** Three lists of the same length. */
export const Speeds = Type.Object({
  seconds: Type.Array(Type.Number()),
  rows_per_second: Type.Array(Type.Number()),
  bytes_per_second: Type.Array(Type.Number()),
})
export type Speeds = Static<typeof Speeds>

export interface Speed {
  elapsed_seconds: number
  rows_per_second: number
  bytes_per_second: number
  running: boolean
}

/** A plot is a few hundred pixels wide. */
const capacity = 300

export class Curve {
  readonly #lists: Speeds

  constructor(known: Speeds = { seconds: [], rows_per_second: [], bytes_per_second: [] }) {
    const { seconds, rows_per_second, bytes_per_second } = known
    this.#lists = {
      seconds: [...seconds],
      rows_per_second: [...rows_per_second],
      bytes_per_second: [...bytes_per_second],
    }
  }

  get speeds(): Speeds {
    return this.#lists
  }

  get length(): number {
    return this.#lists.seconds.length
  }

  add({ elapsed_seconds, rows_per_second, bytes_per_second, running }: Speed) {
    const { seconds } = this.#lists
    if (!running || elapsed_seconds <= (seconds.at(-1) ?? -1)) return
    seconds.push(elapsed_seconds)
    this.#lists.rows_per_second.push(Math.round(rows_per_second))
    this.#lists.bytes_per_second.push(Math.round(bytes_per_second))
    if (seconds.length > capacity) this.#halve()
  }

  #halve() {
    for (const list of Object.values(this.#lists)) {
      const kept = list.length >> 1
      for (let index = 0; index < kept; index++) {
        list[index] = ((list[2 * index] ?? 0) + (list[2 * index + 1] ?? 0)) / 2
      }
      list.length = kept
    }
  }
}
