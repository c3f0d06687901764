// What somebody wants of a running follower, and how it learns of it while it waits for something else.
import type { Lsn } from '../stream/lsn.ts'

export type Decision = 'retry' | 'skip' | 'stop'

export interface Intent {
  /** `stop`: it ends with what is whole, as soon as possible. */
  name: 'run' | 'pause' | 'stop'
  /** Everything up to here is applied, nothing behind it; then it ends. */
  stopAt: Lsn | undefined
}

export type Command = 'pause' | 'resume' | 'stop' | { stopAt: Lsn }

/** A stop is final. A position to stop at outlasts a pause, and ends one. */
export function nextIntent({ name, stopAt }: Intent, command: Command): Intent {
  if (typeof command === 'object') return { name: name === 'stop' ? name : 'run', stopAt: command.stopAt }
  if (name === 'stop' || command === 'stop') return { name: 'stop', stopAt }
  return { name: command === 'pause' ? 'pause' : 'run', stopAt }
}

export class Control {
  #intent: Intent = { name: 'run', stopAt: undefined }
  /** Rouses whatever is waiting; set by what waits. */
  onChange: () => void = () => {}
  #decision: PromiseWithResolvers<Decision> | undefined

  get intent(): Intent {
    return this.#intent
  }

  give(command: Command) {
    this.#intent = nextIntent(this.#intent, command)
    if (this.#intent.name === 'stop') this.decide('stop')
    this.onChange()
  }

  /** Until somebody decides what becomes of a conflict. */
  async decision(): Promise<Decision> {
    if (this.#intent.name === 'stop') return 'stop'
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
    if (this.#intent.name === 'stop') return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, milliseconds)
    this.onChange = resolve
    await promise
    clearTimeout(timer)
  }
}
