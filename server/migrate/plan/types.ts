// A plan is data: the actions of a run, and what is shown of them before.

import type { Hook, MigrationOptions } from '../../../shared/request.ts'
import type { RuleBook } from '../../../shared/rule-book.ts'
import type { TableName } from '../../../shared/table-name.ts'
import type { TableFacts } from '../../catalog/tables.ts'
import type { Unfinished } from '../../store/run-memory.ts'
import type { Sizes } from './sizes.ts'
import type { Step } from './step.ts'

export interface Plan {
  steps: Step[]
  sizes: Sizes
  /** Everything that is lost on the destination: emptied tables, also those that are empty now, and dropped objects. */
  destroyed: Destroyed[]
  /** What the user should know before the run starts. */
  warnings: string[]
  tables: PlannedRows[]
  /** The destination's triggers and foreign keys do not act on copied rows, because session_replication_role is replica. */
  asReplica: boolean
  /** Tables, by `tableKey`, that the destination has and keeps. */
  existing: ReadonlySet<string>
  /** Objects that the destination has are kept; otherwise they are dropped first. */
  isKept: boolean
}

export interface Destroyed {
  action: 'truncate' | 'drop'
  /** For a dropped object: `table`, `view`, `table constraint`. */
  kind?: string
  schema?: string
  name: string
  /** Why it is dropped, when it was not named itself. */
  because?: string
}

export interface PlannedRows {
  schema: string
  name: string
  rows: number
  bytes: number
  /** `fill` a new or emptied table, or add to one that has rows. */
  mode: 'fill' | 'append' | 'upsert' | 'done'
  where?: string
  /** Another table of the destination, or one that is partitioned differently there. */
  into?: TableName
  /** Columns that are not copied into the column of the same name: `old -> new`, `tenant = 'a'`, `without secret`. */
  mapping?: string[]
}

export interface PlanRequest {
  options: MigrationOptions
  rules: RuleBook
  hooks: readonly Hook[]
  /** The run that is resumed. */
  resumed?: Unfinished | undefined
  /** Tables, by `tableKey`, whose rows the caller copies by itself. */
  rowsElsewhere?: ReadonlySet<string> | undefined
  /** Tables, by `tableKey`, that the user has left out after a failure. */
  leftOut?: ReadonlySet<string> | undefined
}

export interface CreatedTables {
  /** Completes when every object that rows may need exists. */
  ready: Step
  /** Table OID -> the step that creates it. */
  steps: ReadonlyMap<number, Step>
}

export interface RowSteps {
  tables: TableFacts[]
  byTable: Map<number, Step>
  /** The topmost partitioned table -> a barrier for the rows of all its partitions. */
  byRoot: Map<number, Step>
  all: Step[]
  /** Complete when the destination's foreign keys are restored. Before, one of the source could get its name. */
  restored: Step[]
  planned: PlannedRows[]
}
