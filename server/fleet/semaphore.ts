// So many at a time, first come, first served.
export class Turns {
  #taken = 0
  readonly #waiting: (() => void)[] = []

  constructor(readonly most: number) {}

  async hold<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#taken >= this.most) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#taken++
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // The turn passes to whoever waits.
      if (next) next()
      else this.#taken--
    }
  }
}
