// What decides whether the changes of a table can be followed.

import { tableKey } from '../../../shared/table-name.ts'
import type { Session } from '../../postgres/session.ts'
import { publicationSince } from '../stream/publication.ts'

/** How a row is identified: by its key, a unique index, all columns, or not at all. */
export type Identity = 'key' | 'index' | 'full' | 'none'

export interface FollowedTable {
  oid: number
  schema: string
  name: string
  /** As SQL. */
  sqlName: string
  /** Whether it belongs to an extension. */
  member: boolean
  /** pg_class.relkind and relpersistence. */
  kind: string
  persistence: string
  owned: boolean
  generated: string[]
  /** Generated columns that are needed to identify rows, although the server cannot send them. */
  unsent: string[]
  /** The identity of the table, or of every partition, where the server looks for it. */
  identities: [place: string, identity: Identity][]
}

export async function readFollowedTables(session: Session): Promise<Map<string, FollowedTable>> {
  const rows = await session.query<
    Omit<FollowedTable, 'identities'> & { parent: number | null; identity: Identity }
  >(`
    select c.oid,
           n.nspname                                  as schema,
           c.relname                                  as name,
           pg_catalog.format('%I.%I', n.nspname, c.relname) as "sqlName",
           exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                      and d.deptype = 'e')            as member,
           c.relkind                                  as kind,
           c.relpersistence                           as persistence,
           pg_catalog.pg_has_role(c.relowner, 'usage') as owned,
           array_to_json(array(
             select a.attname from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated <> ''
              order by a.attnum))                     as generated,
           array_to_json(array(
             select a.attname from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                and ${session.major >= publicationSince.generated ? "a.attgenerated = 'v'" : "a.attgenerated <> ''"}
                and (${session.major >= publicationSince.generated} and c.relreplident = 'f'
                     or exists (select from pg_catalog.pg_index i
                                 where i.indrelid = c.oid and a.attnum = any (i.indkey) and c.relreplident <> 'f'
                                   and case c.relreplident when 'i' then i.indisreplident else i.indisprimary end))
              order by a.attnum))                     as unsent,
           case when c.relispartition then i.inhparent end as parent,
           case c.relreplident
             when 'f' then 'full'
             when 'i' then case when exists (
               select from pg_catalog.pg_index x
                where x.indrelid = c.oid and x.indisreplident and x.indisvalid and x.indimmediate)
               then 'index' else 'none' end
             when 'd' then case when exists (
               select from pg_catalog.pg_index x
                where x.indrelid = c.oid and x.indisprimary and x.indisvalid and x.indimmediate)
               then 'key' else 'none' end
             else 'none'
           end                                        as identity
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_inherits i on i.inhrelid = c.oid and i.inhseqno = 1
     where c.relkind in ('r', 'p', 'f')
       and c.relpersistence <> 't'
       and n.nspname !~ '^pg_'
       and n.nspname <> 'information_schema'`)
  const children = new Map<number, typeof rows>()
  for (const row of rows) {
    if (row.parent === null) continue
    const list = children.get(row.parent)
    if (list) list.push(row)
    else children.set(row.parent, [row])
  }
  const leaves = (row: (typeof rows)[number]): typeof rows =>
    row.kind === 'p' ? (children.get(row.oid) ?? []).flatMap(leaves) : [row]
  return new Map(
    rows.map((row) => {
      const { parent: _, identity: __, ...table } = row
      const identities = leaves(row).map((leaf): [string, Identity] => [leaf.sqlName, leaf.identity])
      return [tableKey(row), { ...table, identities }]
    }),
  )
}
