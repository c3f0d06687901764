// What is broken in the source already, and would be no better on the destination.
import { type Check, foundIn, isUsers, namesFound, qualifiedName, unless } from './check.ts'

const invalidIndexes: Check = {
  id: 'invalid-indexes',
  title: 'Invalid indexes',
  why: 'An index that was never completed is not dumped: the destination will not have it.',
  async look(sight) {
    const indexes = await namesFound(
      sight,
      `select i.indrelid as of, ${qualifiedName} as name
         from pg_catalog.pg_index i
         join pg_catalog.pg_class c on c.oid = i.indexrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where (not i.indisvalid or not i.indisready) and c.relkind = 'i' and ${isUsers}
        order by 2`,
    )
    return unless(indexes, 'there are none', {
      status: 'warning',
      found: 'left over from a CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY that failed',
      todo: 'Build them again, or drop them.',
      sql: indexes.flatMap((name) => [`reindex index concurrently ${name}`, `-- or: drop index ${name}`]),
    })
  },
}

const notValid: Check = {
  id: 'not-valid-constraints',
  title: 'Constraints that were never validated',
  why: 'Rows may break them; they arrive NOT VALID as they are, and validating them there may fail.',
  async look(sight) {
    const rows = await foundIn<{ constraint: string; table: string }>(
      sight,
      `
      select c.oid as of, pg_catalog.quote_ident(k.conname) as "constraint", ${qualifiedName} as "table"
        from pg_catalog.pg_constraint k
        join pg_catalog.pg_class c on c.oid = k.conrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where not k.convalidated and k.contype in ('c', 'f', 'n') and ${isUsers}
       order by 3, 2`,
    )
    return unless(
      rows.map(({ constraint, table }) => `${constraint} of ${table}`),
      'there are none',
      {
        status: 'warning',
        found: 'they stay NOT VALID on the destination',
        todo: 'Validate them on the source, and mend the rows that break them.',
        sql: rows.map(({ constraint, table }) => `alter table ${table} validate constraint ${constraint}`),
      },
    )
  },
}

export const soundnessChecks: readonly Check[] = [invalidIndexes, notValid]
