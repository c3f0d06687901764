// The request of a migration, and what its caller provides.

import type { MigrationEvent, RunStatus } from '../../shared/event.ts'
import type { Hook, MigrationOptions, Selection, TableRule } from '../../shared/request.ts'
import type { RunLock } from '../coordination/run-lock.ts'
import type { Copiers } from '../copy/task.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { RunMemory } from '../store/run-memory.ts'
import type { SourceReading } from './inventory/source-inventory.ts'
import type { Plan } from './plan/types.ts'

/** What is moved, between which databases and how: the same for a command, the page and a fleet. */
export interface RunRequest {
  source: ConnectionSettings
  destination: ConnectionSettings
  selection: Selection
  tables: readonly TableRule[]
  hooks: readonly Hook[]
  options: MigrationOptions
}

export interface Migration extends RunRequest {
  run: string
  signal: AbortSignal
  memory: RunMemory
  /** The caller has already run the preflight, with more knowledge of the request. */
  isChecked?: boolean | undefined
  /** Where another run works on the same objects, this one waits for its end instead of being refused. */
  wait?: boolean | undefined
  /** Held by the caller for longer than this run; without it the run takes one of its own. */
  lock?: RunLock | undefined
  /** Exported on the source by somebody who holds it; without it the run exports one of its own. */
  heldSnapshot?: string | undefined
  /** A plan of the same move was made before: what it has read of the source, unless that has changed since. */
  reading?: SourceReading | undefined
  /** Rows are copied elsewhere; without it by threads of this process. */
  copiers?: Copiers | undefined
  /** Tables, by `tableKey`, that are made and emptied here, and whose rows come by another way. */
  rowsElsewhere?: ReadonlySet<string> | undefined
  onEvent(event: MigrationEvent): void
  /** The plan, as soon as it is made; of a dry run it is all there is. */
  onPlan?(plan: Plan): void
  /** Asked before anything is destroyed; false ends the run with nothing written. */
  confirm(plan: Plan): boolean | Promise<boolean>
}

export interface MigrationResult {
  status: RunStatus
  error?: unknown
}
