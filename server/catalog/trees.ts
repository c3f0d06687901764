// Partitioned tables of the destination, with all their partitions.
import type { Session } from '../postgres/session.ts'

export interface PartitionTree {
  schema: string
  name: string
  /** From the root to the last partition. `plain`: an ordinary table, not a foreign one. */
  members: { schema: string; name: string; leaf: boolean; plain: boolean }[]
}

/** The complete trees that these tables are part of. */
export async function readPartitionTrees(
  session: Session,
  oids: readonly number[],
): Promise<PartitionTree[]> {
  if (oids.length === 0) return []
  return await session.query<PartitionTree>(`
    with root as (
      select distinct pg_catalog.pg_partition_root(c.oid)::oid as oid
        from pg_catalog.pg_class c
       where c.oid = any ('{${oids.join(',')}}'::oid[])
         and (c.relispartition or c.relkind = 'p'))
    select n.nspname as schema,
           c.relname as name,
           (select json_agg(json_build_object('schema', mn.nspname, 'name', m.relname, 'leaf', t.isleaf,
                                              'plain', m.relkind = 'r')
                            order by t.level)
              from pg_catalog.pg_partition_tree(root.oid) t
              join pg_catalog.pg_class m on m.oid = t.relid
              join pg_catalog.pg_namespace mn on mn.oid = m.relnamespace) as members
      from root
      join pg_catalog.pg_class c on c.oid = root.oid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     order by 1, 2`)
}
