// The steps for existing objects of the destination: objects to drop, and foreign keys and triggers to suspend and
// restore.
import { say } from '../../../shared/say.ts'
import { showName, tableKey } from '../../../shared/table-name.ts'
import type { ExistingTable, TriggersOf } from '../../catalog/existing.ts'
import type { ExistingForeignKey } from '../../catalog/existing-foreign-keys.ts'
import type { PartitionTree } from '../../catalog/trees.ts'
import type { PlanBuilder } from './builder.ts'
import { firingTriggers } from './foreign-keys.ts'
import type { Step } from './step.ts'

/** A table that the destination has and that is filled, with the step that copies its rows. */
export interface Filled {
  there: ExistingTable
  rows: Step
}

export function planDrop(builder: PlanBuilder): Step | undefined {
  const { targets, dependants } = builder.inventory.drops
  if (targets.length === 0) return undefined
  return builder.add(
    { phase: 'others', kind: 'DROP', name: `${targets.length} objects of the destination` },
    { kind: 'drop', targets, dependants },
    { pool: 'ddl' },
  )
}

/** Before rows are copied, triggers and, where the session cannot disable them, foreign keys are suspended. */
export function planRelease(
  builder: PlanBuilder,
  tables: readonly ExistingTable[],
  after: Step,
): Step | undefined {
  const { inventory, options } = builder
  if (tables.length === 0) return undefined
  const asReplica = builder.asReplica
  const { warnings } = builder
  const triggers = options.disableTriggers ? firingTriggers(tables, asReplica) : []
  const owned = new Map(tables.map((table) => [tableKey(table), table.owned]))
  const { user, superuser } = inventory.destination
  const fires = (table: TriggersOf, some: TriggersOf['triggers'], reason: string) => {
    if (some.length === 0) return
    const names = some.map(({ name }) => `"${name}"`).join(', ')
    warnings.push(say`${showName(table)}: triggers ${names} will fire for the copied rows: ${reason}`)
  }
  const mine: TriggersOf[] = []
  for (const table of triggers) {
    if (!owned.get(tableKey(table))) {
      fires(table, table.triggers, say`"${user}" does not own the table`)
      continue
    }
    const fixed = table.triggers.filter(({ system }) => system && !superuser)
    fires(
      table,
      fixed,
      say`before PostgreSQL 13 only a superuser may disable triggers that a partition inherits from its parent`,
    )
    const rest = table.triggers.filter((trigger) => !fixed.includes(trigger))
    if (rest.length > 0) mine.push({ ...table, triggers: rest })
  }
  const away = options.disableFk && !asReplica ? inventory.foreignKeys : []
  for (const key of away.filter((one) => !one.owned)) {
    warnings.push(
      key.mine
        ? say`foreign key ${nameOf(key)} applies to the copied rows: "${user}" may not create it again (grant references on ${showName(key.referenced)})`
        : say`foreign key ${nameOf(key)} applies to the copied rows: "${user}" does not own its table`,
    )
  }
  const foreignKeys = away.filter((key) => key.owned)
  if (mine.length === 0 && foreignKeys.length === 0) return undefined
  return builder.add(
    { phase: 'constraints', kind: 'RELEASE', name: namesOf(foreignKeys.length, mine.length) },
    { kind: 'release', foreignKeys, triggers: mine },
    { pool: 'ddl', after: [after.id] },
  )
}

/** After all rows, also when their copy failed. */
export function planRestore(builder: PlanBuilder, release: Step | undefined, rows: readonly Step[]): Step[] {
  const { inventory, options } = builder
  const after = rows.map((step) => step.id)
  const steps: Step[] = []
  if (release) {
    steps.push(
      builder.add(
        { phase: 'constraints', kind: 'RESTORE', name: release.info.name },
        { kind: 'restore' },
        { pool: 'ddl', after: [release.id, ...after] },
      ),
    )
  }
  if (!options.disableFk || !builder.asReplica || options.schemaOnly) return steps
  for (const foreignKey of inventory.foreignKeys) {
    if (!foreignKey.validated || foreignKey.temporal) continue
    const { schema } = foreignKey.table
    steps.push(
      builder.add(
        {
          phase: 'constraints',
          kind: 'CHECK FOREIGN KEY',
          schema,
          name: foreignKey.name,
          table: foreignKey.table,
        },
        { kind: 'check', foreignKey },
        { pool: 'build', after },
      ),
    )
  }
  return steps
}

/** Foreign keys stay enforced: referenced tables are copied first. Cycles are reported, and the server checks them. */
export function orderByForeignKeys(builder: PlanBuilder, filled: readonly Filled[]) {
  const { inventory, warnings } = builder
  const rowsOf = rowsByName(filled, inventory.trees)
  const parents = new Map<Step, { step: Step; key: ExistingForeignKey }[]>()
  const inForce = inventory.foreignKeys.filter((key) => !builder.options.disableFk || !key.owned)
  for (const key of inForce) {
    for (const child of rowsOf.get(tableKey(key.table)) ?? []) {
      for (const parent of rowsOf.get(tableKey(key.referenced)) ?? []) {
        if (child === parent) continue
        const list = parents.get(child) ?? []
        list.push({ step: parent, key })
        parents.set(child, list)
      }
    }
  }
  const finished = new Set<Step>()
  const circular = new Set<ExistingForeignKey>()
  const visit = (step: Step, above: Set<Step>) => {
    if (finished.has(step)) return
    above.add(step)
    const before: number[] = []
    for (const { step: parent, key } of parents.get(step) ?? []) {
      if (above.has(parent)) {
        circular.add(key)
        continue
      }
      visit(parent, above)
      before.push(parent.id)
    }
    step.after = [...step.after, ...before]
    above.delete(step)
    finished.add(step)
  }
  for (const { rows } of filled) visit(rows, new Set())
  for (const key of circular) {
    warnings.push(
      say`foreign keys form a cycle: ${nameOf(key)} is enforced while its tables are copied, and rows may be rejected`,
    )
  }
}

/** The rows of a partitioned table are copied by the steps of its partitions. */
function rowsByName(filled: readonly Filled[], trees: readonly PartitionTree[]): Map<string, Step[]> {
  const rowsOf = new Map<string, Step[]>()
  for (const { there, rows } of filled) {
    const known = rowsOf.get(tableKey(there))
    if (known) known.push(rows)
    else rowsOf.set(tableKey(there), [rows])
  }
  for (const { members } of trees) {
    const all = members.flatMap((member) => rowsOf.get(tableKey(member)) ?? [])
    for (const member of members) if (!member.leaf) rowsOf.set(tableKey(member), all)
  }
  return rowsOf
}

function nameOf({ table, name }: ExistingForeignKey): string {
  return `"${name}" of ${showName(table)}`
}

function namesOf(foreignKeys: number, tables: number): string {
  const parts = []
  if (foreignKeys > 0) parts.push(foreignKeys === 1 ? '1 foreign key' : `${foreignKeys} foreign keys`)
  if (tables > 0) parts.push(tables === 1 ? 'triggers of 1 table' : `triggers of ${tables} tables`)
  return parts.join(' and ')
}
