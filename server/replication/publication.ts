// The publication on the source: which tables' changes are sent.
// https://www.postgresql.org/docs/current/logical-replication-publication.html
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { type TableId, tableKey } from './destination-tables.ts'

export interface PublishedTable extends TableId {
  /** Only rows for which this SQL condition holds; needs 15. */
  where?: string | undefined
  /** Only these columns; needs 15. */
  columns?: readonly string[] | undefined
}

export interface PublicationOptions {
  /** Changes of partitions are told as those of the topmost table, so that the destination's may be others. */
  viaRoot: boolean
  /** Updates and deletes are not told, so that their tables need nothing to tell rows apart by. */
  insertsOnly?: boolean
}

export const publicationSince = { partitioned: 13, viaRoot: 13, filters: 15 } as const

export async function createPublication(
  session: Session,
  name: string,
  tables: readonly PublishedTable[],
  options: PublicationOptions = { viaRoot: false },
): Promise<void> {
  await session.execute(createPublicationSql(session.major, name, tables, options))
}

export function createPublicationSql(
  major: number,
  name: string,
  tables: readonly PublishedTable[],
  { viaRoot, insertsOnly }: PublicationOptions,
): string {
  if (major < publicationSince.filters && tables.some(({ where, columns }) => where || columns)) {
    throw new Error(`PostgreSQL ${major} cannot publish some of a table's rows or columns`)
  }
  const list = tables.map(({ schema, name: table, where, columns }) => {
    const names = columns ? ` (${columns.map(quoteIdentifier).join(', ')})` : ''
    return `${quoteQualified(schema, table)}${names}${where ? ` where (${where})` : ''}`
  })
  const settings = [
    ...(insertsOnly ? ["publish = 'insert, truncate'"] : []),
    ...(major >= publicationSince.viaRoot ? [`publish_via_partition_root = ${viaRoot}`] : []),
  ]
  return [
    `create publication ${quoteIdentifier(name)}`,
    // ONLY: children that inherit are published when they are named themselves.
    ...(list.length > 0 ? [`for table ${list.map((table) => `only ${table}`).join(', ')}`] : []),
    ...(settings.length > 0 ? [`with (${settings.join(', ')})`] : []),
  ].join(' ')
}

export interface PublicationState {
  name: string
  allTables: boolean
  viaRoot: boolean
  /** Kinds of changes that it leaves out. */
  leavesOut: string[]
  /** As they appear in the stream: with `viaRoot` topmost tables, otherwise partitions. */
  tables: TableId[]
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
  const tables = await session.query<TableId>(`
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

/** What keeps this publication from telling all changes of the tables, one sentence each. */
export function publicationProblems(state: PublicationState, wanted: readonly TableId[]): string[] {
  const problems = state.leavesOut.map(
    (kind) => `the publication ${state.name} leaves out every ${kind}: alter it, or let pgtrek make its own`,
  )
  const there = new Set(state.tables.map(tableKey))
  for (const table of wanted) {
    if (there.has(tableKey(table))) continue
    problems.push(`the publication ${state.name} does not have ${table.schema}.${table.name}`)
  }
  return problems
}

/** True when there was one. */
export async function dropPublication(session: Session, name: string): Promise<boolean> {
  const known = await readPublication(session, name)
  if (known) await session.execute(`drop publication ${quoteIdentifier(name)}`)
  return known !== undefined
}
