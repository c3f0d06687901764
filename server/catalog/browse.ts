// The contents of a database, for a user to select from: schemas, their objects, and what each needs.

import type { BrowsedObject, BrowsedSchema, BrowsedTable } from '../../shared/browse-api.ts'
import type { ObjectKind } from '../../shared/constants.ts'
import type { Session } from '../postgres/session.ts'
import { uncounted } from './estimated-rows.ts'
import { type ObjectKey, objectKey, readNeeds } from './needs.ts'
import { type RowsOf, type SizeOf, withSizes } from './size-of.ts'

/** Without objects of extensions, which are created and dropped with them. */
const ofUsers = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`
const notOfExtension = (catalog: string, oid: string) => `
  not exists (select from pg_catalog.pg_depend e
               where e.classid = 'pg_catalog.${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e')`

interface ObjectRow extends ObjectKey {
  kind: ObjectKind
  schema: string
  name: string
  table: string | null
}

interface TableRow {
  oid: number
  schema: string
  name: string
  kind: BrowsedTable['kind']
  parent: number | null
  rows: number
  bytes: number
  readable: boolean
  primary_key: boolean
}

export interface Contents {
  schemas: BrowsedSchema[]
  extensions: { name: string; version: string }[]
}

/** The session's search_path must be empty, so that argument types are qualified. */
export async function browse(session: Session): Promise<Contents> {
  const schemas = new Map(
    (
      await session.query<{ name: string; owner: string }>(`
        select n.nspname as name, pg_catalog.pg_get_userbyid(n.nspowner) as owner
          from pg_catalog.pg_namespace n
         where ${ofUsers}
         order by n.nspname`)
    ).map((schema) => [schema.name, emptySchema(schema)]),
  )
  const tables = await withSizes((sizeOf, rowsOf) => readTables(session, sizeOf, rowsOf))
  const objects = [
    ...(await readRelations(session)),
    ...(await readFunctions(session)),
    ...(await readTriggers(session)),
    ...(await readTypes(session)),
  ]
  const known = new Map<string, BrowsedObject['needs'][number]>()
  for (const { oid, schema, name } of tables) {
    known.set(objectKey({ catalog: 'pg_class', oid }), { kind: 'tables', schema, name })
  }
  for (const object of objects) {
    const { kind, schema, name } = object
    if (kind !== 'triggers') known.set(objectKey(object), { kind, schema, name })
  }
  const needs = await readNeeds(session)
  const needsOf = (key: ObjectKey) =>
    [...(needs.get(objectKey(key)) ?? [])].flatMap((one) => known.get(one) ?? [])

  const byOid = new Map(tables.map((table) => [table.oid, table]))
  addUp(tables, byOid)
  for (const { oid, schema, name, kind, parent, rows, bytes, readable, primary_key } of tables) {
    const above = parent === null ? undefined : byOid.get(parent)
    schemas.get(schema)?.tables.push({
      name,
      kind,
      ...(above && { parent: { schema: above.schema, name: above.name } }),
      estimated_rows: rows,
      bytes,
      readable,
      primary_key,
      needs: needsOf({ catalog: 'pg_class', oid }),
    })
  }
  for (const object of objects) {
    const { kind, schema, name, table } = object
    const list = schemas.get(schema)?.[kind] as BrowsedObject[] | undefined
    list?.push({ name, ...(table !== null && { table }), needs: needsOf(object) })
  }
  const extensions = await session.query<{ name: string; version: string }>(
    `select extname as name, extversion as version
       from pg_catalog.pg_extension where extname <> 'plpgsql' order by 1`,
  )
  return { schemas: [...schemas.values()], extensions }
}

function emptySchema({ name, owner }: { name: string; owner: string }): BrowsedSchema {
  return {
    name,
    owner,
    tables: [],
    views: [],
    materializedViews: [],
    functions: [],
    sequences: [],
    triggers: [],
    types: [],
  }
}

function readTables(session: Session, sizeOf: SizeOf, rowsOf: RowsOf): Promise<TableRow[]> {
  return session.query<TableRow>(`
    select c.oid,
           n.nspname as schema,
           c.relname as name,
           case when c.relkind = 'p' then 'partitioned'
                when c.relispartition then 'partition'
                when c.relkind = 'f' then 'foreign'
                else 'table' end                                     as kind,
           i.inhparent                                               as parent,
           ${rowsOf('c')} as rows,
           case when c.relkind = 'r' then ${sizeOf('c.oid')} else 0 end::float8
                                                                     as bytes,
           pg_catalog.has_schema_privilege(n.oid, 'usage')
             and pg_catalog.has_table_privilege(c.oid, 'select')     as readable,
           exists (select from pg_catalog.pg_index k
                    where k.indrelid = c.oid and k.indisprimary)     as primary_key
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_inherits i on c.relispartition and i.inhrelid = c.oid
     where c.relkind in ('r', 'p', 'f')
       and c.relpersistence <> 't'
       and ${ofUsers}
       and ${notOfExtension('pg_class', 'c.oid')}
     order by n.nspname, c.relname`)
}

/** A partitioned table has the size and rows of its partitions. */
function addUp(tables: readonly TableRow[], byOid: ReadonlyMap<number, TableRow>) {
  const unknown = new Set<TableRow>()
  for (const table of tables) if (table.kind === 'partitioned') table.rows = 0
  for (const { kind, parent, rows, bytes } of tables) {
    if (kind === 'partitioned') continue
    for (let above = parent; above !== null; ) {
      const table = byOid.get(above)
      if (!table) break
      if (rows === uncounted) unknown.add(table)
      else table.rows += rows
      table.bytes += bytes
      above = table.parent
    }
  }
  for (const table of unknown) if (table.rows === 0) table.rows = uncounted
}

function readRelations(session: Session): Promise<ObjectRow[]> {
  return session.query<ObjectRow>(`
    select 'pg_class' as catalog,
           c.oid,
           case c.relkind when 'v' then 'views' when 'm' then 'materializedViews' else 'sequences' end as kind,
           n.nspname  as schema,
           c.relname  as name,
           null       as "table"
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('v', 'm', 'S')
       and c.relpersistence <> 't'
       and ${ofUsers}
       and ${notOfExtension('pg_class', 'c.oid')}
       and not exists (select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                          and d.deptype = 'i' and c.relkind = 'S')
     order by n.nspname, c.relname`)
}

/** Named as in a selection: with the types of their arguments. */
function readFunctions(session: Session): Promise<ObjectRow[]> {
  return session.query<ObjectRow>(`
    select 'pg_proc' as catalog,
           p.oid,
           'functions' as kind,
           n.nspname  as schema,
           p.proname || '(' || coalesce(
             (select string_agg(pg_catalog.format_type(t, null), ', ' order by place)
                from unnest(p.proargtypes::oid[]) with ordinality a (t, place)), '') || ')' as name,
           null       as "table"
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where ${ofUsers}
       and ${notOfExtension('pg_proc', 'p.oid')}
       and not exists (select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i')
     order by n.nspname, 5`)
}

function readTriggers(session: Session): Promise<ObjectRow[]> {
  return session.query<ObjectRow>(`
    select 'pg_trigger' as catalog,
           t.oid,
           'triggers' as kind,
           n.nspname  as schema,
           t.tgname   as name,
           c.relname  as "table"
      from pg_catalog.pg_trigger t
      join pg_catalog.pg_class c on c.oid = t.tgrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where not t.tgisinternal
       ${session.major >= 13 ? 'and t.tgparentid = 0' : ''}
       and ${ofUsers}
       and ${notOfExtension('pg_class', 'c.oid')}
     order by n.nspname, c.relname, t.tgname`)
}

function readTypes(session: Session): Promise<ObjectRow[]> {
  return session.query<ObjectRow>(`
    select 'pg_type' as catalog,
           t.oid,
           'types'    as kind,
           n.nspname  as schema,
           t.typname  as name,
           null       as "table"
      from pg_catalog.pg_type t
      join pg_catalog.pg_namespace n on n.oid = t.typnamespace
      left join pg_catalog.pg_class c on c.oid = t.typrelid
     where t.typtype in ('b', 'c', 'd', 'e', 'r')
       and (c.oid is null or c.relkind = 'c')
       -- Looked up from the array. In the other direction every type would be compared with every other.
       and not exists (select from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid)
       and ${ofUsers}
       and ${notOfExtension('pg_type', 't.oid')}
     order by n.nspname, t.typname`)
}
