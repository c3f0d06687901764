// From what both databases hold to the ordered steps of a run: pure, so that a dry run shows the truth.

import type { StepInfo } from '../../shared/event.ts'
import type { MigrationOptions } from '../../shared/request.ts'
import { findGaps } from './gaps.ts'
import type { Inventory } from './inventory.ts'
import { planRows, type RowSteps } from './plan-rows.ts'
import { planSchema } from './plan-schema.ts'
import { chooseSizes, type Sizes } from './sizes.ts'
import type { Step, Work } from './step.ts'

export interface Plan {
  steps: Step[]
  sizes: Sizes
  /** Every table that will be emptied first, also those that look empty now. */
  destroyed: { action: 'truncate'; schema: string; name: string }[]
  /** What a person should read before the run starts. */
  warnings: string[]
  tables: { schema: string; name: string; rows: number; bytes: number }[]
}

/** Collects steps and hands out their numbers, which are also their order where nothing else decides. */
export class PlanBuilder {
  readonly steps: Step[] = []
  readonly warnings: string[] = []

  constructor(
    readonly inventory: Inventory,
    readonly options: MigrationOptions,
    readonly sizes: Sizes,
  ) {}

  add(info: Omit<StepInfo, 'id'>, work: Work, rest: Partial<Omit<Step, 'id' | 'info' | 'work'>> = {}): Step {
    const id = this.steps.length + 1
    const step: Step = {
      id,
      info: { id, ...info },
      work,
      needs: [],
      after: [],
      pool: 'none',
      weight: 0,
      locks: {},
      ...rest,
    }
    this.steps.push(step)
    return step
  }

  /** Over when all of these are; it has failed when one of `needs` has. */
  barrier(name: string, waits: Partial<Pick<Step, 'needs' | 'after'>>): Step {
    return this.add({ phase: 'others', kind: 'BARRIER', name }, { kind: 'barrier' }, waits)
  }
}

export function makePlan(inventory: Inventory, options: MigrationOptions): Plan {
  const sizes = chooseSizes(inventory, options)
  const builder = new PlanBuilder(inventory, options, sizes)
  builder.warnings.push(...findGaps(inventory, options))
  let rows: RowSteps | undefined
  planSchema(builder, (created) => {
    rows = planRows(builder, created)
    return rows
  })
  const copied = rows?.tables ?? []
  return {
    steps: builder.steps,
    sizes,
    warnings: builder.warnings,
    destroyed: builder.steps.flatMap(({ work }) =>
      work.kind === 'truncate' ? work.tables.map((table) => ({ action: 'truncate' as const, ...table })) : [],
    ),
    tables: copied
      .map((table) => ({
        schema: table.schema,
        name: table.name,
        rows: table.estimatedRows,
        bytes: table.bytes,
      }))
      .sort((a, b) => b.bytes - a.bytes),
  }
}
