// The inventory: what both databases have when the plan is made.

import type { MigrationOptions, Selection } from '../../../shared/request.ts'
import type { Dependents } from '../../catalog/dependents.ts'
import type { CollationUse, DestinationFacts } from '../../catalog/destination.ts'
import type { Dependant } from '../../catalog/drops.ts'
import type { ExistingTable } from '../../catalog/existing.ts'
import type { ExistingForeignKey } from '../../catalog/existing-foreign-keys.ts'
import type { Identity } from '../../catalog/identities.ts'
import type { LargeObjectFacts } from '../../catalog/large-objects.ts'
import type { OrderedColumn } from '../../catalog/reordered-children.ts'
import type { SequenceName } from '../../catalog/sequences.ts'
import type { ServerFacts } from '../../catalog/server.ts'
import type { Partitioning, TableFacts } from '../../catalog/tables.ts'
import type { PartitionTree } from '../../catalog/trees.ts'
import type { TypeFacts } from '../../catalog/types.ts'
import type { Session } from '../../postgres/session.ts'
import type { DumpThread } from '../../schema/dump.ts'
import type { Entry } from '../../schema/entries.ts'
import type { Routes } from './partition-routes.ts'

export interface Inventory {
  source: ServerFacts
  destination: ServerFacts
  lacks: DestinationFacts
  /** Languages by OID -> their CREATE statement, where that of pg_dump is not sufficient. */
  handmadeLanguages: Map<number, string>
  entries: Entry[]
  /** Entry id -> ids of the entries it needs. */
  needs: Map<number, readonly number[]>
  tables: TableFacts[]
  partitioning: Partitioning
  /** Child tables with their columns in the order that is to be kept. */
  reorderedChildren: Map<number, OrderedColumn[]>
  oddNotNullNames: Map<number, string[]>
  types: Map<number, TypeFacts>
  dependents: Dependents
  sequences: SequenceName[]
  largeObjects: LargeObjectFacts[]
  usedRoles: string[]
  collations: CollationUse[]
  /** Tables that the destination has and keeps, by `tableKey`. */
  existing: Map<string, ExistingTable>
  /** The column types of those tables on the source, as SQL writes them. */
  columnTypes: Map<number, Map<string, string>>
  /** Foreign keys of the destination, from or to those tables. */
  foreignKeys: ExistingForeignKey[]
  /** Partition trees of the destination that contain any of those tables. */
  trees: PartitionTree[]
  /** Objects that are dropped first, and the objects that depend on them. */
  drops: { targets: Identity[]; dependants: Dependant[] }
  /** Entry id -> why a selected object cannot be created. */
  blocked: ReadonlyMap<number, string>
  /** Tables whose rows are copied into a table of another name or kind. */
  routes: Routes
  /** What the selection includes in addition, in words. */
  notes: string[]
}

export interface InventoryRequest {
  selection: Selection
  options: MigrationOptions
  /** The run that is resumed has dropped everything that must be dropped. */
  isDropped: boolean
  /** Another plan may follow: the inventory of the source is kept for it. */
  isOnlyPlanned: boolean
}

export interface InventorySessions {
  /** In the run's snapshot. */
  source: Session
  /** Stays in pg_dump's transaction: its locks protect the tables' definitions until the run is over. */
  dump: Session
  dumpThread: DumpThread
  destination: Session
}
