// Compares two databases with plain SQL that has no code in common with pgtrek's own comparison.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sql } from 'postgres'
import type { TestDatabase } from '../servers/clusters.ts'

export type Verdict = {
  kind: string
  /** What the source has: `27 tables, 1,703,412 rows`. */
  amount: string
  /** One readable line for each difference. */
  differences: string[]
}

/** Name -> a description that is equal exactly when the objects are. */
type Facts = Map<string, string>
type Inspection = { kinds: Map<string, Facts>; rows: number }

export async function verify(source: TestDatabase, destination: TestDatabase): Promise<Verdict[]> {
  const [here, there] = await Promise.all([inspect(source), inspect(destination)])
  const kinds = new Set([...here.kinds.keys(), ...there.kinds.keys()])
  return [...kinds].map((kind) => {
    const facts = here.kinds.get(kind) ?? new Map()
    const rows = kind === 'rows' ? `${here.rows.toLocaleString('en')} in ` : ''
    const unit = kind === 'rows' ? ' tables' : ''
    return {
      kind,
      amount: `${rows}${facts.size.toLocaleString('en')}${unit}`,
      differences: compare(facts, there.kinds.get(kind) ?? new Map()),
    }
  })
}

function compare(source: Facts, destination: Facts): string[] {
  const differences: string[] = []
  for (const [name, fact] of source) {
    const other = destination.get(name)
    if (other === undefined) differences.push(`only on the source: ${name}`)
    else if (other !== fact) differences.push(`${name}: ${fact} on the source, ${other} on the destination`)
  }
  for (const name of destination.keys()) {
    if (!source.has(name)) differences.push(`only on the destination: ${name}`)
  }
  return differences
}

async function inspect(database: TestDatabase): Promise<Inspection> {
  const sql = database.connect()
  try {
    // With an empty search_path every name is qualified.
    await sql`set search_path = ''`
    const kinds = new Map<string, Facts>()
    const rows = await rowsOf(sql, ['r'])
    kinds.set('rows', rows.facts)
    kinds.set('answers of views', (await rowsOf(sql, ['v', 'm'])).facts)
    kinds.set('sequences', await sequences(sql))
    kinds.set('large objects', await largeObjects(sql))
    for (const { kind, name, definition } of await objects(sql)) {
      const facts = kinds.get(kind) ?? new Map()
      kinds.set(kind, facts.set(name, definition))
    }
    return { kinds, rows: rows.count }
  } finally {
    await sql.end()
  }
}

/** A count and a sum of hashes: independent of the order of the rows, but not of any value. */
async function rowsOf(sql: Sql, relkinds: string[]) {
  const relations = await sql<{ name: string }[]>`
    select c.oid::regclass::text as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind::text = any(${relkinds}) and c.relispopulated
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
     order by 1`
  const facts: Facts = new Map()
  let total = 0
  for (const { name } of relations) {
    const [found] = await sql.unsafe<{ count: string; hash: string }[]>(`
      select count(*), coalesce(sum(hashtextextended("the row"::text, 0)), 0) as hash from ${name} "the row"`)
    facts.set(name, `${found?.count} rows of hash ${found?.hash}`)
    total += Number(found?.count)
  }
  return { facts, count: total }
}

async function sequences(sql: Sql): Promise<Facts> {
  const names = await sql<{ name: string }[]>`
    select oid::regclass::text as name from pg_class where relkind = 'S' order by 1`
  const facts: Facts = new Map()
  for (const { name } of names) {
    const [found] = await sql.unsafe<{ state: string }[]>(`
      select concat_ws(' ', last_value, is_called, 'as', seqtypid::regtype, 'from', seqstart, 'by', seqincrement,
                       'up to', seqmax, seqcycle) as state
        from ${name}, pg_sequence
       where seqrelid = '${name.replaceAll("'", "''")}'::regclass`)
    facts.set(name, found?.state ?? '')
  }
  return facts
}

async function largeObjects(sql: Sql): Promise<Facts> {
  const found = await sql<{ name: string; content: string }[]>`
    select oid::text as name, concat_ws(' ', lomowner::regrole, length(lo_get(oid)), md5(lo_get(oid))) as content
      from pg_largeobject_metadata`
  return new Map(found.map(({ name, content }) => [name, content]))
}

function objects(sql: Sql) {
  const text = readFileSync(join(import.meta.dir, 'objects.sql'), 'utf8')
  return sql.unsafe<{ kind: string; name: string; definition: string }[]>(text)
}
