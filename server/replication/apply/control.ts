// What users request of a running follower, and how a follower that waits is notified of it.
import { settledWithin } from '../../system/deadline.ts'
import type { Lsn } from '../stream/lsn.ts'

export type Decision = 'retry' | 'skip' | 'stop'

export interface Intent {
  /** `stop`: it ends as soon as possible, after a complete transaction. */
  name: 'run' | 'pause' | 'stop'
  /** Everything before this position is applied, and nothing after it. Then it ends. */
  stopAt: Lsn | undefined
}

export type Command = 'pause' | 'resume' | 'stop' | { stopAt: Lsn }

/** A stop is final. A position to stop at stays valid during a pause, and ends one. */
export function nextIntent({ name, stopAt }: Intent, command: Command): Intent {
  if (typeof command === 'object') return { name: name === 'stop' ? name : 'run', stopAt: command.stopAt }
  if (name === 'stop' || command === 'stop') return { name: 'stop', stopAt }
  return { name: command === 'pause' ? 'pause' : 'run', stopAt }
}

interface Turn {
  begin: PromiseWithResolvers<void>
  end: PromiseWithResolvers<void>
}

const restWithinMs = 2000
const longestRestMs = 1000

export class Control {
  #intent: Intent = { name: 'run', stopAt: undefined }
  /** Wakes the code that waits for requests, which sets it. */
  onChange: () => void = () => {}
  #decision: PromiseWithResolvers<Decision> | undefined
  readonly #turns = new Set<Turn>()

  get intent(): Intent {
    return this.#intent
  }

  give(command: Command) {
    this.#intent = nextIntent(this.#intent, command)
    if (this.#intent.name === 'stop') this.decide('stop')
    this.onChange()
  }

  /** Resolves with what the user decides about a conflict. */
  async decision(): Promise<Decision> {
    if (this.#intent.name === 'stop') return 'stop'
    this.#decision = Promise.withResolvers<Decision>()
    const decision = await this.#decision.promise
    this.#decision = undefined
    return decision
  }

  /** False when no conflict waits for a decision. */
  decide(decision: Decision): boolean {
    if (!this.#decision) return false
    this.#decision.resolve(decision)
    return true
  }

  /**
   * Runs the work while nothing of the stream is on its way to the destination: between two transactions, and for a
   * moment. Where that does not come in time, or the work takes longer, changes flow meanwhile.
   */
  async whileAtRest<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn: Turn = { begin: Promise.withResolvers<void>(), end: Promise.withResolvers<void>() }
    this.#turns.add(turn)
    this.onChange()
    try {
      await settledWithin(turn.begin.promise, restWithinMs)
      return await work()
    } finally {
      this.#turns.delete(turn)
      turn.end.resolve()
    }
  }

  get hasTurns(): boolean {
    return this.#turns.size > 0
  }

  /** To be called at rest. */
  async takeTurns() {
    const turns = [...this.#turns]
    this.#turns.clear()
    for (const { begin } of turns) begin.resolve()
    await settledWithin(Promise.all(turns.map(({ end }) => end.promise)), longestRestMs)
  }

  /** Resolves early when a request arrives. */
  async sleep(milliseconds: number): Promise<void> {
    if (this.#intent.name === 'stop') return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, milliseconds)
    this.onChange = resolve
    await promise
    clearTimeout(timer)
  }
}
