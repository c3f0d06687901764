// The publication on the source: which tables' changes are sent.
// https://www.postgresql.org/docs/current/logical-replication-publication.html

import { say } from '../../../shared/say.ts'
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'

export interface PublishedTable extends TableName {
  /** Only rows for which this SQL condition holds; needs 15. */
  where?: string | undefined
  /** Only these columns; needs 15. */
  columns?: readonly string[] | undefined
}

export interface PublicationOptions {
  /** Changes of partitions are published under the root table, so that the destination may have other partitions. */
  viaRoot: boolean
  /** Updates and deletes are not published, so that the tables need no replica identity. */
  insertsOnly?: boolean
  /** Stored generated columns are sent as well; needs 18. */
  generated?: boolean
}

/** One, or several whose tables are sent together. */
export type Publications = string | readonly string[]

/** For `pubname in`. */
export function publicationList(publication: Publications): string {
  return `(${[publication].flat().map(quoteLiteral).join(', ')})`
}

export const publicationSince = { partitioned: 13, viaRoot: 13, filters: 15, generated: 18 } as const

export async function createPublication(
  session: Session,
  name: string,
  tables: readonly PublishedTable[],
  options: PublicationOptions = { viaRoot: false },
): Promise<void> {
  const generated = options.generated ?? (await needGenerated(session, tables))
  await session.execute(createPublicationSql(session.major, name, tables, { ...options, generated }))
}

/**
 * From 18 on the source refuses updates and deletes when a generated column is part of the replica identity and not
 * published.
 */
async function needGenerated(session: Session, tables: readonly TableName[]): Promise<boolean> {
  if (session.major < publicationSince.generated) return false
  const rows = await session.query<TableName>(`
    select n.nspname as schema, r.relname as name
      from pg_catalog.pg_class c
      join pg_catalog.pg_class r on r.oid = coalesce(pg_catalog.pg_partition_root(c.oid), c.oid)
      join pg_catalog.pg_namespace n on n.oid = r.relnamespace
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attgenerated = 's' and not a.attisdropped
     where c.relreplident = 'f'
        or exists (select from pg_catalog.pg_index i
                    where i.indrelid = c.oid and a.attnum = any (i.indkey)
                      and case c.relreplident when 'i' then i.indisreplident else i.indisprimary end)`)
  const wanted = new Set(tables.map(tableKey))
  return rows.some((row) => wanted.has(tableKey(row)))
}

export function createPublicationSql(
  major: number,
  name: string,
  tables: readonly PublishedTable[],
  { viaRoot, insertsOnly, generated = false }: PublicationOptions,
): string {
  if (major < publicationSince.filters && tables.some(({ where, columns }) => where || columns)) {
    throw new Error(say`PostgreSQL ${major} cannot publish some of a table's rows or columns`)
  }
  const list = tables.map(listed)
  const settings = [
    ...(insertsOnly ? ["publish = 'insert, truncate'"] : []),
    ...(major >= publicationSince.viaRoot ? [`publish_via_partition_root = ${viaRoot}`] : []),
    ...(generated ? ['publish_generated_columns = stored'] : []),
  ]
  return [
    `create publication ${quoteIdentifier(name)}`,
    ...(list.length > 0 ? [`for table ${list.join(', ')}`] : []),
    ...(settings.length > 0 ? [`with (${settings.join(', ')})`] : []),
  ].join(' ')
}

/** ONLY, because children that inherit are published by their own names. */
function listed({ schema, name, where, columns }: PublishedTable): string {
  const names = columns ? ` (${columns.map(quoteIdentifier).join(', ')})` : ''
  return `only ${quoteQualified(schema, name)}${names}${where ? ` where (${where})` : ''}`
}

export interface PublicationState {
  name: string
  allTables: boolean
  viaRoot: boolean
  /** The kinds of changes that it does not publish. */
  leavesOut: string[]
  /** As in the stream: root tables with `viaRoot`, otherwise partitions. */
  tables: TableName[]
}

export async function readPublication(session: Session, name: string): Promise<PublicationState | undefined> {
  const viaRoot = session.major >= publicationSince.viaRoot ? 'pubviaroot' : 'false'
  const [row] = await session.query<{
    all: boolean
    root: boolean
    insert: boolean
    update: boolean
    delete: boolean
    truncate: boolean
  }>(`
    select puballtables as "all", ${viaRoot} as root, pubinsert as "insert", pubupdate as "update",
           pubdelete as "delete", pubtruncate as "truncate"
      from pg_catalog.pg_publication
     where pubname = ${quoteLiteral(name)}`)
  if (!row) return undefined
  const tables = await session.query<TableName>(`
    select schemaname as schema, tablename as name
      from pg_catalog.pg_publication_tables
     where pubname = ${quoteLiteral(name)}
     order by 1, 2`)
  const kinds = ['insert', 'update', 'delete', 'truncate'] as const
  return {
    name,
    allTables: row.all,
    viaRoot: row.root,
    leavesOut: kinds.filter((kind) => !row[kind]),
    tables,
  }
}

/** Adds all tables or none, in one statement. */
export async function addToPublication(
  session: Session,
  name: string,
  tables: readonly PublishedTable[],
): Promise<void> {
  if (tables.length === 0) return
  const list = tables.map(listed).join(', ')
  await session.execute(`alter publication ${quoteIdentifier(name)} add table ${list}`)
}

/** By `tableKey`: the row filters of tables. */
export async function readRowConditions(
  session: Session,
  publication: Publications,
): Promise<Map<string, string>> {
  if (session.major < publicationSince.filters) return new Map()
  const rows = await session.query<TableName & { condition: string }>(`
    select schemaname as schema, tablename as name, rowfilter as condition
      from pg_catalog.pg_publication_tables
     where pubname in ${publicationList(publication)} and rowfilter is not null`)
  return new Map(rows.map(({ condition, ...table }) => [tableKey(table), condition]))
}

/** By the table's OID: columns of published tables that the source computes. Before 18 they are not sent. */
export async function readComputed(
  session: Session,
  publication: Publications,
): Promise<Map<number, Set<string>>> {
  const computed = new Map<number, Set<string>>()
  if (session.major < publicationSince.generated) return computed
  const rows = await session.query<{ oid: number; column: string }>(`
    select c.oid, a.attname as "column"
      from pg_catalog.pg_publication_tables p
      join pg_catalog.pg_namespace n on n.nspname = p.schemaname
      join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attgenerated <> '' and not a.attisdropped
     where p.pubname in ${publicationList(publication)}`)
  for (const { column, oid } of rows) {
    computed.set(oid, (computed.get(oid) ?? new Set()).add(column))
  }
  return computed
}

/** What keeps this publication from sending all changes of the tables, one sentence each. */
export function publicationProblems(state: PublicationState, wanted: readonly TableName[]): string[] {
  const problems = state.leavesOut.map(
    (kind) =>
      say`the publication ${state.name} leaves out every ${kind}: alter it, or let pgtrek create its own`,
  )
  const there = new Set(state.tables.map(tableKey))
  for (const table of wanted) {
    if (there.has(tableKey(table))) continue
    problems.push(say`the publication ${state.name} does not contain ${table.schema}.${table.name}`)
  }
  return problems
}

/** True when it existed. */
export async function dropPublication(session: Session, name: string): Promise<boolean> {
  const known = await readPublication(session, name)
  if (known) await session.execute(`drop publication ${quoteIdentifier(name)}`)
  return known !== undefined
}
