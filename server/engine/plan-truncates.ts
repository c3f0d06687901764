// Which tables of the destination are emptied together, and how: TRUNCATE wants all tables that refer to those
// that it empties, and takes partitions that are referred to only with their whole tree.
import { showName, type TableName } from '../../shared/phase.ts'
import type { ExistingTable } from '../catalog/existing.ts'
import type { ExistingForeignKey } from '../catalog/existing-foreign-keys.ts'
import { tableKey } from '../catalog/tables.ts'
import type { PartitionTree } from '../catalog/trees.ts'
import type { PlanBuilder } from './plan.ts'
import type { EmptiedTable, Step } from './step.ts'

/** Where a table's rows are emptied, or why they cannot be. */
export type Emptied = { step: Step } | { refused: string }

/** A table, or those of a partitioned one that are emptied: foreign keys may point at any level of it. */
interface Unit {
  tables: ExistingTable[]
  /** Set when its tables are all that hang below it. */
  tree: TableName | undefined
  isWhole: boolean
  pointing: ExistingForeignKey[]
  /** It has a foreign key itself. */
  refers: boolean
}

/** By `tableKey`. */
export function planTruncates(
  builder: PlanBuilder,
  tables: readonly ExistingTable[],
  after: readonly Step[],
): Map<string, Emptied> {
  const outcome = new Map<string, Emptied>()
  // One that looks empty may get rows before its turn comes: as soon as any is emptied, all are.
  if (!tables.some(({ hasRows }) => hasRows)) return outcome
  const { inventory, options } = builder
  const released = options.disableFk && !builder.asReplica
  const inForce = inventory.foreignKeys.filter((key) => !(released && key.owned))
  const unitOf = unitsOf(tables, inventory.trees)
  for (const key of inForce) {
    unitOf.get(tableKey(key.referenced))?.pointing.push(key)
    const referring = unitOf.get(tableKey(key.table))
    if (referring) referring.refers = true
  }
  const units = new Set(unitOf.values())
  const truncatable = chooseTruncatable(units, (key) => unitOf.get(tableKey(key.table)))
  for (const group of relatedGroups(units, inForce, unitOf)) {
    const truncated: EmptiedTable[] = []
    const deleted: TableName[] = []
    for (const unit of group) {
      // A key that acts on rows which are not emptied themselves.
      const acting = unit.pointing.find((key) => key.deleteActs && !unitOf.get(tableKey(key.table)))
      if (truncatable.has(unit)) truncated.push(...truncatedBy(unit))
      else if (unit.pointing.length === 0) truncated.push(...unit.tables.map(named))
      else if (builder.asReplica || !acting) deleted.push(...unit.tables.map(named))
      else {
        const refused = `deleting its rows would change ${showName(acting.table)} (foreign key "${acting.name}"), which is not part of this run`
        for (const table of unit.tables) outcome.set(tableKey(table), { refused })
      }
    }
    const emptied = [...truncated.map(named), ...deleted]
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

/** By each name under which a foreign key may know it. */
function unitsOf(tables: readonly ExistingTable[], trees: readonly PartitionTree[]): Map<string, Unit> {
  const byKey = new Map(tables.map((table) => [tableKey(table), table]))
  const unitOf = new Map<string, Unit>()
  for (const { schema, name, members } of trees) {
    const mine = members.flatMap((member) => byKey.get(tableKey(member)) ?? [])
    if (mine.length === 0) continue
    const isWhole = members.every((member) => !member.leaf || (member.plain && byKey.has(tableKey(member))))
    const unit: Unit = { tables: mine, tree: { schema, name }, isWhole, pointing: [], refers: false }
    for (const member of members) unitOf.set(tableKey(member), unit)
  }
  for (const [key, table] of byKey) {
    if (!unitOf.has(key))
      unitOf.set(key, { tables: [table], tree: undefined, isWhole: true, pointing: [], refers: false })
  }
  return unitOf
}

/** Whole units of which all that refer to them are such as well. */
function chooseTruncatable(
  units: ReadonlySet<Unit>,
  referring: (key: ExistingForeignKey) => Unit | undefined,
): Set<Unit> {
  const chosen = new Set([...units].filter(({ isWhole }) => isWhole))
  for (let isSettled = false; !isSettled; ) {
    isSettled = true
    for (const unit of chosen) {
      const isCovered = unit.pointing.every((key) => {
        const other = referring(key)
        return other !== undefined && chosen.has(other)
      })
      if (isCovered) continue
      chosen.delete(unit)
      isSettled = false
    }
  }
  return chosen
}

/** The tree stands for its partitions only where a foreign key wants it: locking less is better. */
function truncatedBy({ tables, tree, isWhole, pointing, refers }: Unit): EmptiedTable[] {
  const asTree = isWhole && (pointing.length > 0 || refers)
  return tables.map((table) => ({ ...named(table), ...(tree && asTree && { tree }) }))
}

function named({ schema, name }: TableName): TableName {
  return { schema, name }
}

/** Units that foreign keys tie together, directly or over others. */
function relatedGroups(
  units: ReadonlySet<Unit>,
  foreignKeys: readonly ExistingForeignKey[],
  unitOf: ReadonlyMap<string, Unit>,
): Unit[][] {
  const leader = new Map<Unit, Unit>()
  const find = (unit: Unit): Unit => {
    let top = unit
    for (let above = leader.get(top); above !== undefined; above = leader.get(top)) top = above
    return top
  }
  for (const { table, referenced } of foreignKeys) {
    const [one, other] = [unitOf.get(tableKey(table)), unitOf.get(tableKey(referenced))]
    if (!one || !other) continue
    const [top, otherTop] = [find(one), find(other)]
    if (top !== otherTop) leader.set(top, otherTop)
  }
  const groups = new Map<Unit, Unit[]>()
  for (const unit of units) {
    const top = find(unit)
    const group = groups.get(top)
    if (group) group.push(unit)
    else groups.set(top, [unit])
  }
  return [...groups.values()]
}
