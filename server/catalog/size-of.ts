// The size of a table with its indexes and TOAST. PostgreSQL reads the sizes of files, which waits for exclusive
// locks on the table. If that takes too long, the numbers of the last VACUUM are used.

import { ServerError, sqlstate } from '../postgres/errors.ts'
import { estimatedRows } from './estimated-rows.ts'

/** SQL for the bytes of a table by its OID, with TOAST and indexes. */
export type SizeOf = (oid: string) => string

/** SQL for the rows of a table by its row of pg_class. */
export type RowsOf = (pgClass: string) => string

const exactly: SizeOf = (oid) => `coalesce(pg_catalog.pg_total_relation_size(${oid}), 0)`

const roughly: SizeOf = (oid) => `(
  select coalesce(sum(s.relpages::float8), 0) * current_setting('block_size')::int
    from pg_catalog.pg_class s
   where s.oid = ${oid}
      or s.oid = (select reltoastrelid from pg_catalog.pg_class where oid = ${oid})
      or s.oid in (select indexrelid from pg_catalog.pg_index where indrelid = ${oid}))`

/** The session must have a `lock_timeout`. */
export async function withSizes<Result>(
  read: (sizeOf: SizeOf, rowsOf: RowsOf) => Promise<Result>,
): Promise<Result> {
  try {
    return await read(exactly, (row) => estimatedRows(row, `pg_catalog.pg_relation_size(${row}.oid)`))
  } catch (error) {
    if (error instanceof ServerError && error.sqlstate === sqlstate.lockNotAvailable)
      return await read(roughly, (row) => estimatedRows(row, 'null'))
    throw error
  }
}
