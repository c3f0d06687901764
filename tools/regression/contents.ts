// The contents of a database: its objects by name, and the number of rows of its tables.
import type { TestDatabase } from '../servers/clusters.ts'

const catalogs = `pg_am pg_amop pg_amproc pg_attrdef pg_cast pg_class pg_collation pg_constraint pg_conversion
  pg_default_acl pg_event_trigger pg_extension pg_foreign_data_wrapper pg_foreign_server pg_language pg_namespace
  pg_opclass pg_operator pg_opfamily pg_policy pg_proc pg_publication pg_publication_rel pg_rewrite pg_statistic_ext
  pg_subscription pg_transform pg_trigger pg_ts_config pg_ts_dict pg_ts_parser pg_ts_template pg_type
  pg_user_mapping`.split(/\s+/)

/** Objects, and properties of columns and constraints. MAINTAIN is left out: `GRANT ALL` includes it from 17 on. */
export async function objectsOf(database: TestDatabase): Promise<Set<string>> {
  const rows = await database.sql<{ object: string }>(`
    with object as (${catalogs.map((name) => `select '${name}'::regclass::oid as class, oid from ${name}`).join(' union all ')})
    select i.type || ' ' || i.identity as object
      from object o, lateral pg_identify_object(o.class, o.oid, 0) i
     where o.oid >= 16384
       and coalesce(i.schema, '') not like 'pg\\_t%'
       and i.identity !~ '(pg_toast|"RI_ConstraintTrigger|pg_temp)'
    union all
    select format('column %s.%I %s%s%s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
                  case when a.attnotnull then ' not null' else '' end,
                  ' = ' || pg_get_expr(d.adbin, d.adrelid))
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid >= 16384 and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'f')
    union all
    select format('%s %s of %s%s', pg_get_constraintdef(oid), conname, conrelid::regclass,
                  case when convalidated then '' else ' (not valid)' end)
      from pg_constraint where oid >= 16384 and contype in ('c', 'f', 'p', 'u', 'x')
    union all
    select format('rights on %s: %s', oid::regclass, array(select regexp_replace(e::text, 'm/', '/') from unnest(relacl) e order by 1))
      from pg_class where oid >= 16384 and relacl is not null
    union all
    select format('comment on %s: %s', i.identity, description)
      from pg_description, lateral pg_identify_object(classoid, objoid, objsubid) i where objoid >= 16384`)
  return new Set(rows.map(({ object }) => object))
}

/** `schema.table: rows`, or the error where rows cannot be counted. */
export async function rowsOf(database: TestDatabase): Promise<Set<string>> {
  const tables = await database.sql<{ name: string }>(`
    select c.oid::regclass::text as name from pg_class c
     where c.relkind in ('r', 'm') and c.relpersistence <> 't' and c.oid >= 16384
       and c.relnamespace <> 'pg_toast'::regnamespace`)
  const sql = database.connect()
  const counted = new Set<string>()
  try {
    for (const { name } of tables) {
      const count = await sql.unsafe(`select count(*) from only ${name}`).then(
        ([row]) => String(row?.count),
        (error: Error) => error.message,
      )
      counted.add(`${name}: ${count}`)
    }
  } finally {
    await sql.end()
  }
  return counted
}
