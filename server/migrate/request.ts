// The request of a migration, and what its caller provides.

import type { MigrationEvent, RunStatus } from '../../shared/event.ts'
import type { Hook, MigrationOptions, Selection, TableRule } from '../../shared/request.ts'
import type { TableName } from '../../shared/table-name.ts'
import type { RunLock } from '../coordination/run-lock.ts'
import type { Copiers } from '../copy/task.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { RunMemory } from '../store/run-memory.ts'
import type { SourceReading } from './inventory/source-inventory.ts'
import type { Plan } from './plan/types.ts'

/** What is migrated, between which databases and how: the same for a command, the page and a fleet. */
export interface RunRequest {
  source: ConnectionSettings
  destination: ConnectionSettings
  selection: Selection
  tables: readonly TableRule[]
  hooks: readonly Hook[]
  options: MigrationOptions
  repairs?: Repairs | undefined
}

/** What the user has chosen for tables that failed in an earlier run. */
export interface Repairs {
  leaveOut: readonly TableName[]
}

export interface Migration extends RunRequest {
  run: string
  signal: AbortSignal
  memory: RunMemory
  /** The caller has already run the preflight checks, with more knowledge of the request. */
  isChecked?: boolean | undefined
  /** Where another run works on the same objects, this one waits for its end instead of being refused. */
  wait?: boolean | undefined
  /** A lock that the caller keeps for longer than this run. Without it the run opens one. */
  lock?: RunLock | undefined
  /** A snapshot of the source that the caller keeps open. Without it the run exports one. */
  heldSnapshot?: string | undefined
  /** The source's inventory of an earlier plan of the same move, which is used unless the source has changed. */
  reading?: SourceReading | undefined
  /** Copies rows with other processes. Without it threads of this process copy them. */
  copiers?: Copiers | undefined
  /** Tables, by `tableKey`, that are created and emptied here, and whose rows the caller copies. */
  rowsElsewhere?: ReadonlySet<string> | undefined
  onEvent(event: MigrationEvent): void
  /** Called when the plan is made. A dry run ends there. */
  onPlan?(plan: Plan): void
  /** Called before anything is destroyed; false ends the run with nothing written. */
  confirm(plan: Plan): boolean | Promise<boolean>
}

export interface MigrationResult {
  status: RunStatus
  error?: unknown
}
