// The rows of every table except pgtrek's own, as a number and a sum of hashes, so that their order does not matter.
import type { Facts, Session } from './session.ts'

type Relation = { name: string; columns: string; partitioned: boolean; populated: boolean }

export async function readRows(session: Session): Promise<Facts> {
  const facts: Facts = new Map()
  for (const relation of await session.unsafe<Relation[]>(relations)) {
    facts.set(
      `rows of ${relation.name}`,
      relation.populated ? await fingerprint(session, relation) : 'not populated',
    )
  }
  return facts
}

async function fingerprint(session: Session, { name, columns, partitioned }: Relation): Promise<string> {
  const [row] = await session.unsafe(`
    select count(*) as rows,
           coalesce(sum(hashtextextended(row(${columns})::text collate "C", 0)::numeric), 0) as hash
    from ${partitioned ? '' : 'only'} ${name}`)
  return `${row?.rows} (hash ${row?.hash})`
}

/**
 * Tables that store rows, which foreign and partitioned ones do not. Exception: the hash of an enum is the hash of its
 * OID, so that the partition of a row differs between servers. Such partitioned tables are compared as a whole, as are
 * those whose partition key is an expression, because its type is not determined here.
 */
const relations = `
  with hashed as (
    select partrelid as oid
    from pg_partitioned_table
    where partstrat = 'h'
      and (0 = any(partattrs) or exists (
        select from pg_attribute a join pg_type t on t.oid = a.atttypid
          left join pg_type e on e.oid in (t.typelem, t.typbasetype)
        where a.attrelid = partrelid and a.attnum = any(partattrs) and 'e' in (t.typtype, e.typtype)))
  ),
  units as (
    select distinct coalesce((
        select h.oid from hashed h
        where c.relispartition and h.oid in (select relid from pg_partition_ancestors(c.oid))
        order by (select count(*) from pg_partition_ancestors(h.oid)) limit 1
      ), c.oid) as oid
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and c.relpersistence <> 't'
      and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgtrek')
  )
  select c.oid::regclass::text as name,
         -- By name: the columns of a child that was attached later have other positions when it is created as a child.
         coalesce((
           select string_agg(quote_ident(attname), ', ' order by attname collate "C")
           from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
         ), '') as columns,
         c.relkind = 'p' as partitioned, c.relispopulated as populated
  from units join pg_class c using (oid)
  order by 1`
