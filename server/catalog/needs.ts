// Which objects need which others, from pg_depend, in terms of whole objects: what a view's rule or a column's
// default needs, the view or table needs.
// https://www.postgresql.org/docs/current/catalog-pg-depend.html
import type { Session } from '../postgres/session.ts'

export interface ObjectKey {
  catalog: 'pg_class' | 'pg_proc' | 'pg_type' | 'pg_trigger'
  oid: number
}

export function objectKey({ catalog, oid }: ObjectKey): string {
  return `${catalog} ${oid}`
}

interface Row {
  catalog: ObjectKey['catalog']
  oid: number
  neededCatalog: ObjectKey['catalog']
  needed: number
}

/**
 * A foreign key does not count: if the other table is not migrated, the table is migrated without the foreign key.
 */
export async function readNeeds(session: Session): Promise<Map<string, Set<string>>> {
  const rows = await session.query<Row>(`
    with whole (class, part, catalog, oid) as (
      select 'pg_catalog.pg_rewrite'::regclass, oid, 'pg_class', ev_class from pg_catalog.pg_rewrite
      union all
      select 'pg_catalog.pg_attrdef'::regclass, oid, 'pg_class', adrelid from pg_catalog.pg_attrdef
      union all
      select 'pg_catalog.pg_constraint'::regclass, oid,
             case when conrelid <> 0 then 'pg_class' else 'pg_type' end,
             case when conrelid <> 0 then conrelid else contypid end
        from pg_catalog.pg_constraint
       where contype = 'c'
      union all
      select 'pg_catalog.pg_class'::regclass, oid, 'pg_class', oid from pg_catalog.pg_class
       where relkind in ('r', 'p', 'f', 'v', 'm', 'S')
      union all
      select 'pg_catalog.pg_class'::regclass, c.oid, 'pg_class', i.indrelid
        from pg_catalog.pg_class c
        join pg_catalog.pg_index i on i.indexrelid = c.oid
      union all
      select 'pg_catalog.pg_class'::regclass, oid, 'pg_type', reltype from pg_catalog.pg_class
       where relkind = 'c'
      union all
      select 'pg_catalog.pg_proc'::regclass, oid, 'pg_proc', oid from pg_catalog.pg_proc
      union all
      select 'pg_catalog.pg_trigger'::regclass, oid, 'pg_trigger', oid from pg_catalog.pg_trigger
       where not tgisinternal
      union all
      -- An array type counts as its element type, and a row type as its table.
      select 'pg_catalog.pg_type'::regclass, t.oid,
             case when c.relkind <> 'c' then 'pg_class' else 'pg_type' end,
             case when c.relkind <> 'c' then c.oid else b.oid end
        from pg_catalog.pg_type t
        join pg_catalog.pg_type b
          on b.oid = case when t.typelem <> 0 and t.typlen = -1 and t.typtype = 'b' then t.typelem else t.oid end
        left join pg_catalog.pg_class c on c.oid = b.typrelid
    )
    select distinct
           w.catalog,
           w.oid,
           r.catalog as "neededCatalog",
           r.oid     as needed
      from pg_catalog.pg_depend d
      join whole w on w.class = d.classid and w.part = d.objid
      join whole r on r.class = d.refclassid and r.part = d.refobjid
     where d.deptype in ('n', 'a', 'i')
       and d.objid >= 16384
       and d.refobjid >= 16384
       and (w.catalog, w.oid) <> (r.catalog, r.oid)
       -- An owned sequence is part of its table: the table needs it, and it does not need the table.
       and not (d.classid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i')
                and exists (select from pg_catalog.pg_class s where s.oid = d.objid and s.relkind = 'S'))`)
  const needs = new Map<string, Set<string>>()
  for (const { catalog, oid, neededCatalog, needed } of rows) {
    const key = objectKey({ catalog, oid })
    const list = needs.get(key) ?? new Set<string>()
    list.add(objectKey({ catalog: neededCatalog, oid: needed }))
    needs.set(key, list)
  }
  return needs
}
