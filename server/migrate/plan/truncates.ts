// Which tables of the destination are emptied, how, and which of them only together. Each is emptied in the
// transaction that copies its new rows. TRUNCATE needs all tables that reference those that it empties, and accepts
// referenced partitions only with their whole tree. Where that is not possible, rows are deleted one by one.
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import type { ExistingTable } from '../../catalog/existing.ts'
import type { ExistingForeignKey } from '../../catalog/existing-foreign-keys.ts'
import type { PartitionTree } from '../../catalog/trees.ts'
import type { PlanBuilder } from './builder.ts'
import type { EmptiedTable, EmptiedTables } from './truncate.ts'

/** Tables that are emptied and filled in one transaction. */
export interface Replaced extends EmptiedTables {
  all: ExistingTable[]
}

/** How a table's rows are deleted, or why they cannot be. */
export type Emptied = { replaced: Replaced } | { refused: string }

/** A table, or the emptied tables of a partitioned one: foreign keys may refer to any level of it. */
interface Unit {
  tables: ExistingTable[]
  /** Set when its tables are the whole tree. */
  tree: TableName | undefined
  isWhole: boolean
  pointing: ExistingForeignKey[]
  /** It has a foreign key. */
  refers: boolean
}

/** By `tableKey`. Tables that enforced foreign keys connect share one `replaced`. */
export function planTruncates(builder: PlanBuilder, tables: readonly ExistingTable[]): Map<string, Emptied> {
  // An empty table may get rows before its copy: as soon as one table is emptied, all are.
  if (!tables.some(({ hasRows }) => hasRows)) return new Map()
  const { inventory, options } = builder
  const released = options.disableFk && !builder.asReplica
  const inForce = inventory.foreignKeys.filter((key) => !(released && key.owned))
  const unitOf = unitsOf(tables, inventory.trees)
  for (const key of inForce) {
    unitOf.get(tableKey(key.referenced))?.pointing.push(key)
    const referring = unitOf.get(tableKey(key.table))
    if (referring) referring.refers = true
  }
  const units = new Set(tables.flatMap((table) => unitOf.get(tableKey(table)) ?? []))
  // No foreign key is enforced in a replica's session: each table is replaced separately.
  if (builder.asReplica) return separately(units, unitOf)
  const outcome = new Map<string, Emptied>()
  const truncatable = chooseTruncatable(units, (key) => unitOf.get(tableKey(key.table)))
  for (const group of relatedGroups(units, inForce, unitOf)) {
    const [only] = group
    const isAlone =
      group.length === 1 && !only?.pointing.some((key) => unitOf.get(tableKey(key.table)) === only)
    const together = emptiedTogether(group, truncatable, unitOf)
    const emptied = isAlone ? separately(new Set(group), unitOf) : together
    for (const [key, one] of together) {
      outcome.set(key, 'refused' in one ? one : (emptied.get(key) ?? one))
    }
  }
  return outcome
}

/** Each table in a separate transaction. */
function separately(units: ReadonlySet<Unit>, unitOf: ReadonlyMap<string, Unit>): Map<string, Emptied> {
  const outcome = new Map<string, Emptied>()
  for (const unit of units) {
    for (const table of unit.tables) {
      const { rights, owned } = table
      const one = emptiedTable(table)
      const isFree = mayTruncate(table, unit, unitOf)
      if (isFree && (owned || rights.truncate))
        outcome.set(tableKey(table), { replaced: { tables: [one], byDelete: [], all: [table] } })
      else if (owned || rights.delete || !table.hasRows)
        outcome.set(tableKey(table), { replaced: { tables: [], byDelete: [one], all: [table] } })
      else {
        const refused = `its rows cannot be deleted: ${isFree ? '' : 'a foreign key references it, so TRUNCATE is not possible; '}grant delete on it on the destination`
        outcome.set(tableKey(table), { refused })
      }
    }
  }
  return outcome
}

