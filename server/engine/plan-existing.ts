// The steps that make room on the destination and put it back in order: objects to drop, rows to delete,
// foreign keys and triggers that must not act on the copied rows.
import { showName, type TableName } from '../../shared/phase.ts'
import type { ExistingForeignKey, ExistingTable } from '../catalog/existing.ts'
import { tableKey } from '../catalog/tables.ts'
import { firingTriggers, relatedGroups } from './foreign-keys.ts'
import type { PlanBuilder } from './plan.ts'
import type { Step } from './step.ts'

/** A table that the destination has and that gets rows, with the step that copies them. */
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

/** Before any row arrives: triggers and, where our session may not ignore them, foreign keys go. */
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
  const mine = triggers.filter((table) => owned.get(tableKey(table)))
  for (const table of triggers.filter((one) => !owned.get(tableKey(one)))) {
    const names = table.triggers.map(({ name }) => `"${name}"`).join(', ')
    warnings.push(
      `${showName(table)}: triggers ${names} will fire for the copied rows: "${inventory.destination.user}" does not own the table`,
    )
  }
  const away = options.disableFk && !asReplica ? inventory.foreignKeys : []
  for (const key of away.filter((one) => !one.owned)) {
    warnings.push(
      `foreign key ${nameOf(key)} applies to the copied rows: "${inventory.destination.user}" does not own its table`,
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

/** Behind all rows, however they ended. */
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

/** Where a table's rows are emptied, or why they cannot be. */
export type Emptied = { step: Step } | { refused: string }

/** Tables that are there are emptied together with those that refer to them. By `tableKey`. */
export function planTruncates(
  builder: PlanBuilder,
  tables: readonly { there: ExistingTable; root: TableName | undefined }[],
  after: readonly Step[],
): Map<string, Emptied> {
  const { inventory, options } = builder
  const outcome = new Map<string, Emptied>()
  const released = options.disableFk && !builder.asReplica
  const inForce = inventory.foreignKeys.filter((key) => !(released && key.owned))
  const inPlan = new Set(tables.map(({ there }) => tableKey(there)))
  // One that looks empty may get rows before its turn comes: as soon as any is emptied, all are.
  if (!tables.some(({ there }) => there.hasRows)) return outcome
  for (const group of relatedGroups(tables, inForce)) {
    const truncated: TableName[] = []
    const deleted: TableName[] = []
    for (const { there, root } of group) {
      const pointing = inForce.filter(({ referenced }) =>
        [there, root].some((table) => table && tableKey(table) === tableKey(referenced)),
      )
      // TRUNCATE takes a table together with what refers to it, but no partitions without their parent.
      const together = !root && pointing.every((key) => inPlan.has(tableKey(key.table)))
      const acting = pointing.find((key) => key.deleteActs && !inPlan.has(tableKey(key.table)))
      if (together) truncated.push(named(there))
      else if (builder.asReplica || !acting) deleted.push(named(there))
      else {
        outcome.set(tableKey(there), {
          refused: `deleting its rows would change ${showName(acting.table)} (foreign key "${acting.name}"), which is not part of this run`,
        })
      }
    }
    const emptied = [...truncated, ...deleted]
    const [first] = emptied
    if (!first) continue
    const step = builder.add(
      emptied.length === 1
        ? { phase: 'tables', kind: 'TRUNCATE', ...first, table: first }
        : { phase: 'tables', kind: 'TRUNCATE', name: `${emptied.length} related tables` },
      { kind: 'truncate', tables: truncated, byDelete: deleted },
      { pool: 'build', after: after.map(({ id }) => id) },
    )
    for (const table of emptied) outcome.set(tableKey(table), { step })
  }
  return outcome
}

/** Foreign keys stay in force: what is referred to is copied first. Circles are said, and left to the server. */
export function orderByForeignKeys(builder: PlanBuilder, filled: readonly Filled[]) {
  const { inventory, warnings } = builder
  const rowsOf = new Map(filled.map(({ there, rows }) => [tableKey(there), rows]))
  const parents = new Map<Step, { step: Step; key: ExistingForeignKey }[]>()
  for (const key of inventory.foreignKeys) {
    const [child, parent] = [rowsOf.get(tableKey(key.table)), rowsOf.get(tableKey(key.referenced))]
    if (!child || !parent || child === parent) continue
    const list = parents.get(child) ?? []
    list.push({ step: parent, key })
    parents.set(child, list)
  }
  const finished = new Set<Step>()
  const visit = (step: Step, above: Set<Step>) => {
    if (finished.has(step)) return
    above.add(step)
    const before: number[] = []
    for (const { step: parent, key } of parents.get(step) ?? []) {
      if (above.has(parent)) {
        warnings.push(
          `foreign keys go in a circle: ${nameOf(key)} is in force while its tables are copied, and rows may be refused`,
        )
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
}

function named({ schema, name }: ExistingTable): TableName {
  return { schema, name }
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
