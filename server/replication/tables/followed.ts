// Which relation of the source is written to which table of the destination, by OID on both sides, because a name can
// pass to another table within a transaction. Read again with every connection, because partitions are added and
// removed.

import { type TableName, tableKey } from '../../../shared/table-name.ts'
import type { Session } from '../../postgres/session.ts'
import { type Publications, publicationList } from '../stream/publication.ts'

/** A table to follow, by its name on the destination, with its OIDs once they are known. */
export interface WantedTable extends TableName {
  from?: number | undefined
  to?: number | undefined
  joined?: boolean | undefined
}

export interface TablePair extends TableName {
  /** pg_class.oid on the source. */
  from: number
  /** On the destination. Undefined while it has no such table. */
  to: number | undefined
  /** Not requested at the start: a new partition, or a table that a user accepted at a conflict. */
  joined: boolean
}

export interface LeftOutTable extends TableName {
  oid?: number | undefined
  /**
   * It was a partition when the move started. One that has been attached to a followed tree since belongs to the
   * tree.
   */
  isPartition?: boolean | undefined
}

interface FollowedRequest {
  publication: Publications
  tables: readonly WantedTable[]
  /** Tables that existed when the move started and are not part of it. */
  leftOut: readonly LeftOutTable[]
  /** OIDs that a user accepted: they are followed under their names. */
  accepted: ReadonlySet<number>
}

/**
 * Why changes of a relation that is not followed may be left out: `left_out` when the move started, `extension` and
 * `own` tables are part of no move, and no row of a `dropped` one exists any more. Undefined: it is not known whether
 * they may.
 */
export type NotFollowedReason = 'left_out' | 'extension' | 'own' | 'dropped' | undefined

export interface Followed {
  pairs: ReadonlyMap<number, TablePair>
  whyNotFollowed: (oid: number) => NotFollowedReason
  /** With their OIDs, where the source has them. */
  leftOut: LeftOutTable[]
  /** Whether everything that this transaction saw was visible when the catalog was read. */
  hasSeen: (xid: number) => boolean
  /** Requested, but not published any more: dropped, detached, or removed from the publication. */
  gone: TableName[]
  /** Tables of the destination that were dropped and created again, without their copied rows. */
  replaced: TableName[]
}

export interface SourceRelation extends TableName {
  oid: number
  kind: string
  /** The root of its partition tree; null outside of one. */
  root: number | null
  /** In its partition tree, including itself. */
  ancestors: number[]
  published: boolean
  /** Not unlogged. */
  logged: boolean
  extension: boolean
}

export async function readFollowed(
  source: Session,
  destination: Session,
  wanted: FollowedRequest,
): Promise<Followed> {
  const hasSeen = await readSnapshot(source)
  const relations = new Map((await readRelations(source, wanted.publication)).map((one) => [one.oid, one]))
  const byName = new Map([...relations.values()].map((one) => [tableKey(one), one.oid]))
  const pairs = new Map<number, TablePair>()
  const gone: TableName[] = []
  let isComplete = true
  const isPresent = presence(relations.values())
  for (const table of wanted.tables) {
    const from = table.from ?? byName.get(tableKey(table))
    const relation = from === undefined ? undefined : relations.get(from)
    if (!relation || !isPresent(relation)) gone.push({ schema: table.schema, name: table.name })
    if (from === undefined) isComplete = false
    else {
      const { schema, name, to, joined = false } = table
      pairs.set(from, { schema, name, from, to, joined })
    }
  }
  const roots = new Set([...pairs.keys()].map((oid) => relations.get(oid)?.root ?? undefined))
  const others = wanted.leftOut.map((table) => ({ ...table, oid: table.oid ?? byName.get(tableKey(table)) }))
  const leftOut = new Set(
    others
      .filter(({ oid, isPartition }) => {
        const root = oid === undefined ? undefined : relations.get(oid)?.root
        return isPartition !== false || !root || !roots.has(root)
      })
      .map(({ oid }) => oid),
  )
  for (const oid of pairs.keys()) leftOut.delete(oid)
  for (const relation of relations.values()) {
    const { oid, schema, name, kind, root, published } = relation
    if (pairs.has(oid) || leftOut.has(oid)) continue
    // The changes of a partition that is sent under another name also belong to the relation.
    const isSent = published || (kind === 'r' && isPresent(relation))
    const isOfTree = isSent && root !== null && roots.has(root)
    if (isOfTree || wanted.accepted.has(oid)) {
      // The root of a tree that is sent as a whole has no rows except those of its partitions.
      pairs.set(oid, { schema, name, from: oid, to: undefined, joined: !(isOfTree && kind === 'p') })
    }
  }
  const replaced = await findPlaces(destination, pairs, relations)
  return {
    pairs,
    gone,
    replaced,
    leftOut: others,
    hasSeen,
    whyNotFollowed(oid) {
      const relation = relations.get(oid)
      if (leftOut.has(oid) || (relation?.root && leftOut.has(relation.root))) return 'left_out'
      // It may be a requested table whose OID is not known.
      if (!relation) return isComplete ? 'dropped' : undefined
      if (relation.extension) return 'extension'
      return relation.schema === 'pgtrek' ? 'own' : undefined
    },
  }
}

