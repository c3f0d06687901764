// What the user wants of a running follower, and how it is told while it waits for something else.
import type { Lsn } from '../stream/lsn.ts'

export type Decision = 'retry' | 'skip' | 'stop'

export class Control {
  paused = false
  /** Everything up to here is applied, nothing behind it; then it ends. */
  stopAt: Lsn | undefined
  /** It ends with what is whole, as soon as possible. */
  stopping = false
  /** Rouses whatever is waiting; set by what waits. */
  onChange: () => void = () => {}
  #decision: PromiseWithResolvers<Decision> | undefined

  set(change: Partial<Pick<Control, 'paused' | 'stopAt' | 'stopping'>>) {
    Object.assign(this, change)
    if (this.stopping) this.decide('stop')
    this.onChange()
  }

  /** Until somebody decides what becomes of a conflict. */
  async decision(): Promise<Decision> {
    if (this.stopping) return 'stop'
    this.#decision = Promise.withResolvers<Decision>()
    const decision = await this.#decision.promise
    this.#decision = undefined
    return decision
  }

  /** False when nothing is waiting for a decision. */
  decide(decision: Decision): boolean {
    if (!this.#decision) return false
    this.#decision.resolve(decision)
    return true
  }

  /** Resolves early when something changes. */
  async sleep(milliseconds: number): Promise<void> {
    if (this.stopping) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, milliseconds)
    this.onChange = resolve
    await promise
    clearTimeout(timer)
  }
}
