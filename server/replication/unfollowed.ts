// Tables of followed schemas that are not followed, in plain words: DDL is not in the stream, so somebody has to
// look for it.
import { quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { type TableId, tableKey } from './destination-tables.ts'
import { type Publications, publicationList } from './publication.ts'

export interface Unfollowed {
  table: TableId
  /** `new`: came up since, or was never asked for; `gone`: followed once, and not there under this name. */
  kind: 'new' | 'new_partition' | 'gone' | 'not_published'
  words: string
}

export interface FollowedTables {
  publication: Publications
  followed: readonly TableId[]
  /** Known not to be followed: nothing is said of them. */
  leftOut?: readonly TableId[]
  /** Those of the followed tables unless told. */
  schemas?: readonly string[]
}

type Row = TableId & { parent: string | null; root: string | null; published: boolean }

export async function findUnfollowed(source: Session, asked: FollowedTables): Promise<Unfollowed[]> {
  const { publication, followed, leftOut = [] } = asked
  const schemas = asked.schemas ?? [...new Set(followed.map(({ schema }) => schema))]
  const list = [...new Set([...schemas, ...followed.map(({ schema }) => schema)])].map(quoteLiteral)
  const rows = await source.query<Row>(`
    select n.nspname as schema,
           c.relname as name,
           (select format('%s.%s', m.nspname, k.relname)
              from pg_catalog.pg_inherits i
              join pg_catalog.pg_class k on k.oid = i.inhparent
              join pg_catalog.pg_namespace m on m.oid = k.relnamespace
             where i.inhrelid = c.oid and c.relispartition) as parent,
           (select json_build_array(m.nspname, k.relname)::text
              from pg_catalog.pg_class k join pg_catalog.pg_namespace m on m.oid = k.relnamespace
             where k.oid = pg_catalog.pg_partition_root(c.oid) and c.relispartition) as root,
           exists (select from pg_catalog.pg_publication_tables p
                    where p.pubname in ${publicationList(publication)} and p.schemaname = n.nspname
                      and p.tablename in (c.relname, (
                            select k.relname from pg_catalog.pg_class k
                             where k.oid = pg_catalog.pg_partition_root(c.oid)))) as published
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and c.relpersistence = 'p'
       and n.nspname = any (array[${list.join(', ')}]::text[])
       and not exists (select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
     order by 1, 2`)
  const there = new Map(rows.map((row) => [tableKey(row), row]))
  const keys = new Set(followed.map(tableKey))
  const silent = new Set([...keys, ...leftOut.map(tableKey)])
  // A tree is followed by its root, or by its partitions.
  const trees = new Set(rows.filter((row) => keys.has(tableKey(row))).map(({ root }) => root && normal(root)))
  const isCovered = (row: Row) => {
    const root = row.root === null ? tableKey(row) : normal(row.root)
    return keys.has(root) || trees.has(root)
  }
  const found: Unfollowed[] = []
  for (const table of followed) {
    const row = there.get(tableKey(table))
    const name = `${table.schema}.${table.name}`
    if (!row) {
      found.push({
        table: id(table),
        kind: 'gone',
        words: `${name} is followed, but the source has no such table any more: it was dropped or renamed`,
      })
    } else if (!row.published && row.parent === null && !hasPublishedPart(row, rows)) {
      found.push({
        table: id(table),
        kind: 'not_published',
        words:
          `${name} is followed, but not published any more: it was taken out of ${[publication].flat().join(', ')}, or is no partition of a ` +
          'published table any more; its changes do not come',
      })
    }
  }
  for (const row of rows) {
    const name = `${row.schema}.${row.name}`
    if (silent.has(tableKey(row))) continue
    if (row.parent !== null && isCovered(row)) {
      if (!row.published) found.push(partitionNotPublished(row, [publication].flat().join(', ')))
    } else if (row.parent === null && !isCovered(row)) {
      found.push({
        table: id(row),
        kind: 'new',
        words:
          `${name} is not followed: its rows are neither copied nor kept up to date. To take it along, begin anew with it, ` +
          'or copy it when nobody writes to it any more',
      })
    }
  }
  return found
}

/** Below 13, and where partitions were published one by one. */
function partitionNotPublished(row: Row, publication: Publications): Unfollowed {
  const name = `${row.schema}.${row.name}`
  const [first] = [publication].flat()
  return {
    table: id(row),
    kind: 'new_partition',
    words:
      `${name} is a partition of ${row.parent} that ${first} does not have: its changes are not sent. Add it before ` +
      `rows go there: make the table on the destination, then alter publication ${first} add table ${name}; rows that ` +
      'are in it already have to be copied',
  }
}

function hasPublishedPart(root: Row, rows: readonly Row[]): boolean {
  const key = tableKey(root)
  return rows.some((row) => row.published && row.root !== null && normal(row.root) === key)
}

/** json_build_array puts blanks where JSON.stringify does not. */
function normal(root: string): string {
  return JSON.stringify(JSON.parse(root))
}

function id({ schema, name }: TableId): TableId {
  return { schema, name }
}
