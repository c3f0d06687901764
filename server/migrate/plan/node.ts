// A step for the graph of a run.

export interface Node {
  id: number
  /** Steps that must have succeeded; if one has not, this one is skipped. */
  needs: readonly number[]
  /** Steps that must be over, whatever their outcome. */
  after: readonly number[]
  pool: string
  /** Within a pool the heaviest ready step starts first; equal ones in the order of their ids. */
  weight: number
  locks: Locks
  /** Known before the run: the step is never started, and its dependents are skipped too. */
  skip?: string | undefined
}

/** Tables by OID. Shared locks are compatible with each other; an exclusive one is not. */
export interface Locks {
  shared?: readonly number[]
  exclusive?: readonly number[]
}
