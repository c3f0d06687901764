// Partition trees: whether rows are routed to the same partition on the destination, and which partitions are followed.

import { formatCount } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'
import { publicationSince } from '../replication/stream/publication.ts'
import { isUsers, qualifiedName } from './catalog-sql.ts'
import { type Check, type CheckContext, type Finding, foundIn, passed } from './check.ts'
import { fixes, ownerOf } from './fix.ts'

interface Tree {
  of: number
  name: string
  strategy: 'h' | 'l' | 'r'
  byEnum: boolean
  byText: boolean
  foreign: string[]
  pending: { name: string; parent: string }[]
  leaves: number
  /** OIDs of the leaf partitions: a tree may be selected in part. */
  parts: number[]
}

export const partitionTrees: Check = {
  id: 'partition-trees',
  title: 'Partition trees',
  why: say`Each row must be routed to the same partition again: with another encoding, enum or collation it may be routed to another one.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const trees = await foundIn<Tree>(context, treesSql(context.source.major))
    const objects = trees.flatMap((tree) =>
      objections(tree, context).map((words) => `${tree.name}: ${words}`),
    )
    const leaves = trees.reduce((sum, tree) => sum + tree.leaves, 0)
    if (objects.length === 0) {
      return passed(
        trees.length === 0
          ? say`there are none`
          : say`${formatCount(trees.length, 'tree')} with ${formatCount(leaves, 'partition')} in all`,
      )
    }
    return {
      status: 'warning',
      found: say`some partition trees need to be checked`,
      todo: say`Check that each is intended; finish pending detaches before the migration.`,
      objects,
      sql: fixes(
        'source',
        ownerOf('the table'),
        ...trees.flatMap(({ pending }) =>
          pending.map(({ name, parent }) => `alter table ${parent} detach partition ${name} finalize`),
        ),
      ),
    }
  },
}

function objections(tree: Tree, { facts, follow, scope, source }: CheckContext): string[] {
  const { source: ours, destination: theirs } = facts
  const isPart = tree.parts.some((leaf) => !scope.has(leaf))
  return [
    ...(tree.strategy === 'h' && tree.byEnum
      ? [say`hashed by an enum: one worker copies all rows through the partitioned table`]
      : []),
    ...(tree.strategy === 'h' && tree.byText && ours.encoding !== theirs.encoding
      ? [say`hashed by text in another encoding: rows go to other partitions`]
      : []),
    ...tree.foreign.map((name) => say`partition ${name} is a foreign table, whose rows are not copied`),
    ...tree.pending.map(
      ({ name }) => say`partition ${name} is being detached, and will be a separate table on the destination`,
    ),
    ...(follow && tree.foreign.length > 0
      ? [say`a tree with a foreign partition cannot be published as a whole`]
      : []),
    ...(follow && isPart ? [say`selected in part: partitions that are created later are not followed`] : []),
    ...(follow && source.major < publicationSince.partitioned
      ? [
          say`PostgreSQL ${source.major} publishes partitions one by one: those that are created later are not followed`,
        ]
      : []),
  ]
}

function treesSql(major: number): string {
  const list = (query: string) =>
    `(select coalesce(json_agg(x.name order by x.name), '[]') from (${query}) x)`
  const partitions = `
    from pg_catalog.pg_partition_tree(c.oid) t
    join pg_catalog.pg_class l on l.oid = t.relid
    join pg_catalog.pg_namespace m on m.oid = l.relnamespace`
  // Partitions at any level of the tree.
  const pending = `
    (select coalesce(json_agg(json_build_object(
              'name', pg_catalog.format('%I.%I', m.nspname, l.relname),
              'parent', pg_catalog.format('%I.%I', s.nspname, q.relname)) order by l.relname), '[]')
       from pg_catalog.pg_inherits i
       join pg_catalog.pg_class l on l.oid = i.inhrelid
       join pg_catalog.pg_namespace m on m.oid = l.relnamespace
       join pg_catalog.pg_class q on q.oid = i.inhparent
       join pg_catalog.pg_namespace s on s.oid = q.relnamespace
      where i.inhdetachpending and pg_catalog.pg_partition_root(q.oid) = c.oid)`
  return `
    select c.oid as of, ${qualifiedName} as name, p.partstrat as strategy,
           exists (select from unnest(p.partclass) k (opclass)
                     join pg_catalog.pg_opclass o on o.oid = k.opclass
                    where o.opcintype = 'pg_catalog.anyenum'::regtype) as "byEnum",
           exists (select from unnest(p.partcollation) k (number) where k.number <> 0) as "byText",
           ${list(`select pg_catalog.format('%I.%I', m.nspname, l.relname) as name ${partitions} where l.relkind = 'f'`)} as foreign,
           ${major >= 14 ? pending : "'[]'::json"} as pending,
           (select count(*) ${partitions} where t.isleaf and l.relkind = 'r')::int as leaves,
           (select coalesce(json_agg(l.oid::int8), '[]') ${partitions} where t.isleaf and l.relkind = 'r') as parts
      from pg_catalog.pg_partitioned_table p
      join pg_catalog.pg_class c on c.oid = p.partrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where not c.relispartition and ${isUsers}
     order by 2`
}
