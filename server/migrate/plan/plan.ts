// From what both databases hold to the ordered steps of a run: pure, so that a dry run shows the truth.

import type { StepInfo } from '../../../shared/event.ts'
import type { TableName } from '../../../shared/phase.ts'
import type { Hook, MigrationOptions } from '../../../shared/request.ts'
import type { RuleBook } from '../../../shared/rule-book.ts'
import { tableKey } from '../../catalog/tables.ts'
import type { Unfinished } from '../../store/run-memory.ts'
import type { Inventory } from '../inventory.ts'
import { markDone } from '../resume.ts'
import { chooseSizes, type Sizes } from '../sizes.ts'
import { planDrop } from './existing.ts'
import { planHooks } from './hooks.ts'
import { findGaps } from './missing-prerequisites.ts'
import { planRows, type RowSteps } from './rows.ts'
import { planSchema } from './schema.ts'
import type { Step, Work } from './step.ts'

export interface Plan {
  steps: Step[]
  sizes: Sizes
  /** All that is lost on the destination: tables that are emptied, also those that look empty now, and what is dropped. */
  destroyed: Destroyed[]
  /** What a person should read before the run starts. */
  warnings: string[]
  tables: PlannedRows[]
  /** Copied rows pass the destination's triggers and foreign keys unseen, because our sessions are a replica's. */
  asReplica: boolean
}

export interface Destroyed {
  action: 'truncate' | 'drop'
  /** Of what is dropped: `table`, `view`, `table constraint`. */
  kind?: string
  schema?: string
  name: string
  /** Why it goes, when it was not named itself. */
  because?: string
}

export interface PlannedRows {
  schema: string
  name: string
  rows: number
  bytes: number
  /** `fill` a new or emptied table, or add to one that has rows. */
  mode: 'fill' | 'append' | 'upsert' | 'done'
  where?: string
  /** Another table of the destination, or one that is partitioned there in another way. */
  into?: TableName
  /** Columns that do not just go to the one of their name: `old -> new`, `tenant = 'a'`, `without secret`. */
  mapping?: string[]
}

export interface PlanRequest {
  options: MigrationOptions
  rules: RuleBook
  hooks: readonly Hook[]
  /** The run that is gone on with. */
  resumed?: Unfinished | undefined
  /** Tables, by `tableKey`, whose rows come by another way. */
  rowsElsewhere?: ReadonlySet<string> | undefined
}

/** Steps without any share these: there may be a hundred thousand. */
const none: readonly number[] = []
const noLocks: Step['locks'] = {}

const cleanAfter = 15_000

/** Most lists have one number, and that of a table or its step is in many: each such list is kept once. */
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

/** Collects steps and hands out their numbers, which are also their order where nothing else decides. */
export class PlanBuilder {
  readonly steps: Step[] = []
  readonly warnings: string[] = []
  readonly #shared = new Shared()
  /** What every step from here on needs: a hook, the objects that are dropped first. */
  gate: readonly Step[] = []
  readonly options: MigrationOptions
  readonly rules: RuleBook
  readonly hooks: readonly Hook[]
  readonly resumed: Unfinished | undefined
  readonly rowsElsewhere: ReadonlySet<string>
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
    // Making a plan of many steps leaves more behind than the plan takes.
    if (id % cleanAfter === 0) Bun.gc(true)
    return step
  }

  /** Over when all of these are; it has failed when one of `needs` has. */
  barrier(name: string, waits: Partial<Pick<Step, 'needs' | 'after'>>): Step {
    return this.add({ phase: 'others', kind: 'BARRIER', name }, { kind: 'barrier' }, waits)
  }
}

export function makePlan(inventory: Inventory, request: PlanRequest): Plan {
  const { options } = request
  const sizes = chooseSizes(inventory, options)
  const builder = new PlanBuilder(inventory, request, sizes)
  builder.warnings.push(...inventory.notes, ...findGaps(inventory, options))
  builder.gate = planHooks(builder, 'before', 'run', [])
  const drop = planDrop(builder)
  if (drop) builder.gate = [drop]
  let rows: RowSteps | undefined
  planSchema(builder, (created) => {
    rows = planRows(builder, created)
    return rows
  })
  builder.gate = []
  if (options.verify && rows && rows.tables.length > 0) {
    const after = builder.steps.map((step) => step.id)
    builder.add(
      { phase: 'verification', kind: 'VERIFY', name: 'rows on both servers' },
      { kind: 'verify' },
      { pool: 'build', after },
    )
  }
  planHooks(builder, 'after', 'run', [...builder.steps])
  if (builder.resumed?.left) markDone(builder.steps, builder.resumed.left)
  return {
    steps: builder.steps,
    sizes,
    warnings: builder.warnings,
    destroyed: builder.steps.flatMap(({ work }) => destroyedBy(work, builder.resumed)),
    tables: rows?.planned ?? [],
    asReplica: builder.asReplica,
  }
}

/** What an interrupted run has made or emptied itself is nobody's loss. */
function destroyedBy(work: Work, resumed: Unfinished | undefined): Destroyed[] {
  if ((work.kind === 'copy' || work.kind === 'copy together') && work.replaces) {
    const { tables, byDelete } = work.replaces
    return [...tables, ...byDelete]
      .filter((table) => !resumed?.own.has(tableKey(table)))
      .map(({ schema, name }) => ({ action: 'truncate', schema, name }))
  }
  if (work.kind !== 'drop') return []
  return [
    ...work.targets.map(({ type, identity }): Destroyed => ({ action: 'drop', kind: type, name: identity })),
    ...work.dependants.map(
      ({ type, identity }): Destroyed => ({
        action: 'drop',
        kind: type,
        name: identity,
        because: 'it depends on what is dropped, and is not made again',
      }),
    ),
  ]
}
