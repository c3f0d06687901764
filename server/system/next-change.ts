/** Lets any number of callers wait until a state changes the next time. Each then checks whether it is the one it needs. */
export class NextChange {
  #waiting: PromiseWithResolvers<void> | undefined

  get happened(): Promise<void> {
    this.#waiting ??= Promise.withResolvers<void>()
    return this.#waiting.promise
  }

  notify() {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve()
  }
}
