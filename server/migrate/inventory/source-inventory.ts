// The part of an inventory that concerns the source alone. It takes the most time, and a second plan of the same move
// can use it again.

import type { MigrationOptions } from '../../../shared/request.ts'
import { type CatalogVersion, readCatalogVersion } from '../../catalog/catalog-version.ts'
import { readDependents } from '../../catalog/dependents.ts'
import { readCollations, readUsedRoles } from '../../catalog/destination.ts'
import { readLargeObjects } from '../../catalog/large-objects.ts'
import { ownSchema, readOwnObjects } from '../../catalog/own.ts'
import { readReorderedChildren } from '../../catalog/reordered-children.ts'
import { listSequences } from '../../catalog/sequences.ts'
import { readServer } from '../../catalog/server.ts'
import { readOddNotNullNames, readPartitioning, readTables } from '../../catalog/tables.ts'
import { readTypes } from '../../catalog/types.ts'
import { readBrokenNames, readHandmadeLanguages } from '../../catalog/undescribed.ts'
import { quoteLiteral, quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { entryDependencies, readDependencies, withExtensionsFirst } from '../../schema/dependencies.ts'
import { dumpsUnreadableSequencesSince } from '../../schema/dump.ts'
import { collectAbove, manyObjects } from '../../system/collect-garbage.ts'
import { dumpEntries, placeholder, tablePlaceholder, withFullNames } from './dumped-entries.ts'
import type { Inventory, InventorySessions } from './types.ts'

export type SourceInventory = Awaited<ReturnType<typeof readSource>>

export async function readSource(
  sessions: InventorySessions,
  snapshot: string,
  options: MigrationOptions,
  signal: AbortSignal,
) {
  const { source } = sessions
  const sourceFacts = await readServer(source)
  const partitioning = await readPartitioning(source)
  const own = await readOwnObjects(source)
  const tables = (await readTables(source, partitioning.roots)).filter(
    ({ schema }) => !(own.schema && schema === ownSchema),
  )
  const unreadable = tables.filter((table) => !table.mayRead && table.extension === null)
  const sequences = await listSequences(source)
  const unreadableSequences =
    sourceFacts.major < dumpsUnreadableSequencesSince
      ? sequences.filter(({ mayRead, isOfExtension }) => !mayRead && !isOfExtension)
      : []
  // With a table pg_dump would also read the sequences that the table owns.
  const owners = new Set(unreadableSequences.map(({ ownedBy }) => ownedBy))
  const undumped = [
    ...tables.filter((table) => unreadable.includes(table) || owners.has(table.oid)).map(tablePlaceholder),
    ...unreadableSequences.map((sequence) => placeholder('SEQUENCE', sequence)),
  ]
  const dumping = dumpEntries(sessions, snapshot, undumped, options, own, signal)
  // A failure is awaited below; until then it must not count as unhandled.
  dumping.catch(() => {})
  const dependencies = await readDependencies(source)
  const inventory = {
    source: sourceFacts,
    tables,
    handmadeLanguages: await readHandmadeLanguages(source),
    partitioning,
    oddNotNullNames: await readOddNotNullNames(source),
    reorderedChildren: await readReorderedChildren(source),
    types: await readTypes(source),
    dependents: await readDependents(source),
    sequences,
    largeObjects: await readLargeObjects(source, sourceFacts.superuser),
    usedRoles: await readUsedRoles(source),
    collations: await readCollations(source),
  }
  const brokenNames = await readBrokenNames(source)
  const dumped = withExtensionsFirst(withFullNames(await dumping, brokenNames), dependencies)
  const entries = [...undumped, ...dumped]
  collectAbove(manyObjects, entries.length)
  return { ...inventory, entries, needs: entryDependencies(entries, dependencies), unreadableSequences }
}

/** Passed from one plan to the next of the same move, and released then. */
export class SourceReading {
  #kept: { inventory: SourceInventory; version: CatalogVersion } | undefined
  /** Set when the next plan has asked for the inventory. */
  outcome: 'unchanged' | 'changed' | undefined

  /** Keeps the inventory with the state of the catalogs in its snapshot. */
  async keep(inventory: SourceInventory, source: Session): Promise<void> {
    this.#kept = { inventory, version: await readCatalogVersion(source) }
  }

  /** Undefined when the catalogs have changed since, as far as the session sees. */
  async take({ source, dump }: InventorySessions, snapshot: string): Promise<SourceInventory | undefined> {
    const kept = this.#kept
    if (!kept) return undefined
    this.#kept = undefined
    const isUnchanged = (await readCatalogVersion(source)) === kept.version
    this.outcome = isUnchanged ? 'unchanged' : 'changed'
    if (!isUnchanged) return undefined
    await lockTables(dump, snapshot, kept.inventory)
    return kept.inventory
  }
}

const lockedTogether = 1000

/** The same locks that pg_dump takes: the tables keep their definitions until the transaction ends. */
async function lockTables(dump: Session, snapshot: string, { entries }: Pick<Inventory, 'entries'>) {
  await dump.execute('begin isolation level repeatable read, read only')
  await dump.execute(`set transaction snapshot ${quoteLiteral(snapshot)}`)
  const names = entries
    .filter(({ kind, statements }) => kind === 'TABLE' && statements.length > 0)
    .map(({ schema = '', name }) => quoteQualified(schema, name))
  for (let first = 0; first < names.length; first += lockedTogether) {
    const some = names.slice(first, first + lockedTogether)
    await dump.execute(`lock table only ${some.join(', only ')} in access share mode`)
  }
}