/** TRUNCATE of one table is refused if another table, or another part of its tree, has a foreign key to it. */
function mayTruncate(
  table: ExistingTable,
  { pointing, tree, isWhole }: Unit,
  unitOf: ReadonlyMap<string, Unit>,
): boolean {
  if (pointing.length === 0) return true
  if (!tree) return pointing.every((key) => tableKey(key.table) === tableKey(table))
  const own = unitOf.get(tableKey(table))
  return table.partitioned && isWhole && pointing.every((key) => unitOf.get(tableKey(key.table)) === own)
}

function emptiedTogether(
  group: readonly Unit[],
  truncatable: ReadonlySet<Unit>,
  unitOf: ReadonlyMap<string, Unit>,
): Map<string, Emptied> {
  const outcome = new Map<string, Emptied>()
  const replaced: Replaced = { tables: [], byDelete: [], all: [] }
  for (const unit of group) {
    // A key that changes rows of a table that is not emptied itself.
    const acting = unit.pointing.find((key) => key.deleteActs && !unitOf.get(tableKey(key.table)))
    if (truncatable.has(unit)) replaced.tables.push(...truncatedBy(unit))
    else if (unit.pointing.length === 0 && hasRight(unit))
      replaced.tables.push(...unit.tables.map(emptiedTable))
    else if (!acting) replaced.byDelete.push(...unit.tables.map(emptiedTable))
    else {
      const refused = `deleting its rows would change ${showName(acting.table)} (foreign key "${acting.name}"), which is not part of this run`
      for (const table of unit.tables) outcome.set(tableKey(table), { refused })
      continue
    }
    replaced.all.push(...unit.tables)
  }
  for (const table of replaced.all) outcome.set(tableKey(table), { replaced })
  return outcome
}

/** By each name that a foreign key may refer to. */
function unitsOf(tables: readonly ExistingTable[], trees: readonly PartitionTree[]): Map<string, Unit> {
  const byKey = new Map(tables.map((table) => [tableKey(table), table]))
  const unitOf = new Map<string, Unit>()
  for (const { schema, name, members } of trees) {
    const mine = members.flatMap((member) => byKey.get(tableKey(member)) ?? [])
    if (mine.length === 0) continue
    const isTop = byKey.has(tableKey({ schema, name }))
    const isEmptied = (member: TableName) => isTop || byKey.has(tableKey(member))
    const isWhole = members.every((member) => !member.leaf || (member.plain && isEmptied(member)))
    const unit: Unit = { tables: mine, tree: { schema, name }, isWhole, pointing: [], refers: false }
    for (const member of members) unitOf.set(tableKey(member), unit)
  }
  for (const [key, table] of byKey) {
    if (!unitOf.has(key))
      unitOf.set(key, { tables: [table], tree: undefined, isWhole: true, pointing: [], refers: false })
  }
  return unitOf
}

/** Whole units that are referenced only by such units. */
function chooseTruncatable(
  units: ReadonlySet<Unit>,
  referring: (key: ExistingForeignKey) => Unit | undefined,
): Set<Unit> {
  const chosen = new Set([...units].filter((unit) => unit.isWhole && hasRight(unit)))
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

function hasRight({ tables }: Unit): boolean {
  return tables.every(({ owned, rights }) => owned || rights.truncate)
}

/** The tree is truncated instead of its partitions only where a foreign key requires it: fewer locks are better. */
function truncatedBy({ tables, tree, isWhole, pointing, refers }: Unit): EmptiedTable[] {
  const asTree = isWhole && (pointing.length > 0 || refers)
  return tables.map((table) => ({ ...emptiedTable(table), ...(tree && asTree && { tree }) }))
}

export function emptiedTable({ schema, name, partitioned, rights }: ExistingTable): EmptiedTable {
  return { schema, name, partitioned, readable: rights.select }
}

/** Units that foreign keys connect, directly or through others. */
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
