// The catalog queries that several checks share, by subject. In all of them c is the relation and n its schema.

/** Schemas of users, in a query with `pg_namespace` as n. */
export const isUsers = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

/** True for objects of an extension, which CREATE EXTENSION creates on the destination. */
export function isExtensions(catalog: string, oid: string): string {
  return `exists (select from pg_catalog.pg_depend e
                   where e.classid = 'pg_catalog.${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e')`
}

/** The OID of the database of the session. */
export const currentDatabase =
  '(select d.oid from pg_catalog.pg_database d where d.datname = current_database())'

/** The schema of the extension x; null for an extension that creates its own. */
export const extensionSchema = `
  (select s.nspname
     from pg_catalog.pg_namespace s
    where s.oid = x.extnamespace
      and not exists (select from pg_catalog.pg_depend d
                       where d.classid = 'pg_catalog.pg_namespace'::regclass and d.objid = s.oid
                         and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = x.oid
                         and d.deptype = 'e'))`

/** `schema.table`, each part quoted where SQL requires it. */
export const qualifiedName = "pg_catalog.format('%I.%I', n.nspname, c.relname)"

const schemaOfRelation = 'join pg_catalog.pg_namespace n on n.oid = c.relnamespace'

/** With the column as a. */
export const fromColumns = `
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid
  ${schemaOfRelation}`

/** With the constraint as k. */
export const fromConstraints = `
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid
  ${schemaOfRelation}`

/** With `pg_index` as i and the index as x; c is its table. */
export const fromIndexes = `
  from pg_catalog.pg_index i
  join pg_catalog.pg_class x on x.oid = i.indexrelid
  join pg_catalog.pg_class c on c.oid = i.indrelid
  ${schemaOfRelation}`

/** With the trigger as t. */
export const fromTriggers = `
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_class c on c.oid = t.tgrelid
  ${schemaOfRelation}`

/** With the rule as r. */
export const fromRules = `
  from pg_catalog.pg_rewrite r
  join pg_catalog.pg_class c on c.oid = r.ev_class
  ${schemaOfRelation}`

/** Tables, views, ... of users; `of`, `name`, `schema` and `relation` of each. */
export function relationsWhere(condition: string): string {
  return `
    select c.oid as of, ${qualifiedName} as name, n.nspname as schema, c.relname as relation
      from pg_catalog.pg_class c
      ${schemaOfRelation}
     where ${isUsers}
       and not ${isExtensions('pg_class', 'c.oid')}
       and ${condition}
     order by 2`
}

/** Columns of tables of users; `of` and `name` of each. */
export function columnsWhere(condition: string): string {
  return `
    select c.oid as of, pg_catalog.format('%s.%I', ${qualifiedName}, a.attname) as name
    ${fromColumns}
     where c.relkind in ('r', 'p', 'f') and a.attnum > 0 and not a.attisdropped and ${isUsers} and ${condition}
     order by 2`
}

/** Constraints of tables of users; `of` and `name` of each. */
export function constraintsWhere(condition: string): string {
  return `
    select c.oid as of, pg_catalog.format('%I of %s', k.conname, ${qualifiedName}) as name
    ${fromConstraints}
     where ${isUsers} and ${condition}
     order by 2`
}

/** Indexes of tables of users; `of` and `name` of each. */
export function indexesWhere(condition: string): string {
  return `
    select c.oid as of, pg_catalog.format('%I of %s', x.relname, ${qualifiedName}) as name
    ${fromIndexes}
     where ${isUsers} and ${condition}
     order by 2`
}
