// Details of one table: its definition, its number of rows, and a sample of them.
import type { TableInfo } from '../../shared/browse-api.ts'
import { ServerError } from '../postgres/errors.ts'
import { quoteIdentifier, quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { uncounted } from './estimated-rows.ts'
import { type RowsOf, type SizeOf, withSizes } from './size-of.ts'

export interface TableInfoWish {
  schema: string
  table: string
  /** The number of rows in the sample. */
  sample: number
  countSeconds: number
}

/** Longer values are truncated: a sample only has to show what the rows look like. */
const longestValue = 200

/** Undefined when there is no such table. */
export async function readTableInfo(session: Session, wish: TableInfoWish): Promise<TableInfo | undefined> {
  const [found] = await withSizes((sizeOf, rowsOf) => findTable(session, wish, sizeOf, rowsOf))
  if (!found) return undefined
  const { oid, rows, bytes, comment } = found
  const columns = await readColumns(session, oid)
  return {
    schema: wish.schema,
    name: wish.table,
    columns,
    ...(await readConstraints(session, oid)),
    indexes: await readIndexes(session, oid),
    referenced_by: await readReferencedBy(session, oid),
    triggers: await readTriggers(session, oid),
    comment,
    bytes,
    estimated_rows: rows,
    exact_rows: await countRows(session, wish),
    ...(wish.sample > 0 && { sample: await readSample(session, wish, columns) }),
  }
}

function findTable(session: Session, { schema, table }: TableInfoWish, sizeOf: SizeOf, rowsOf: RowsOf) {
  const rows = `case when l.relkind <> 'p' then ${rowsOf('l')} end`
  return session.query<{ oid: number; rows: number; bytes: number; comment: string | null }>(
    `select c.oid,
            case when sum(greatest(${rows}, 0)) > 0 then sum(greatest(${rows}, 0))
                 when min(${rows}) < 0 then ${uncounted}
                 else 0 end::float8 as rows,
            coalesce(sum(${sizeOf('l.oid')}) filter (where l.relkind <> 'p'), 0)::float8 as bytes,
            pg_catalog.obj_description(c.oid, 'pg_class') as comment
       from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join lateral pg_catalog.pg_partition_tree(c.oid) t on c.relkind = 'p'
       join pg_catalog.pg_class l on l.oid = coalesce(t.relid, c.oid)
      where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'f')
      group by c.oid`,
    [schema, table],
  )
}

async function readColumns(session: Session, oid: number): Promise<TableInfo['columns']> {
  return await session.query<TableInfo['columns'][number]>(`
    select a.attname                                              as name,
           pg_catalog.format_type(a.atttypid, a.atttypmod)        as type,
           not a.attnotnull                                       as nullable,
           pg_catalog.pg_get_expr(d.adbin, d.adrelid)             as "default",
           case a.attidentity when 'a' then 'always' when 'd' then 'by default' end as identity,
           a.attgenerated <> ''                                   as generated,
           pg_catalog.col_description(a.attrelid, a.attnum)       as comment
      from pg_catalog.pg_attribute a
      left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = ${oid} and a.attnum > 0 and not a.attisdropped
     order by a.attnum`)
}

const constraintKinds: Record<string, string> = {
  p: 'primary key',
  u: 'unique',
  x: 'exclusion',
  c: 'check',
}

async function readConstraints(
  session: Session,
  oid: number,
): Promise<Pick<TableInfo, 'keys' | 'foreign_keys'>> {
  const rows = await session.query<{
    name: string
    kind: string
    definition: string
    schema: string | null
    table: string | null
    validated: boolean
  }>(`
    select k.conname                               as name,
           k.contype                               as kind,
           pg_catalog.pg_get_constraintdef(k.oid)  as definition,
           n.nspname                               as schema,
           r.relname                               as "table",
           k.convalidated                          as validated
      from pg_catalog.pg_constraint k
      left join pg_catalog.pg_class r on r.oid = k.confrelid
      left join pg_catalog.pg_namespace n on n.oid = r.relnamespace
     where k.conrelid = ${oid} and k.contype in ('p', 'u', 'x', 'c', 'f')
       -- A foreign key to a partitioned table has further entries for its partitions.
       and (k.contype <> 'f'
            or not exists (select from pg_catalog.pg_constraint u where u.oid = k.conparentid and u.conrelid = k.conrelid))
     order by array_position('{p,u,x,c,f}'::"char"[], k.contype), k.conname`)
  return {
    keys: rows.flatMap(({ name, kind, definition }) =>
      kind === 'f' ? [] : [{ name, kind: constraintKinds[kind] ?? kind, definition }],
    ),
    foreign_keys: rows.flatMap(({ name, kind, definition, schema, table, validated }) =>
      kind === 'f'
        ? [{ name, definition, references: { schema: schema ?? '', name: table ?? '' }, validated }]
        : [],
    ),
  }
}

async function readReferencedBy(session: Session, oid: number): Promise<TableInfo['referenced_by']> {
  return await session.query<TableInfo['referenced_by'][number]>(`
    select k.conname                                                  as name,
           pg_catalog.pg_get_constraintdef(k.oid)                     as definition,
           json_build_object('schema', n.nspname, 'name', c.relname)  as "table",
           k.convalidated                                             as validated
      from pg_catalog.pg_constraint k
      join pg_catalog.pg_class c on c.oid = k.conrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where k.confrelid = ${oid} and k.contype = 'f' and k.conparentid = 0
     order by n.nspname, c.relname, k.conname`)
}

async function readIndexes(session: Session, oid: number): Promise<TableInfo['indexes']> {
  return await session.query<TableInfo['indexes'][number]>(`
    select c.relname                                                        as name,
           pg_catalog.pg_get_indexdef(i.indexrelid)                         as definition,
           coalesce(pg_catalog.pg_relation_size(i.indexrelid), 0)::float8   as bytes,
           i.indisvalid                                                     as valid
      from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indexrelid
     where i.indrelid = ${oid}
     order by i.indisprimary desc, c.relname`)
}

async function readTriggers(session: Session, oid: number): Promise<TableInfo['triggers']> {
  return await session.query<TableInfo['triggers'][number]>(`
    select tgname                                as name,
           pg_catalog.pg_get_triggerdef(oid)     as definition,
           tgenabled <> 'D'                      as enabled
      from pg_catalog.pg_trigger
     where tgrelid = ${oid} and not tgisinternal
     order by tgname`)
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const queryCanceled = '57014'
const mayNot = '42501'

/** Null when the count takes too long, or the rows may not be read. */
async function countRows(
  session: Session,
  { schema, table, countSeconds }: TableInfoWish,
): Promise<number | null> {
  if (countSeconds === 0) return null
  const milliseconds = Math.max(1, Math.round(countSeconds * 1000))
  return await limited(session, milliseconds, async () => {
    const { count } = await session.one<{ count: number }>(
      `select count(*)::float8 as count from ${quoteQualified(schema, table)}`,
    )
    return count
  })
}

async function readSample(
  session: Session,
  { schema, table, sample, countSeconds }: TableInfoWish,
  columns: TableInfo['columns'],
): Promise<NonNullable<TableInfo['sample']>> {
  if (columns.length === 0) return []
  const values = columns.map(({ name }) => `left(${quoteIdentifier(name)}::text, ${longestValue + 1})`)
  const rows = await limited(session, Math.max(1000, countSeconds * 1000), () =>
    session.query<{ row: (string | null)[] }>(
      `select json_build_array(${values.join(', ')}) as row from ${quoteQualified(schema, table)} limit ${sample}`,
    ),
  )
  return (rows ?? []).map(({ row }) => row.map(shortened))
}

function shortened(value: string | null): string | null {
  return value !== null && value.length > longestValue ? `${value.slice(0, longestValue)}…` : value
}

/** The server cancels a query that takes longer. */
async function limited<Result>(
  session: Session,
  milliseconds: number,
  work: () => Promise<Result>,
): Promise<Result | null> {
  await session.execute(`set statement_timeout = ${Math.round(milliseconds)}`)
  try {
    return await work()
  } catch (error) {
    if (error instanceof ServerError && [queryCanceled, mayNot].includes(error.sqlstate)) return null
    throw error
  } finally {
    await session.execute('set statement_timeout = 0')
  }
}
