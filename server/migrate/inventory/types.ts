// What is known of both databases when the plan is made.

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
  /** Languages by OID -> what creates them, where pg_dump's own words do not. */
  handmadeLanguages: Map<number, string>
  entries: Entry[]
  /** Entry id -> ids of the entries it needs. */
  needs: Map<number, readonly number[]>
  tables: TableFacts[]
  partitioning: Partitioning
  /** With their columns in the order that is to be kept. */
  reorderedChildren: Map<number, OrderedColumn[]>
  oddNotNullNames: Map<number, string[]>
  types: Map<number, TypeFacts>
  dependents: Dependents
  sequences: SequenceName[]
  largeObjects: LargeObjectFacts[]
  usedRoles: string[]
  collations: CollationUse[]
  /** Tables that the destination has already and keeps, by `tableKey`. */
  existing: Map<string, ExistingTable>
  /** How SQL writes the column types of those tables on the source. */
  columnTypes: Map<number, Map<string, string>>
  /** Of the destination, from or to those tables. */
  foreignKeys: ExistingForeignKey[]
  /** Of the destination, with any of those tables. */
  trees: PartitionTree[]
  /** What is dropped first, and what goes with it. */
  drops: { targets: Identity[]; dependants: Dependant[] }
  /** Entry id -> why a selected object cannot be made. */
  blocked: ReadonlyMap<number, string>
  /** Tables whose rows go into another table of the destination than that of their name. */
  routes: Routes
  /** What the selection brings with it, in words. */
  notes: string[]
}

export interface InventoryRequest {
  selection: Selection
  options: MigrationOptions
  /** What must be dropped was dropped by the run that is resumed. */
  isDropped: boolean
  /** Another plan may follow: what was read of the source is kept for that. */
  isOnlyPlanned: boolean
}

export interface InventorySessions {
  /** In the run's snapshot. */
  source: Session
  /** Left inside pg_dump's transaction: its locks keep the tables as they are until the run is over. */
  dump: Session
  dumpThread: DumpThread
  destination: Session
}
