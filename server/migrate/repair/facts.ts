// What the choices need to know of both databases, read with a few queries.
import type { FailureCause } from '../../../shared/failure-causes.ts'
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import type { Session } from '../../postgres/session.ts'
import { tableOf } from './named.ts'

export interface RepairColumn {
  /** As SQL: `character varying(20)`. */
  type: string
  /** The type exists on every server. */
  builtIn: boolean
  inPrimaryKey: boolean
}

export interface RepairConstraint {
  /** c(heck), u(nique), x (exclusion), p(rimary key), f(oreign key). */
  type: string
  definition: string
}

export interface RepairTable {
  /** The table to alter: for a partition its topmost table. */
  alter: TableName
  columns: ReadonlyMap<string, RepairColumn>
  constraints: ReadonlyMap<string, RepairConstraint>
}

export interface RepairFacts {
  user: { source: string; destination: string }
  /** By `tableKey`. */
  source: ReadonlyMap<string, RepairTable>
  destination: ReadonlyMap<string, RepairTable>
  /** Of the destination. */
  database: string
  roles: ReadonlySet<string>
  schemas: ReadonlySet<string>
  extensions: { available: ReadonlySet<string>; installed: ReadonlySet<string> }
}

/** Tables that are looked up; of more failures the first ones decide what is offered. */
const mostTables = 2000

/** Both sessions have an empty search_path, so that types are named in full. */
export async function readRepairFacts(
  causes: readonly FailureCause[],
  { source, destination }: { source: Session; destination: Session },
): Promise<RepairFacts> {
  const tables = new Map<string, TableName>()
  for (const { failures } of causes) {
    for (const failure of failures) {
      const table = tableOf(failure)
      if (table && tables.size < mostTables) tables.set(tableKey(table), table)
    }
  }
  const wanted = [...tables.values()]
  const names = async (sql: string) =>
    new Set((await destination.query<{ name: string }>(sql)).map(({ name }) => name))
  const user = (session: Session) => session.one<{ name: string }>('select current_user::text as name')
  return {
    user: { source: (await user(source)).name, destination: (await user(destination)).name },
    source: await readTables(source, wanted),
    destination: await readTables(destination, wanted),
    database: (await destination.one<{ name: string }>('select current_database()::text as name')).name,
    roles: await names('select rolname as name from pg_catalog.pg_roles'),
    schemas: await names('select nspname as name from pg_catalog.pg_namespace'),
    extensions: {
      available: await names('select name from pg_catalog.pg_available_extensions'),
      installed: await names('select extname as name from pg_catalog.pg_extension'),
    },
  }
}

interface TableRow {
  schema: string
  name: string
  rootSchema: string
  rootName: string
  columns: { name: string; type: string; builtIn: boolean; inPrimaryKey: boolean }[]
  constraints: { name: string; type: string; definition: string }[]
}

async function readTables(session: Session, tables: readonly TableName[]): Promise<Map<string, RepairTable>> {
  const rows = await session.query<TableRow>(
    `
    with wanted as (
      select w.value ->> 0 as schema, w.value ->> 1 as name
        from pg_catalog.jsonb_array_elements($1::text::pg_catalog.jsonb) as w (value)
    )
    select n.nspname as schema, c.relname as name, rn.nspname as "rootSchema", r.relname as "rootName",
           coalesce((
             select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                      'name', a.attname,
                      'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                      'builtIn', t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace,
                      'inPrimaryKey', coalesce(a.attnum = any (p.conkey), false)))
               from pg_catalog.pg_attribute a
               join pg_catalog.pg_type t on t.oid = a.atttypid
               left join pg_catalog.pg_constraint p on p.conrelid = c.oid and p.contype = 'p'
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns,
           coalesce((
             select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                      'name', k.conname, 'type', k.contype,
                      'definition', pg_catalog.pg_get_constraintdef(k.oid)))
               from pg_catalog.pg_constraint k
              where k.conrelid = c.oid), '[]') as constraints
      from wanted w
      join pg_catalog.pg_namespace n on n.nspname = w.schema
      join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name and c.relkind in ('r', 'p')
      join pg_catalog.pg_class r
        on r.oid = coalesce(case when c.relispartition then pg_catalog.pg_partition_root(c.oid) end, c.oid)
      join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace`,
    [JSON.stringify(tables.map(({ schema, name }) => [schema, name]))],
  )
  return new Map(
    rows.map(({ schema, name, rootSchema, rootName, columns, constraints }) => [
      tableKey({ schema, name }),
      {
        alter: { schema: rootSchema, name: rootName },
        columns: new Map(columns.map(({ name: column, ...rest }) => [column, rest])),
        constraints: new Map(constraints.map(({ name: constraint, ...rest }) => [constraint, rest])),
      },
    ]),
  )
}
