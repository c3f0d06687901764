// The differences between two databases, object by object, read without any code of the tested program.

import { readRows } from '../../comparison/rows.ts'
import { type Facts, inSession, type Session } from '../../comparison/session.ts'
import type { TestDatabase } from '../../servers/clusters.ts'

export interface Difference {
  /** As in messages, without the schema; an index also with its table. */
  objects: string[]
  words: string
}

/** Only what the application uses: sequences of the destination may be ahead, and it may have more objects. */
export async function readDifferences(from: TestDatabase, to: TestDatabase): Promise<Difference[]> {
  const [there, here] = await Promise.all([read(from), read(to)])
  return [...there].flatMap(([name, was]) => {
    const is = here.get(name)
    if (is === was) return []
    if (name.startsWith('sequence ') && is !== undefined && BigInt(is) >= BigInt(was)) return []
    const table = name.startsWith('index ') ? / ON (?:ONLY )?(\S+) /.exec(String(was))?.[1] : undefined
    const objects = [name, ...(table === undefined ? [] : [table])].map((one) => {
      return bare(/(?:"(?:[^"]|"")*"|[^."\s]+)$/.exec(one)?.[0] ?? one)
    })
    return [{ objects, words: `${name}: ${was} / ${is ?? 'missing'}` }]
  })
}

/** Everything of pgtrek that a database and its server still have. */
export async function readLeftovers(database: TestDatabase): Promise<string[]> {
  const rows = await database.sql<{ what: string }>(`
    select 'trigger ' || tgname || ' of ' || tgrelid::regclass as what from pg_trigger where tgname like 'pgtrek%'
    union all select 'event trigger ' || evtname from pg_event_trigger where evtname like 'pgtrek%'
    union all select 'function ' || oid::regprocedure from pg_proc where proname like 'pgtrek%'
    union all select 'schema ' || nspname from pg_namespace where nspname like 'pgtrek%'
    union all select 'publication ' || pubname from pg_publication where pubname like 'pgtrek%'
    union all select 'slot ' || slot_name from pg_replication_slots
               where database = current_database() and slot_name like 'pgtrek%'
    union all select 'setting ' || setting from pg_db_role_setting, unnest(setconfig) setting
               where setdatabase = (select oid from pg_database where datname = current_database())
                 and setting ~ 'read_only'`)
  return rows.map(({ what }) => what)
}

function read(database: TestDatabase): Promise<Facts> {
  return inSession(database, async (session) => {
    const facts = await readRows(session)
    for (const { name, fact } of await session.unsafe<{ name: string; fact: string }[]>(objects)) {
      facts.set(name, fact)
    }
    await readSequences(session, facts)
    return facts
  })
}

async function readSequences(session: Session, facts: Facts) {
  const rows = await session.unsafe<{ name: string }[]>(
    "select oid::regclass::text as name from pg_class where relkind = 'S' and relpersistence <> 't'",
  )
  for (const { name } of rows) {
    const [row] = await session.unsafe(`select last_value::text as value from ${name}`)
    facts.set(`sequence ${name}`, row?.value)
  }
}

function bare(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier
}

const objects = `
  with own as (
    select oid, nspname from pg_namespace
     where nspname !~ '^(pg_|pgtrek)' and nspname <> 'information_schema')
  select 'schema ' || quote_ident(nspname) as name, 'there' as fact from own
  union all
  select case relkind when 'v' then 'view ' when 'i' then 'index ' when 'I' then 'index ' else 'columns of ' end
           || c.oid::regclass,
         case when relkind = 'v' then pg_get_viewdef(c.oid) when relkind in ('i', 'I') then pg_get_indexdef(c.oid)
              else (select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', '
                                      order by attname collate "C")
                      from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) end
    from pg_class c join own on own.oid = relnamespace
   where relkind in ('r', 'p', 'v', 'i', 'I') and relpersistence <> 't'
  union all
  select 'function ' || p.proname, pg_get_functiondef(p.oid)
    from pg_proc p join own on own.oid = pronamespace where prokind = 'f' and proname !~ '^pgtrek'`
