// Collects the steps of a plan and numbers them.

import type { StepInfo } from '../../../shared/event.ts'
import type { Hook, MigrationOptions } from '../../../shared/request.ts'
import type { RuleBook } from '../../../shared/rule-book.ts'
import type { Unfinished } from '../../store/run-memory.ts'
import { collectEach } from '../../system/collect-garbage.ts'
import type { Inventory } from '../inventory/types.ts'
import type { Sizes } from './sizes.ts'
import type { Step, Work } from './step.ts'
import type { PlanRequest } from './types.ts'

/** Shared by all steps with an empty list: there may be a hundred thousand. */
const none: readonly number[] = []

const noLocks: Step['locks'] = {}

const collectAfter = 15_000

/** Stores equal lists once. Most have one number, and the number of a table or its step is in many of them. */
class Shared {
  readonly #lists = new Map<number, readonly number[]>()
  readonly #locks = { shared: new Map<number, Step['locks']>(), exclusive: new Map<number, Step['locks']>() }

  list(ids: readonly number[]): readonly number[] {
    const [only] = ids
    if (only === undefined) return none
    if (ids.length > 1) return ids
    const known = this.#lists.get(only)
    if (!known) this.#lists.set(only, ids)
    return known ?? ids
  }

  locks({ shared = none, exclusive = none }: Step['locks']): Step['locks'] {
    if (shared.length + exclusive.length !== 1)
      return { shared: this.list(shared), exclusive: this.list(exclusive) }
    const mode = shared.length > 0 ? 'shared' : 'exclusive'
    const list = this.list(mode === 'shared' ? shared : exclusive)
    const [only] = list as [number]
    const known = this.#locks[mode].get(only) ?? { [mode]: list }
    this.#locks[mode].set(only, known)
    return known
  }
}

/** Collects steps and numbers them. The numbers are their order where no dependency decides. */
export class PlanBuilder {
  readonly steps: Step[] = []
  readonly warnings: string[] = []
  readonly #shared = new Shared()
  /** Steps that every later step needs: a hook, the drops at the beginning. */
  gate: readonly Step[] = []
  readonly options: MigrationOptions
  readonly rules: RuleBook
  readonly hooks: readonly Hook[]
  readonly resumed: Unfinished | undefined
  readonly rowsElsewhere: ReadonlySet<string>
  readonly leftOut: ReadonlySet<string>
  readonly asReplica: boolean

  constructor(
    readonly inventory: Inventory,
    request: PlanRequest,
    readonly sizes: Sizes,
  ) {
    this.options = request.options
    this.rules = request.rules
    this.hooks = request.hooks
    this.resumed = request.resumed
    this.rowsElsewhere = request.rowsElsewhere ?? new Set()
    this.leftOut = request.leftOut ?? new Set()
    const { disableFk, disableTriggers } = request.options
    this.asReplica = inventory.destination.mayReplicate && disableFk && disableTriggers
  }

  add(info: Omit<StepInfo, 'id'>, work: Work, rest: Partial<Omit<Step, 'id' | 'info' | 'work'>> = {}): Step {
    const id = this.steps.length + 1
    const step: Step = {
      id,
      info: { id, ...info },
      work,
      needs: none,
      after: none,
      pool: 'none',
      weight: 0,
      locks: noLocks,
      ...rest,
    }
    if (this.gate.length > 0) step.needs = [...this.gate.map((one) => one.id), ...step.needs]
    step.needs = this.#shared.list(step.needs)
    step.after = this.#shared.list(step.after)
    step.locks = this.#shared.locks(step.locks)
    this.steps.push(step)
    // Planning many steps creates more garbage than the plan takes.
    collectEach(collectAfter, id)
    return step
  }

  /** Completes when all of these are over; fails when one of `needs` has failed. */
  barrier(name: string, waits: Partial<Pick<Step, 'needs' | 'after'>>): Step {
    return this.add({ phase: 'others', kind: 'BARRIER', name }, { kind: 'barrier' }, waits)
  }
}
