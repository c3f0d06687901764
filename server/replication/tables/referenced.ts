// Tables of the destination that foreign keys refer to: how to change a row only if no other row refers to it, in a
// session without replica role.
import type { Session } from '../../postgres/session.ts'

export interface Referenced {
  /** The root of its partition tree, as SQL. */
  top: string
  /** The columns of the partition keys, at all levels. */
  divides: readonly string[]
  /** GENERATED ALWAYS identity columns. */
  numbered: readonly string[]
  /** The tables that refer to it, for messages. */
  by: readonly string[]
  /** A condition that holds for a row that no row refers to. `table` is the SQL for what the row is in. */
  isFree: (table: string) => string
}

interface Reference {
  top: number
  /** As SQL, with ONLY where rows of children do not count. */
  child: string
  name: string
  pairs: { column: string; referenced: string; equality: string }[]
}

/** By the OID of the root of the partition tree. */
export async function readReferenced(session: Session): Promise<Map<number, Referenced>> {
  const references = await session.query<Reference>(`
    select coalesce(pg_catalog.pg_partition_root(f.confrelid), f.confrelid)::oid as top,
           case c.relkind when 'p' then '' else 'only ' end || pg_catalog.format('%I.%I', n.nspname, c.relname) as child,
           n.nspname || '.' || c.relname as name,
           (select pg_catalog.json_agg(pg_catalog.json_build_object(
                     'column', pg_catalog.quote_ident(a.attname),
                     'referenced', pg_catalog.quote_ident(r.attname),
                     'equality', pg_catalog.format('operator(%I.%s)', s.nspname, o.oprname)))
              from rows from (pg_catalog.unnest(f.conkey), pg_catalog.unnest(f.confkey), pg_catalog.unnest(f.conpfeqop))
                     k (own, other, operator)
              join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.own
              join pg_catalog.pg_attribute r on r.attrelid = f.confrelid and r.attnum = k.other
              join pg_catalog.pg_operator o on o.oid = k.operator
              join pg_catalog.pg_namespace s on s.oid = o.oprnamespace) as pairs
      from pg_catalog.pg_constraint f
      join pg_catalog.pg_class c on c.oid = f.conrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where f.contype = 'f' and f.conparentid = 0`)
  const byTop = Map.groupBy(references, ({ top }) => top)
  if (byTop.size === 0) return new Map()
  const tops = await session.query<
    Pick<Referenced, 'top' | 'divides' | 'numbered'> & {
      oid: number
    }
  >(`
    select c.oid,
           pg_catalog.format('%I.%I', n.nspname, c.relname) as top,
           pg_catalog.array_to_json(array(
             select distinct a.attname
               from pg_catalog.pg_partition_tree(c.oid) t
               join pg_catalog.pg_partitioned_table d on d.partrelid = t.relid
               join pg_catalog.pg_attribute a on a.attrelid = t.relid and a.attnum = any (d.partattrs))) as divides,
           pg_catalog.array_to_json(array(
             select a.attname from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attidentity = 'a' and not a.attisdropped)) as numbered
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.oid in (${[...byTop.keys()].join(', ')})`)
  return new Map(
    tops.map(({ oid, ...table }) => {
      const referring = byTop.get(oid) ?? []
      const by = [...new Set(referring.map(({ name }) => name))]
      return [
        oid,
        { ...table, by, isFree: (place) => referring.map((one) => isFreeOf(one, place)).join(' and ') },
      ]
    }),
  )
}

function isFreeOf({ child, pairs }: Reference, place: string): string {
  const same = pairs.map(
    ({ column, referenced, equality }) => `${place}.${referenced} ${equality} pgtrek.${column}`,
  )
  return `not exists (select from ${child} pgtrek where ${same.join(' and ')})`
}
