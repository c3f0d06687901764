// Routes for tables that source and destination partition differently: the rows are copied into the table above the
// destination's partitions, or into its plain table, and the server routes each row.
import { say } from '../../../shared/say.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import { type ExistingTable, readExistingTables } from '../../catalog/existing.ts'
import {
  isPartOfTree,
  type PartitionShape,
  readPartitionShapes,
  treeBelow,
} from '../../catalog/partition-shapes.ts'
import type { Partitioning, TableFacts } from '../../catalog/tables.ts'
import type { Session } from '../../postgres/session.ts'

export interface Route {
  /** The destination's table that the rows are copied into. */
  target: ExistingTable
  /** Its partitions of every level. */
  below: ExistingTable[]
  /** Some of its rows are on another server. */
  hasForeign: boolean
  /** Tables of the source whose rows it gets, by OID: those of all partitions, selected or not. */
  sources: number[]
}

export interface Routes {
  /** Source table's OID -> its route; only for tables whose rows do not go into the table of the same name. */
  byTable: Map<number, Route>
  /** Partitions of the source that are not created on the destination, by OID. */
  leftOut: Set<number>
  /** Tables that are partitioned only on the destination, or only on the source, by OID. */
  reshaped: Map<number, { partitioned: boolean }>
  notes: string[]
}

export const noRoutes: Routes = {
  byTable: new Map(),
  leftOut: new Set(),
  reshaped: new Map(),
  notes: [],
}

export async function findRoutes(
  { source, destination }: { source: Session; destination: Session },
  tables: readonly TableFacts[],
  partitioning: Partitioning,
  existing: ReadonlyMap<string, ExistingTable>,
): Promise<Routes> {
  const routes: Routes = { byTable: new Map(), leftOut: new Set(), reshaped: new Map(), notes: [] }
  const isConcerned = tables.some(
    (table) =>
      existing.get(tableKey(table))?.partitioned ||
      (table.root !== null && existing.has(rootKey(table, partitioning))),
  )
  if (!isConcerned) return routes
  const [ours, theirs] = [await readPartitionShapes(source), await readPartitionShapes(destination)]
  const reading = new Reading(destination, theirs)
  const byRoot = Map.groupBy(tables, (table) => table.root)
  for (const [root, members] of byRoot) {
    const there = root === null ? undefined : existing.get(rootKey(members[0] as TableFacts, partitioning))
    if (root === null || !there) {
      for (const table of members) await routeTable(table, routes, existing, reading)
      continue
    }
    const tree = treeBelow(ours, root)
    const itsTree = there.partitioned ? treeBelow(theirs, there.oid) : []
    // Partitions that only one database has are created, or do not concern the copy.
    const isSame = isPartOfTree(itsTree, tree) || isPartOfTree(tree, itsTree)
    if (there.partitioned && isSame) continue
    const leaves = tree.filter(({ kind }) => kind === 'r').map(({ oid }) => oid)
    const route = await reading.route(there, leaves)
    for (const { oid } of members) routes.byTable.set(oid, route)
    for (const { oid } of tree) if (oid !== root) routes.leftOut.add(oid)
    routes.reshaped.set(root, there)
    routes.notes.push(noteOf(there, tree, itsTree))
  }
  return routes
}

/** A table that is plain on the source, and partitioned on the destination. */
async function routeTable(
  table: TableFacts,
  routes: Routes,
  existing: ReadonlyMap<string, ExistingTable>,
  reading: Reading,
) {
  const there = existing.get(tableKey(table))
  if (!there?.partitioned) return
  routes.byTable.set(table.oid, await reading.route(there, [table.oid]))
  routes.reshaped.set(table.oid, there)
  routes.notes.push(
    say`${showName(table)} is partitioned on the destination only: its rows are copied through the partitioned table, and the server routes each to its partition`,
  )
}

class Reading {
  constructor(
    readonly destination: Session,
    readonly shapes: ReadonlyMap<number, PartitionShape>,
  ) {}

  async route(target: ExistingTable, sources: number[]): Promise<Route> {
    const below = treeBelow(this.shapes, target.oid).filter(({ oid }) => oid !== target.oid)
    const found = below.length > 0 ? await readExistingTables(this.destination, below) : new Map()
    return {
      target,
      below: [...found.values()],
      hasForeign: below.some(({ kind }) => kind === 'f'),
      sources,
    }
  }
}

const mostNamed = 10

function noteOf(there: ExistingTable, tree: PartitionShape[], itsTree: PartitionShape[]): string {
  const known = new Set(itsTree.map(tableKey))
  const unmade = tree
    .filter((shape) => shape.parent !== null && tree.some(({ oid }) => oid === shape.parent))
    .filter((shape) => !known.has(tableKey(shape)))
    .map(showName)
  const how = there.partitioned
    ? say`${showName(there)} has other partitions on the destination: its rows are copied through the partitioned table, and the server routes each to its partition`
    : say`${showName(there)} is not partitioned on the destination: the rows of all its partitions are copied into it`
  const more = unmade.length > mostNamed ? ` and ${unmade.length - mostNamed} more` : ''
  const named = `${unmade.slice(0, mostNamed).join(', ')}${more}`
  return unmade.length > 0 ? say`${how}; these partitions of the source are not created: ${named}` : how
}

function rootKey({ root }: TableFacts, { names }: Partitioning): string {
  const name: TableName = names.get(root ?? 0) ?? { schema: '', name: '' }
  return tableKey(name)
}
