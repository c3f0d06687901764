// Everything that is read from both servers before a plan is made.

import type { MigrationOptions } from '../../shared/request.ts'
import { type Dependents, readDependents } from '../catalog/dependents.ts'
import type { CollationUse, DestinationFacts } from '../catalog/destination.ts'
import { readCollations, readDestination, readUsedRoles } from '../catalog/destination.ts'
import { type LargeObjectFacts, readLargeObjects } from '../catalog/large-objects.ts'
import { listSequences, type SequenceName } from '../catalog/sequences.ts'
import { readServer, type ServerFacts } from '../catalog/server.ts'
import {
  type Partitioning,
  readExistingTables,
  readOddNotNullNames,
  readPartitioning,
  readReorderedChildren,
  readTables,
  type TableFacts,
} from '../catalog/tables.ts'
import { readTypes, type TypeFacts } from '../catalog/types.ts'
import { readHandmadeLanguages, readRestrictLookalikes } from '../catalog/undescribed.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { entryDependencies, readDependencies } from '../schema/dependencies.ts'
import { type DumpThread, pgDump } from '../schema/dump.ts'
import { type Entry, parseEntries } from '../schema/entries.ts'

export interface Inventory {
  source: ServerFacts
  destination: ServerFacts
  lacks: DestinationFacts
  /** Languages and routines by OID -> what creates them, where pg_dump's own words do not. */
  handmadeLanguages: Map<number, string>
  restrictLookalikes: Map<number, string>
  entries: Entry[]
  /** Entry id -> ids of the entries it needs. */
  needs: Map<number, Set<number>>
  tables: TableFacts[]
  partitioning: Partitioning
  /** With columns that must be made NOT NULL before the table can be a child again. */
  reorderedChildren: Map<number, string[]>
  oddNotNullNames: Map<number, string[]>
  types: Map<number, TypeFacts>
  dependents: Dependents
  sequences: SequenceName[]
  largeObjects: LargeObjectFacts[]
  usedRoles: string[]
  collations: CollationUse[]
  /** `schema.name` (as JSON pair) of tables that the destination has already, and whether rows are in them. */
  existing: Map<string, { hasRows: boolean }>
}

export interface InventorySessions {
  /** In the run's snapshot. */
  source: Session
  /** Left inside pg_dump's transaction: its locks keep the tables as they are until the run is over. */
  dump: Session
  dumpThread: DumpThread
  destination: Session
}

export async function takeInventory(
  sessions: InventorySessions,
  snapshot: string,
  options: MigrationOptions,
  signal: AbortSignal,
): Promise<Inventory> {
  const { source, destination } = sessions
  const sourceFacts = await readServer(source)
  const partitioning = await readPartitioning(source)
  const tables = await readTables(source, partitioning.roots)
  const unreadable = tables.filter((table) => !table.mayRead && table.extension === null)
  const dumping = dumpEntries(sessions, snapshot, unreadable, options, signal)
  // Its failure is awaited below; until then it must not count as unhandled.
  dumping.catch(() => {})
  const dependencies = await readDependencies(source)
  const inventory = {
    source: sourceFacts,
    destination: await readServer(destination),
    lacks: await readDestination(destination),
    tables,
    handmadeLanguages: await readHandmadeLanguages(source),
    restrictLookalikes: await readRestrictLookalikes(source),
    partitioning,
    oddNotNullNames: await readOddNotNullNames(source),
    reorderedChildren: await readReorderedChildren(source),
    types: await readTypes(source),
    dependents: await readDependents(source),
    sequences: await listSequences(source),
    largeObjects: await readLargeObjects(source, sourceFacts.superuser),
    usedRoles: await readUsedRoles(source),
    collations: await readCollations(source),
    existing: await readExistingTables(destination, [...tables, ...partitioning.names.values()]),
  }
  const entries = [...unreadable.map(placeholder), ...(await dumping)]
  return { ...inventory, entries, needs: entryDependencies(entries, dependencies) }
}

async function dumpEntries(
  { dump: session, dumpThread }: InventorySessions,
  snapshot: string,
  unreadable: readonly TableFacts[],
  options: MigrationOptions,
  signal: AbortSignal,
): Promise<Entry[]> {
  const flags = [
    '--verbose',
    '--create',
    '--section=pre-data',
    '--section=post-data',
    `--snapshot=${snapshot}`,
    // pg_dump stops at the first table it may not lock.
    ...unreadable.map(
      ({ schema, name }) => `--exclude-table=${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
    ),
  ]
  if (!options.owner) flags.push('--no-owner')
  if (!options.acl) flags.push('--no-privileges')
  if (!options.comments) flags.push('--no-comments')
  if (!options.tablespaces) flags.push('--no-tablespaces')
  if (!options.publications) flags.push('--no-publications')
  if (!options.securityLabels) flags.push('--no-security-labels')
  if (session.tap.parameters.get('server_encoding') !== 'SQL_ASCII') flags.push('--encoding=UTF8')
  return parseEntries(await pgDump(session, flags, signal, dumpThread))
}

/** Stands for a table that cannot be read, so that what needs it is skipped for that reason. */
function placeholder(table: TableFacts): Entry {
  return {
    id: -table.oid,
    classOid: 1259,
    oid: table.oid,
    dependencies: [],
    kind: 'TABLE',
    schema: table.schema,
    name: table.name,
    owner: undefined,
    statements: [],
    ownerStatement: undefined,
    tablespace: '',
    accessMethod: '',
  }
}
