// The estimated number of rows of a table. Before PostgreSQL 14 one that was never counted and one that
// was counted as empty both have reltuples = 0; the number of pages distinguishes them.

/** The number of rows of a table that was never counted, in the API and, since 14, in PostgreSQL itself. */
export const uncounted = -1

/**
 * SQL for a row of pg_class. `ownBytes` is the size of the table alone, which is 0 only without rows; null if the
 * size could not be read.
 */
export function estimatedRows(pgClass: string, ownBytes: string): string {
  return `(
    case when ${pgClass}.reltuples > 0 then ${pgClass}.reltuples
         when ${pgClass}.relkind = 'r' and ${ownBytes} = 0 then 0
         when ${pgClass}.reltuples = 0 and ${pgClass}.relpages > 0 then 0
         else ${uncounted} end)::float8`
}
