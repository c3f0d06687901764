// Limits how much work runs at a time, in the order of the requests.
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
      // The turn passes to the next waiting request.
      if (next) next()
      else this.#taken--
    }
  }
}
