// One unit of a plan: its description, its dependencies, and its work as data.
import type { StepInfo } from '../../../shared/event.ts'
import type { Hook } from '../../../shared/request.ts'
import type { TableName } from '../../../shared/table-name.ts'
import type { Dependant } from '../../catalog/drops.ts'
import type { TriggersOf } from '../../catalog/existing.ts'
import type { ExistingForeignKey } from '../../catalog/existing-foreign-keys.ts'
import type { Identity } from '../../catalog/identities.ts'
import type { LargeObjectFacts } from '../../catalog/large-objects.ts'
import type { SequenceName } from '../../catalog/sequences.ts'
import type { CopyPart } from '../../copy/pool.ts'
import type { Node } from './node.ts'
import type { EmptiedTable, EmptiedTables } from './truncate.ts'

/** `ddl`: one at a time, in the dump's order. `build`: indexes and what follows. `copy`: rows. */
export type PoolName = 'ddl' | 'build' | 'copy' | 'none'

export interface Step extends Node {
  pool: PoolName
  info: StepInfo
  work: Work
  /** Done by the run that is resumed: not shown in the plan, but checked on the destination. */
  isAgain?: boolean
}

export type Work =
  | SqlWork
  | CopyWork
  /** Rows that an interrupted run has copied. */
  | { kind: 'copied'; rows: number; bytes: number }
  | { kind: 'drop'; targets: Identity[]; dependants: Dependant[] }
  /** Tables that are emptied and filled in one transaction. Each has a step after this one. */
  | TogetherWork
  | { kind: 'copied together'; query?: string }
  /** `advance`: the destination has rows that use values of the sequences. */
  | { kind: 'sequences'; names: SequenceName[]; advance: boolean }
  /** Suspends them on the destination while rows are copied; restoring them is not a step. */
  | { kind: 'release'; foreignKeys: ExistingForeignKey[]; triggers: TriggersOf[] }
  | { kind: 'restore' }
  /** Checks a foreign key that was disabled while rows were copied. */
  | { kind: 'check'; foreignKey: ExistingForeignKey }
  | { kind: 'hook'; hook: Hook }
  /** Compares copied rows. */
  | { kind: 'verify' }
  | { kind: 'large object facts'; objects: LargeObjectFacts[] }
  /** Known to be impossible: reported as a failure with this reason. */
  | { kind: 'refuse'; reason: string }
  /** Waits for others, does nothing and is not shown. */
  | { kind: 'barrier' }

export interface CopyWork {
  kind: 'copy'
  parts: CopyPart[]
  bytes: number
  /** The destination's table, when it exists before the run. */
  there?: EmptiedTable
  /** Existing rows are deleted in the transaction that copies the new ones. */
  replaces?: EmptiedTables
  /** Copied instead of `parts` when the table was empty at the time of the plan and has rows now. */
  ifFilled?: CopyPart[]
  /** The table is empty before the copy: all its rows afterwards are from this run. */
  fills: boolean
  /** A second copy would duplicate the rows: the transactions of its commits are stored. */
  exactlyOnce: boolean
  /** All parts as one query, where the user has written a part of it. */
  query?: string
}

export interface TogetherWork {
  kind: 'copy together'
  /** In the order of their parts. */
  tables: TableName[]
  /** Tables of the destination: several partitions of the source may go into one. */
  into: TableName[]
  parts: CopyPart[]
  bytes: number
  replaces: EmptiedTables
}

export interface SqlWork {
  kind: 'sql'
  statements: string[]
  /** Statements that may fail without losing the object: its owner, single grants, column options. */
  extras: string[]
  tablespace?: string
  accessMethod?: string
  /** An existing object is kept, and the step counts as done. */
  mayExist: boolean
}
