// Foreign keys that the destination has before the run.
import type { Session } from '../postgres/session.ts'
import { oidArray } from './existing.ts'

export interface ExistingForeignKey {
  name: string
  table: { schema: string; name: string }
  referenced: { schema: string; name: string }
  columns: string[]
  referencedColumns: string[]
  /** The operators that compare a referencing column with its referenced one: `operator(pg_catalog.=)`. */
  operators: string[]
  /** PERIOD: it cannot be checked row by row. */
  temporal: boolean
  /** Whether the rows of each table are in partitions. */
  tablePartitioned: boolean
  referencedPartitioned: boolean
  /** MATCH FULL: a row in which only some of its columns are null violates it. */
  matchFull: boolean
  /** Whether deleting a referenced row changes the rows that refer to it. */
  deleteActs: boolean
  definition: string
  validated: boolean
  comment: string | null
  /** Whether our role owns its table. */
  mine: boolean
  /** Whether our role may drop it and, which is a separate privilege, create it again. */
  owned: boolean
}

/** The foreign keys from or to these tables; for a partitioned table only its own, not those of its partitions. */
export function readExistingForeignKeys(
  session: Session,
  oids: readonly number[],
): Promise<ExistingForeignKey[]> {
  if (oids.length === 0) return Promise.resolve([])
  return session.query<ExistingForeignKey>(`
    select k.conname                                   as name,
           json_build_object('schema', n.nspname, 'name', c.relname)   as "table",
           json_build_object('schema', rn.nspname, 'name', r.relname)  as referenced,
           ${columnNames('k.conkey', 'k.conrelid')}    as columns,
           ${columnNames('k.confkey', 'k.confrelid')}  as "referencedColumns",
           (select json_agg(pg_catalog.format('operator(%I.%s)', (select n.nspname from pg_catalog.pg_namespace n where n.oid = o.oprnamespace), o.oprname)
                            order by p.place)
              from unnest(k.conpfeqop) with ordinality p (operator, place)
              join pg_catalog.pg_operator o on o.oid = p.operator) as operators,
           ${session.major >= 18 ? 'k.conperiod' : 'false'} as temporal,
           c.relkind = 'p'                             as "tablePartitioned",
           r.relkind = 'p'                             as "referencedPartitioned",
           k.confmatchtype = 'f'                       as "matchFull",
           k.confdeltype in ('c', 'n', 'd')            as "deleteActs",
           pg_catalog.pg_get_constraintdef(k.oid)      as definition,
           k.convalidated                              as validated,
           pg_catalog.obj_description(k.oid, 'pg_constraint') as comment,
           pg_catalog.pg_has_role(c.relowner, 'usage') as mine,
           pg_catalog.pg_has_role(c.relowner, 'usage')
             and pg_catalog.has_schema_privilege(rn.oid, 'usage')
             and (pg_catalog.has_table_privilege(r.oid, 'references')
                  or not exists (select from unnest(k.confkey) column_number
                                  where not pg_catalog.has_column_privilege(r.oid, column_number, 'references'))) as owned
      from pg_catalog.pg_constraint k
      join pg_catalog.pg_class c on c.oid = k.conrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_class r on r.oid = k.confrelid
      join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
     where k.contype = 'f'
       and k.conparentid = 0
       and exists (
             with recursive tree as (
               select k.conrelid as oid union select k.confrelid
               union
               select i.inhrelid from pg_catalog.pg_inherits i join tree on i.inhparent = tree.oid)
             select from tree where tree.oid = any (${oidArray(oids)}))
     order by n.nspname, c.relname, k.conname`)
}

function columnNames(numbers: string, table: string): string {
  return `(select json_agg(a.attname order by p.place)
             from unnest(${numbers}) with ordinality p (attnum, place)
             join pg_catalog.pg_attribute a on a.attrelid = ${table} and a.attnum = p.attnum)`
}
