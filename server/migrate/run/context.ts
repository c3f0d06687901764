// What every step of a run works with.
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

/** An event before it gets its time. */
export type EventBody = MigrationEvent extends infer E
  ? E extends MigrationEvent
    ? Omit<E, 'at'>
    : never
  : never
export type Emit = (event: EventBody) => void

/** What is still asked for when the plan is made; the rest, of many tables, is let go. */
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
  /** A session of its own on the source: what fails there must not end the run's snapshot. */
  openSource(): Promise<Session>
  /** What the user said about single tables. */
  tables: readonly TableRule[]
  /** Exported on the source for as long as the run lasts. */
  snapshot: string
  /** Tables whose rows are there, by `tableKey`. */
  copied: Set<string>
  /** What tables got that were copied together, by `tableKey`: told by the steps of their own. */
  together: Map<string, Moved & { seconds: number }>
  /** What was on the destination and needed nothing. */
  kept: { count: number; named: string[] }
  memory: RunMemory
  suspended: SuspendedConstraints
  emit: Emit
  signal: AbortSignal
}
