export interface Merge {
  table: string
  columns: readonly string[]
  conflict: Conflict
  key: readonly string[]
  batchSize: number
}
export type Conflict = { kind: 'ignore' } | { kind: 'update'; on: string; set: readonly string[] }
