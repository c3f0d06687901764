// What a run has achieved, in a few numbers: for lists, and to compare it with the run before.
import { type Static, Type } from '@sinclair/typebox'
import type { Summary } from './summary.ts'

export const RunSize = Type.Object({
  tables: Type.Integer(),
  /** Of these tables, those whose rows are complete on the destination. */
  complete: Type.Integer(),
  /** Of the complete tables; for a dry run the source's estimate of all. */
  rows: Type.Number(),
  bytes: Type.Number(),
  /** Objects, with tables. */
  failed: Type.Integer(),
  skipped: Type.Integer(),
})
export type RunSize = Static<typeof RunSize>

export function sizeOf({ tables, failed, skipped, planned }: Summary): RunSize {
  if (planned) return { ...planned, complete: 0, failed: failed.length, skipped: skipped.length }
  const complete = tables.filter(({ status }) => status === 'completed')
  const sum = (field: 'rows' | 'bytes') => complete.reduce((total, table) => total + table[field], 0)
  return {
    tables: tables.length,
    complete: complete.length,
    rows: sum('rows'),
    bytes: sum('bytes'),
    failed: failed.length,
    skipped: skipped.length,
  }
}
