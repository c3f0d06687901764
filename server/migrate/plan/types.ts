// A plan is data: what a run does, and what is shown of it before.

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
  /** All that is lost on the destination: tables that are emptied, also those that look empty now, and what is dropped. */
  destroyed: Destroyed[]
  /** What a person should read before the run starts. */
  warnings: string[]
  tables: PlannedRows[]
  /** Copied rows pass the destination's triggers and foreign keys unseen, because our sessions are a replica's. */
  asReplica: boolean
}

export interface Destroyed {
  action: 'truncate' | 'drop'
  /** Of what is dropped: `table`, `view`, `table constraint`. */
  kind?: string
  schema?: string
  name: string
  /** Why it goes, when it was not named itself. */
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
  /** Another table of the destination, or one that is partitioned there in another way. */
  into?: TableName
  /** Columns that do not just go to the one of their name: `old -> new`, `tenant = 'a'`, `without secret`. */
  mapping?: string[]
}

export interface PlanRequest {
  options: MigrationOptions
  rules: RuleBook
  hooks: readonly Hook[]
  /** The run that is gone on with. */
  resumed?: Unfinished | undefined
  /** Tables, by `tableKey`, whose rows come by another way. */
  rowsElsewhere?: ReadonlySet<string> | undefined
}

export interface CreatedTables {
  /** Over when every object that rows could need is there. */
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
  /** Over when the destination's own foreign keys are back: until then one of the source's could take their place. */
  restored: Step[]
  planned: PlannedRows[]
}
