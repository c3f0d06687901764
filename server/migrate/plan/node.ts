// A step as the graph of a run uses it.

export interface Node {
  id: number
  /** Steps that must have succeeded; if one has not, this one is skipped. */
  needs: readonly number[]
  /** Steps that must be over, however they ended. */
  after: readonly number[]
  pool: string
  /** Within a pool the heaviest ready step starts first; equal ones in the order of their ids. */
  weight: number
  locks: Locks
  /** Known before the run: never started, its dependents are skipped as well. */
  skip?: string | undefined
}

/** Tables by OID. Shared locks go together, an exclusive one goes alone. */
export interface Locks {
  shared?: readonly number[]
  exclusive?: readonly number[]
}
