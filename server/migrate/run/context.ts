// The state and the services that every step of a run uses.
import type { MigrationEvent } from '../../../shared/event.ts'
import type { MigrationOptions, TableRule } from '../../../shared/request.ts'
import type { Copier } from '../../copy/pool.ts'
import type { Session } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import type { Moved, RunMemory } from '../../store/run-memory.ts'
import type { Inventory } from '../inventory/types.ts'
import type { Plan } from '../plan/types.ts'
import type { RestoreSessions } from './restore.ts'
import type { SuspendedConstraints } from './suspended-constraints.ts'

/** An event without its time. */
export type EventBody = MigrationEvent extends infer E
  ? E extends MigrationEvent
    ? Omit<E, 'at'>
    : never
  : never
export type Emit = (event: EventBody) => void

/** The part of the inventory that a run uses; the rest takes much memory for many tables, and is released. */
export type RunInventory = Pick<
  Inventory,
  'source' | 'destination' | 'lacks' | 'usedRoles' | 'existing' | 'tables'
>

export function forRun(inventory: Inventory): RunInventory {
  const { source, destination, lacks, usedRoles, existing, tables } = inventory
  return { source, destination, lacks, usedRoles, existing, tables }
}

export interface RunContext {
  source: ConnectionSettings
  destination: ConnectionSettings
  plan: Plan
  inventory: RunInventory
  options: MigrationOptions
  copyPool: Copier | undefined
  restore: RestoreSessions
  /** Opens another session on the source: a failure in it must not end the run's snapshot. */
  openSource(): Promise<Session>
  /** The user's rules for single tables. */
  tables: readonly TableRule[]
  /** Exported on the source until the run ends. */
  snapshot: string
  /** Tables whose rows are copied, by `tableKey`. */
  copied: Set<string>
  /** Counts of tables that were copied together, by `tableKey`: each table's step reports its own. */
  together: Map<string, Moved & { seconds: number }>
  /** Objects that the destination had and that needed no change. */
  kept: { count: number; named: string[] }
  memory: RunMemory
  suspended: SuspendedConstraints
  emit: Emit
  signal: AbortSignal
}
