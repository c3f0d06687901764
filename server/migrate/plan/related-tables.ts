// Tables that can only be emptied together, since foreign keys between them stay enforced while rows are copied: one
// step copies all of them in one transaction, so that all old rows stay until the new ones are committed.
import type { TableFacts } from '../../catalog/tables.ts'
import type { PlanBuilder } from './builder.ts'
import { wholeParts } from './copy-work.ts'
import type { RowStrategy } from './row-strategy.ts'
import type { Step, TogetherWork } from './step.ts'
import { emptyingOf } from './truncate.ts'
import type { Replaced } from './truncates.ts'
import type { CreatedTables } from './types.ts'

interface Group {
  step: Step | undefined
  members: { table: TableFacts; strategy: RowStrategy }[]
}

export class RelatedTableSteps {
  readonly #groups = new Map<Replaced, Group>()

  constructor(
    readonly builder: PlanBuilder,
    readonly created: CreatedTables,
    readonly ready: Step,
  ) {}

  get isUsed(): boolean {
    return [...this.#groups.values()].some(({ members }) => members.length > 1)
  }

  add(replaced: Replaced, table: TableFacts, strategy: RowStrategy) {
    const group = this.#groups.get(replaced)
    if (group) group.members.push({ table, strategy })
    else this.#groups.set(replaced, { step: undefined, members: [{ table, strategy }] })
  }

  /** Created on first use, so that it comes before the steps of its tables; undefined for a single table. */
  stepOf(replaced: Replaced): Step | undefined {
    const group = this.#groups.get(replaced)
    if (!group || group.members.length < 2) return undefined
    group.step ??= this.#make(replaced, group)
    return group.step
  }

  /** Called when the order of the tables by foreign keys is known. */
  complete(byTable: ReadonlyMap<number, Step>) {
    for (const [replaced, { step, members }] of this.#groups) {
      if (step?.work.kind !== 'copy together') continue
      const sorted = inOrder(members, ({ table }) => byTable.get(table.oid) as Step)
      const parts = sorted.flatMap(({ table, strategy }) => wholeParts(this.builder, table, strategy))
      const [first, ...others] = parts
      if (!first) continue
      step.work.tables = sorted.map(({ table: { schema, name } }) => ({ schema, name }))
      step.work.parts = [{ ...first, empties: emptyingOf(replaced, this.builder.asReplica) }, ...others]
    }
  }

  #make({ tables, byDelete, all }: Replaced, { members }: Group): Step {
    const needs = members.flatMap(({ table }) => this.created.steps.get(table.oid)?.id ?? [])
    const bytes = members.reduce((sum, { table }) => sum + table.bytes, 0)
    const work: TogetherWork = {
      kind: 'copy together',
      tables: [],
      into: all.map(({ schema, name }) => ({ schema, name })),
      parts: [],
      bytes,
      replaces: { tables, byDelete },
    }
    return this.builder.add({ phase: 'data', kind: 'RELATED ROWS', name: `${members.length} tables` }, work, {
      pool: 'copy',
      weight: bytes,
      needs,
      after: [this.ready.id],
    })
  }
}

/** Each after the steps that it has to wait for. Cycles were broken when the dependencies were collected. */
function inOrder<Member>(members: readonly Member[], stepOf: (member: Member) => Step): Member[] {
  const byId = new Map(members.map((member) => [stepOf(member).id, member]))
  const sorted = new Set<Member>()
  const visit = (member: Member) => {
    if (sorted.has(member)) return
    for (const id of stepOf(member).after) {
      const before = byId.get(id)
      if (before) visit(before)
    }
    sorted.add(member)
  }
  for (const member of members) visit(member)
  return [...sorted]
}
