// Pieces of SQL that the queries of many checks have in common.

/** What belongs to the user: for a query that knows `pg_namespace` as n. */
export const isUsers = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

/** Created by CREATE EXTENSION, so the destination creates it itself. */
export function isExtensions(catalog: string, oid: string): string {
  return `exists (select from pg_catalog.pg_depend e
                   where e.classid = 'pg_catalog.${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e')`
}

/** `schema.table`, quoted as SQL wants it. */
export const qualifiedName = "pg_catalog.format('%I.%I', n.nspname, c.relname)"

/** The tables, views, ... of the user for which a condition over c and n holds; `of`, `name`, `schema` and `relation` of each. */
export function relationsWhere(condition: string): string {
  return `
    select c.oid as of, ${qualifiedName} as name, n.nspname as schema, c.relname as relation
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where ${isUsers}
       and not ${isExtensions('pg_class', 'c.oid')}
       and ${condition}
     order by 2`
}
