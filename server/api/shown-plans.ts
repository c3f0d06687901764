// The plans that were shown last, so that their statements can be read without planning again.
import type { Plan } from '../migrate/plan/types.ts'

/** With the newest plan, which is kept whatever its size. */
const mostSteps = 60_000
const mostPlans = 4
const keptForMs = 15 * 60_000

export class ShownPlans {
  /** The newest last. */
  readonly #plans = new Map<string, { plan: Plan; timer: NodeJS.Timeout }>()

  keep(digest: string, plan: Plan) {
    this.#forget(digest)
    const timer = setTimeout(() => this.#forget(digest), keptForMs)
    timer.unref()
    this.#plans.set(digest, { plan, timer })
    const size = () => [...this.#plans.values()].reduce((sum, { plan: { steps } }) => sum + steps.length, 0)
    for (const oldest of this.#plans.keys()) {
      if (this.#plans.size === 1 || (this.#plans.size <= mostPlans && size() <= mostSteps)) break
      this.#forget(oldest)
    }
  }

  find(digest: string): Plan | undefined {
    return this.#plans.get(digest)?.plan
  }

  #forget(digest: string) {
    clearTimeout(this.#plans.get(digest)?.timer)
    this.#plans.delete(digest)
  }
}
