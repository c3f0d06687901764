// Reads both databases before a plan is made.

import { say } from '../../../shared/say.ts'
import { Selector } from '../../../shared/selector.ts'
import { showName, tableKey } from '../../../shared/table-name.ts'
import { otherKey } from '../../catalog/dependents.ts'
import { readDestination } from '../../catalog/destination.ts'
import { readDropDependants } from '../../catalog/drops.ts'
import { type ExistingTable, readExistingTables } from '../../catalog/existing.ts'
import { readExistingForeignKeys } from '../../catalog/existing-foreign-keys.ts'
import { type Identity, identityKey, readIdentities } from '../../catalog/identities.ts'
import type { SequenceName } from '../../catalog/sequences.ts'
import { readServer } from '../../catalog/server.ts'
import { readColumnTypes } from '../../catalog/tables.ts'
import { readPartitionTrees } from '../../catalog/trees.ts'
import { PlanRefused } from '../../postgres/errors.ts'
import type { Session } from '../../postgres/session.ts'
import { describeRawByte, hasRawBytes } from '../../schema/raw-bytes.ts'
import { applySelection, forOtherPartitions } from './apply-selection.ts'
import { findRoutes, noRoutes } from './partition-routes.ts'
import { readSource, type SourceReading } from './source-inventory.ts'
import type { Inventory, InventoryRequest, InventorySessions } from './types.ts'

/** `reading`: an earlier reading of the source, and the place where this one is kept for the next plan. */
export async function takeInventory(
  sessions: InventorySessions,
  snapshot: string,
  wanted: InventoryRequest,
  signal: AbortSignal,
  reading?: SourceReading,
): Promise<Inventory> {
  const { destination } = sessions
  const source =
    (await reading?.take(sessions, snapshot)) ??
    (await readSource(sessions, snapshot, wanted.options, signal))
  if (wanted.isOnlyPlanned) await reading?.keep(source, sessions.source)
  const { unreadableSequences, ...known } = source
  const everything = {
    ...known,
    destination: await readServer(destination),
    lacks: await readDestination(destination),
    existing: new Map<string, ExistingTable>(),
    columnTypes: new Map<number, Map<string, string>>(),
    foreignKeys: [],
    trees: [],
    drops: { targets: [], dependants: [] },
    blocked: new Map<number, string>(),
    routes: noRoutes,
    notes: [],
  }
  const met = await meetDestination(everything, sessions, wanted)
  const left = new Set(met.entries.map(({ id }) => id))
  refuseUnreadable(
    unreadableSequences.filter(({ oid, ownedBy }) => left.has(-oid) || (ownedBy && left.has(-ownedBy))),
    known.source.user,
  )
  return met.destination.encoding === 'SQL_ASCII' ? met : withRawBytesBlocked(met)
}

/** A database in SQL_ASCII may have any bytes in a comment, a constraint or a name; other encodings refuse them. */
function withRawBytesBlocked(inventory: Inventory): Inventory {
  const blocked = new Map(inventory.blocked)
  for (const { id, statements, ownerStatement } of inventory.entries) {
    const unsendable = [...statements, ownerStatement ?? ''].find(hasRawBytes)
    if (unsendable === undefined || blocked.has(id)) continue
    blocked.set(
      id,
      say`its definition is not UTF-8 (${describeRawByte(unsendable)}): correct it on the source, or use a destination database with the encoding SQL_ASCII`,
    )
  }
  return { ...inventory, blocked }
}

/** Refuses a selection with objects that were left out of the dump, because pg_dump stops at what it may not read. */
function refuseUnreadable(sequences: readonly SequenceName[], user: string) {
  if (sequences.length === 0) return
  const names = sequences.slice(0, 10).map(showName).join(', ')
  const more = sequences.length > 10 ? ` and ${sequences.length - 10} more` : ''
  throw new PlanRefused(
    `"${user}" may not read these sequences of the source: ${names}${more}. Grant select on them there (grant select on all sequences in schema ...). Nothing was changed`,
  )
}

/** Compares the selection with the objects of the destination. */
async function meetDestination(
  everything: Inventory,
  { source, destination }: InventorySessions,
  { selection, options, isDropped }: InventoryRequest,
): Promise<Inventory> {
  const drops = options.existingTableMode === 'drop' && !options.dataOnly && !isDropped
  const isWhole = new Selector(selection).isEverything
  const there =
    drops || !isWhole ? await findThere(everything, source, destination) : new Map<number, Identity>()
  const inventory = applySelection(everything, selection, new Set(there.keys()))
  const targets = drops
    ? inventory.entries.flatMap((entry) => {
        const found = there.get(entry.id)
        return found && entry.schema !== undefined && !found.member ? [found] : []
      })
    : []
  const dropped = new Set(targets.map(({ oid }) => oid))
  const found = await readExistingTables(destination, [
    ...inventory.tables,
    ...inventory.partitioning.names.values(),
  ])
  const existing = new Map([...found].filter(([, table]) => !dropped.has(table.oid)))
  const kept = inventory.tables.filter((table) => existing.has(tableKey(table)))
  const routes = await findRoutes({ source, destination }, inventory.tables, inventory.partitioning, existing)
  const takers = new Set([...routes.byTable.values()].flatMap(({ target, below }) => [target, ...below]))
  const oids = [
    ...new Set([
      ...kept.flatMap((table) => existing.get(tableKey(table))?.oid ?? []),
      ...[...takers].map(({ oid }) => oid),
    ]),
  ]
  return {
    ...inventory,
    entries: forOtherPartitions(inventory, routes.leftOut, routes.reshaped),
    existing,
    routes,
    notes: [...inventory.notes, ...routes.notes],
    columnTypes: await readColumnTypes(
      source,
      inventory.tables
        .filter((table) => existing.has(tableKey(table)) || routes.byTable.has(table.oid))
        .map((table) => table.oid),
    ),
    foreignKeys: (await readExistingForeignKeys(destination, oids)).filter(
      ({ table }) => !dropped.has(found.get(tableKey(table))?.oid ?? 0),
    ),
    trees: await readPartitionTrees(destination, oids),
    drops: { targets, dependants: await readDropDependants(destination, targets) },
  }
}

/** Entry id -> the destination's object of the same name. */
async function findThere({ entries }: Inventory, source: Session, destination: Session) {
  const [ours, theirs] = [await readIdentities(source), await readIdentities(destination)]
  const byName = new Map(theirs.map((one) => [identityKey(one), one]))
  const byObject = new Map(ours.map((one) => [otherKey(one.class, one.oid), byName.get(identityKey(one))]))
  const there = new Map<number, Identity>()
  const taken = new Set<Identity>()
  for (const entry of entries) {
    const found = byObject.get(otherKey(entry.classOid, entry.oid))
    // Entries that concern an object have its OID too; the first of them creates it.
    if (!found || taken.has(found)) continue
    taken.add(found)
    there.set(entry.id, found)
  }
  return there
}
