// Speed over the run's time, in bounded memory: when it is full, two points become one.
export interface Speed {
  elapsed_seconds: number
  rows_per_second: number
  bytes_per_second: number
  running: boolean
}

const capacity = 600

export class Curve {
  readonly seconds: number[] = []
  readonly rows: number[] = []
  readonly bytes: number[] = []

  add({ elapsed_seconds, rows_per_second, bytes_per_second, running }: Speed) {
    if (!running || elapsed_seconds <= (this.seconds.at(-1) ?? -1)) return
    this.seconds.push(elapsed_seconds)
    this.rows.push(rows_per_second)
    this.bytes.push(bytes_per_second)
    if (this.seconds.length > capacity) this.#halve()
  }

  #halve() {
    for (const list of [this.seconds, this.rows, this.bytes]) {
      const kept = list.length >> 1
      for (let index = 0; index < kept; index++) {
        list[index] = ((list[2 * index] ?? 0) + (list[2 * index + 1] ?? 0)) / 2
      }
      list.length = kept
    }
  }
}