/** A transaction can be sent before it is visible to other sessions, for instance while it waits for a standby. */
async function readSnapshot(source: Session): Promise<(xid: number) => boolean> {
  const { snapshot } = await source.one<{ snapshot: string }>(
    'select pg_catalog.txid_current_snapshot()::text as snapshot',
  )
  const [, xmax = '0', running = ''] = snapshot.split(':')
  // Messages contain the lower half of the number.
  const low = (text: string) => Number(BigInt(text) & 0xffff_ffffn)
  const inProgress = new Set(running.split(',').filter(Boolean).map(low))
  return (xid) => ((xid - low(xmax)) | 0) < 0 && !inProgress.has(xid)
}

/** The tables on the destination, and those that were dropped and created again there. */
async function findPlaces(
  destination: Session,
  pairs: ReadonlyMap<number, TablePair>,
  relations: ReadonlyMap<number, SourceRelation>,
): Promise<TableName[]> {
  const there = await readNames(destination)
  const byName = new Map([...there].map(([oid, table]) => [tableKey(table), oid]))
  const taken = new Set([...pairs.values()].map(({ to }) => to))
  const replaced: TableName[] = []
  // A table that still exists on the source comes before one that was dropped there.
  const isThere = (pair: TablePair) => Number(relations.has(pair.from))
  for (const pair of [...pairs.values()].sort((one, other) => isThere(other) - isThere(one))) {
    const known = pair.to === undefined ? undefined : there.get(pair.to)
    if (known) {
      Object.assign(pair, known)
      continue
    }
    const before = pair.to
    pair.to = undefined
    for (const name of [pair, relations.get(pair.from)]) {
      const oid = name && byName.get(tableKey(name))
      if (!name || oid === undefined || taken.has(oid)) continue
      taken.add(oid)
      Object.assign(pair, { to: oid, schema: name.schema, name: name.name })
      if (before !== undefined) replaced.push({ schema: name.schema, name: name.name })
      break
    }
  }
  return replaced
}

/** Whether the stream has changes of a relation: as a table, as part of a tree, or as the root of one. */
function presence(relations: Iterable<SourceRelation>): (relation: SourceRelation) => boolean {
  const published = [...relations].filter((relation) => relation.published)
  const oids = new Set(published.map(({ oid }) => oid))
  const roots = new Set(published.map(({ root }) => root))
  return ({ oid, kind, root, ancestors }) =>
    oids.has(oid) ||
    ancestors.some((ancestor) => oids.has(ancestor)) ||
    (root !== null && kind === 'p' && roots.has(root))
}

export async function readRelations(source: Session, publication: Publications): Promise<SourceRelation[]> {
  return await source.query<SourceRelation>(`
    with published as (
      select distinct c.oid
        from pg_catalog.pg_publication_tables p
        join pg_catalog.pg_namespace n on n.nspname = p.schemaname
        join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
       where p.pubname in ${publicationList(publication)})
    select c.oid,
           n.nspname                             as schema,
           c.relname                             as name,
           c.relkind                             as kind,
           pg_catalog.pg_partition_root(c.oid)::oid as root,
           pg_catalog.to_json(array(select a.relid::oid::int8 from pg_catalog.pg_partition_ancestors(c.oid) a)) as ancestors,
           p.oid is not null                     as published,
           c.relpersistence = 'p'                as logged,
           exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                      and d.deptype = 'e')       as extension
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join published p on p.oid = c.oid
     where c.relkind in ('r', 'p') and c.relpersistence <> 't'
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`)
}

/** The names of all tables, by OID. */
export async function readNames(session: Session): Promise<Map<number, TableName>> {
  const rows = await session.query<TableName & { oid: number }>(`
    select c.oid, n.nspname as schema, c.relname as name
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't'
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`)
  return new Map(rows.map(({ oid, ...table }) => [oid, table]))
}
