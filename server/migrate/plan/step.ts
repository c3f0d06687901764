// One unit of a plan: what it is, what it waits for, and the work as data.
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

/** `ddl`: one at a time in the dump's order. `build`: indexes and all that follows. `copy`: rows. */
export type PoolName = 'ddl' | 'build' | 'copy' | 'none'

export interface Step extends Node {
  pool: PoolName
  info: StepInfo
  work: Work
  /** The run that this one goes on with has done it: not a part of the plan, but looked after on the destination. */
  isAgain?: boolean
}

export type Work =
  | SqlWork
  | CopyWork
  /** Rows that an interrupted run has copied already. */
  | { kind: 'copied'; rows: number; bytes: number }
  | { kind: 'drop'; targets: Identity[]; dependants: Dependant[] }
  /** Tables that are emptied and filled in one transaction; each of them has a step of its own behind this one. */
  | TogetherWork
  | { kind: 'copied together'; query?: string }
  /** `advance`: the destination has rows of its own, and numbers that they use. */
  | { kind: 'sequences'; names: SequenceName[]; advance: boolean }
  /** Suspended on the destination while rows are copied; what restores it is not a step. */
  | { kind: 'release'; foreignKeys: ExistingForeignKey[]; triggers: TriggersOf[] }
  | { kind: 'restore' }
  /** A foreign key that was off while rows were copied: does it hold? */
  | { kind: 'check'; foreignKey: ExistingForeignKey }
  | { kind: 'hook'; hook: Hook }
  /** Rows that were copied are compared. */
  | { kind: 'verify' }
  | { kind: 'large object facts'; objects: LargeObjectFacts[] }
  /** Known to be impossible; reported as a failure with this reason. */
  | { kind: 'refuse'; reason: string }
  /** Waits for others, does nothing and is not shown. */
  | { kind: 'barrier' }

export interface CopyWork {
  kind: 'copy'
  parts: CopyPart[]
  bytes: number
  /** The destination's table, when the run does not make it. */
  there?: EmptiedTable
  /** The existing rows are deleted in the transaction that copies the new ones. */
  replaces?: EmptiedTables
  /** What is copied instead of `parts` when the table, which looked empty, has got rows. */
  ifFilled?: CopyPart[]
  /** The table is empty before: whatever is in it afterwards is of this run. */
  fills: boolean
  /** Copied twice, the rows would be there twice: what becomes of its commits is remembered. */
  exactlyOnce: boolean
  /** All parts as one query, where the user has written some of it. */
  query?: string
}

export interface TogetherWork {
  kind: 'copy together'
  /** Each with its part, in their order. */
  tables: TableName[]
  /** Of the destination: partitions of the source may go into one. */
  into: TableName[]
  parts: CopyPart[]
  bytes: number
  replaces: EmptiedTables
}

export interface SqlWork {
  kind: 'sql'
  statements: string[]
  /** Statements that may fail without taking the object with them: its owner, single grants, hints about columns. */
  extras: string[]
  tablespace?: string
  accessMethod?: string
  /** What is there already stays and counts as done. */
  mayExist: boolean
}
