// One unit of a plan: what it is, what it waits for, and the work as data.
import type { StepInfo } from '../../shared/event.ts'
import type { TableName } from '../../shared/phase.ts'
import type { LargeObjectFacts } from '../catalog/large-objects.ts'
import type { SequenceName } from '../catalog/sequences.ts'
import type { CopyPart } from '../copy/pool.ts'
import type { Node } from './graph.ts'

/** `ddl`: one at a time in the dump's order. `build`: indexes and all that follows. `copy`: rows. */
export type PoolName = 'ddl' | 'build' | 'copy' | 'none'

export interface Step extends Node {
  pool: PoolName
  info: StepInfo
  work: Work
}

export type Work =
  | SqlWork
  | { kind: 'copy'; parts: CopyPart[]; bytes: number }
  /** Tables of the destination whose rows are to go, all at once. */
  | { kind: 'truncate'; tables: TableName[] }
  | { kind: 'sequences'; names: SequenceName[] }
  | { kind: 'large object facts'; objects: LargeObjectFacts[] }
  /** Known to be impossible; reported as a failure with this reason. */
  | { kind: 'refuse'; reason: string }
  /** Waits for others, does nothing and is not shown. */
  | { kind: 'barrier' }

export interface SqlWork {
  kind: 'sql'
  statements: string[]
  /** Statements that may fail without taking the object with them: its owner, single grants. */
  extras: string[]
  tablespace?: string
  accessMethod?: string
  /** What is there already stays and counts as done. */
  mayExist: boolean
}
