// Tables that pg_dump's script would create with their columns in another order.
import { quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { inQuotes } from './in-quotes.ts'

/**
 * Children whose columns are not in the order in which CREATE TABLE ... INHERITS would create them, because they were
 * attached later; with their columns in order. The session's search_path must be empty.
 */
export async function readReorderedChildren(session: Session): Promise<Map<number, OrderedColumn[]>> {
  const rows = await inQuotes(session, () =>
    session.query<{ oid: number; columns: ChildColumn[] }>(`
    with handed_down as (
      select distinct on (i.inhrelid, a.attname)
             i.inhrelid as child, i.inhseqno as place, a.attrelid, a.attnum, a.attname, a.attstorage, a.attgenerated
        from pg_catalog.pg_inherits i
        join pg_catalog.pg_class c on c.oid = i.inhrelid
        join pg_catalog.pg_attribute a on a.attrelid = i.inhparent
       where c.relkind = 'r' and not c.relispartition
         and a.attnum > 0 and not a.attisdropped
       order by i.inhrelid, a.attname, i.inhseqno, a.attnum),
    child as (
      select child as oid, array_agg(attname order by place, attnum) as columns
        from handed_down
       group by child)
    select c.oid,
           json_agg(json_build_object(
             'name', a.attname,
             'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
             'collation', case when a.attcollation <> t.typcollation
                               then json_build_object('schema', n.nspname, 'name', l.collname) end,
             'storage', nullif(p.attstorage, t.typstorage),
             'ownStorage', case when p.attstorage <> a.attstorage then a.attstorage end,
             'generated', p.attgenerated,
             'isOwn', p.attname is null,
             'expression', case when p.attgenerated <> '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid) end)
             order by a.attnum) as columns
      from child c
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      join pg_catalog.pg_type t on t.oid = a.atttypid
      left join pg_catalog.pg_collation l on l.oid = a.attcollation
      left join pg_catalog.pg_namespace n on n.oid = l.collnamespace
      left join handed_down p on p.child = c.oid and p.attname = a.attname
      left join pg_catalog.pg_attrdef d on d.adrelid = p.attrelid and d.adnum = p.attnum
     group by c.oid, c.columns
    having (array_agg(a.attname order by a.attnum))[:cardinality(c.columns)] is distinct from c.columns`),
  )
  return new Map(rows.map(({ oid, columns }) => [oid, columns.map(orderedColumn)]))
}

interface ChildColumn {
  name: string
  type: string
  collation: { schema: string; name: string } | null
  storage: string | null
  ownStorage: string | null
  generated: string | null
  isOwn: boolean
  expression: string | null
}

const storageNames: Record<string, string> = { p: 'PLAIN', e: 'EXTERNAL', m: 'MAIN', x: 'EXTENDED' }

function orderedColumn(column: ChildColumn): OrderedColumn {
  const { name, type, collation, generated, expression, isOwn } = column
  const collate = collation ? ` COLLATE ${quoteQualified(collation.schema, collation.name)}` : ''
  const kept = generated === 'v' ? 'VIRTUAL' : 'STORED'
  const always = expression === null ? '' : ` GENERATED ALWAYS AS (${expression}) ${kept}`
  return {
    name,
    definition: type + collate + always,
    isOwn,
    storage: storageNames[column.storage ?? ''],
    ownStorage: storageNames[column.ownStorage ?? ''],
  }
}

/** A column, as a table has it that exists only for its children to inherit from. */
export interface OrderedColumn {
  name: string
  /** With COLLATE and the expression of a generated column. */
  definition: string
  /** If it is not that of the type. Two parents must agree on it. */
  storage: string | undefined
  /** The child's storage, if its parent has another. */
  ownStorage: string | undefined
  /** Whether the column is inherited from no parent. */
  isOwn: boolean
}
