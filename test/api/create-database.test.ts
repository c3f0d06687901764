// `POST /api/create-database`: a destination that does not exist yet becomes like the source.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { randomUUID } from 'node:crypto'
import { Value } from '@sinclair/typebox/value'
import { choicesFor } from '../../server/preflight/create-database.ts'
import { CreateDatabaseAnswer } from '../../shared/create-database-api.ts'
import { type Cluster, cluster, type Major } from '../../tools/servers/clusters.ts'
import { type Api, startApi } from '../support/api.ts'

let api: Api
let source: Cluster
const made: [Cluster, string][] = []

beforeAll(async () => {
  api = await startApi()
  source = await cluster(17)
})

afterAll(async () => {
  for (const [at, name] of made) await at.sql('postgres', `drop database if exists ${quoted(name)}`)
  await api.server.close()
})

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

function newName(at: Cluster, base = 'made'): string {
  const name = `${base} ${randomUUID().slice(0, 8)}`
  made.push([at, name])
  return name
}

/** A database of the source with this locale. */
async function like(clauses: string): Promise<{ url: string }> {
  const name = newName(source, 'like')
  await source.sql('postgres', `create database ${quoted(name)} template template0 ${clauses}`)
  return { url: source.url(name) }
}

const missing = (at: Cluster, name: string, user?: string) => ({
  url: at.url(name, user),
})

async function ask(body: object) {
  const { status, json } = await api.post('/api/create-database', body)
  if (status === 200) expect(Value.Check(CreateDatabaseAnswer, json)).toBe(true)
  return { status, json }
}

async function facts(at: Cluster, name: string) {
  const [row] = await at.sql(
    'postgres',
    `select pg_encoding_to_char(encoding) as encoding, datcollate, to_jsonb(d) ->> 'datlocprovider' as provider,
            coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') as locale
       from pg_database d where datname = '${name.replaceAll("'", "''")}'`,
  )
  return row
}

describe('the statement is shown first, and what was confirmed is created', () => {
  test.each([
    [
      12,
      "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'",
      { encoding: 'LATIN1', datcollate: 'C', provider: null },
    ],
    [
      14,
      "encoding 'UTF8' lc_collate 'C' lc_ctype 'C'",
      { encoding: 'UTF8', datcollate: 'C', provider: null },
    ],
    [
      15,
      "encoding 'UTF8' locale_provider icu icu_locale 'de-AT' lc_collate 'C' lc_ctype 'C'",
      { provider: 'i', locale: 'de-AT' },
    ],
    [
      18,
      "encoding 'UTF8' locale_provider icu icu_locale 'de' icu_rules '&V << w' lc_collate 'C' lc_ctype 'C'",
      { provider: 'i', locale: 'de' },
    ],
    [
      18,
      "encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'",
      { provider: 'b', locale: 'C.UTF-8' },
    ],
  ] as const)('PostgreSQL %d, like %s', async (major, clauses, expected) => {
    const at = await cluster(major as Major)
    const name = newName(at, 'it\'s "new"')
    const ends = { conn: missing(at, name), like: await like(clauses) }
    const shown = await ask(ends)
    expect(shown).toMatchObject({
      status: 200,
      json: { database: name, exists: false, created: false, allowed: true },
    })
    expect(shown.json.choices[0]).toMatchObject({ locale: 'same', doubt: null })
    expect(await facts(at, name)).toBeUndefined()
    const confirmed = shown.json.choices[0].sql
    expect(await ask({ ...ends, confirmed })).toMatchObject({
      status: 200,
      json: { exists: true, created: true },
    })
    expect(await facts(at, name)).toMatchObject(expected)
    expect((await api.post('/api/test-connection', { conn: ends.conn })).json).toMatchObject({
      ok: true,
      database: name,
    })
    // Once more: it is there, and stays as it is.
    expect(await ask({ ...ends, confirmed })).toMatchObject({
      status: 200,
      json: { exists: true, created: false },
    })
  })
})

test('where the destination cannot have the locale, others are offered as a choice', async () => {
  const at = await cluster(15)
  const name = newName(at)
  const ends = {
    conn: missing(at, name),
    like: await like(
      "encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'",
    ),
  }
  const { json } = await ask(ends)
  const kinds = json.choices.map(({ locale }: { locale: string }) => locale)
  expect(kinds).toContain('server')
  expect(kinds).not.toContain('same')
  expect(await ask({ ...ends, confirmed: json.choices[0].sql })).toMatchObject({ json: { created: true } })
  expect(await facts(at, name)).toMatchObject({ encoding: 'UTF8', provider: 'c' })
})

test('a locale of the C library that the host does not seem to have is doubted, and still the first choice', () => {
  const locale = { collate: 'xx_XX.utf8', ctype: 'xx_XX.utf8', provider: 'c' }
  const none = { locale: null, rules: null, recorded: null, actual: null }
  const facts = { user: 'jo', allowed: true, mayGive: false, via: 'postgres', hasIcu: false }
  const own = { ...none, collate: 'en_US.UTF-8', ctype: 'en_US.UTF-8', provider: 'c' }
  const wanted = { encoding: 'UTF8', owner: 'ann', locale: { ...none, ...locale } }
  const choices = choicesFor('shop', wanted, 'ann', 17, { ...facts, locales: new Set(['c']), ownLocale: own })
  expect(choices.map(({ locale, collation }) => [locale, collation])).toEqual([
    ['same', 'libc xx_XX.utf8'],
    ['server', 'libc en_US.UTF-8'],
    ['c', 'libc C'],
  ])
  expect(choices[0]?.doubt).toContain('"xx_XX.utf8"')
  expect(choices[0]?.sql).toBe(
    `create database "shop" template template0 encoding 'UTF8' locale_provider libc lc_collate 'xx_XX.utf8' lc_ctype 'xx_XX.utf8' owner "ann"`,
  )
})

test('only a statement that was shown is executed', async () => {
  const name = newName(source)
  const ends = { conn: missing(source, name), like: { url: source.url('postgres') } }
  const other = await ask({ ...ends, confirmed: 'create database "another"' })
  expect(other).toMatchObject({ status: 409, json: { error: 'not_now' } })
  expect(await facts(source, name)).toBeUndefined()
  expect(await facts(source, 'another')).toBeUndefined()
})

test('two at once: one of them creates it, and both find it', async () => {
  const name = newName(source)
  const ends = { conn: missing(source, name), like: { url: source.url('postgres') } }
  const confirmed = (await ask(ends)).json.choices[0].sql
  const answers = await Promise.all([0, 1].map(() => ask({ ...ends, confirmed })))
  expect(answers.map(({ json }) => json.exists)).toEqual([true, true])
  expect(answers.filter(({ json }) => json.created)).toHaveLength(1)
})

test('without the right to create databases the server says so, and the password is in no answer', async () => {
  const role = `plain_${randomUUID().slice(0, 8)}`
  await source.sql('postgres', `create role ${role} login password 'never-shown'`)
  try {
    const name = newName(source)
    const url = new URL(source.url(name, role))
    url.password = 'never-shown'
    const ends = { conn: { url: url.href }, like: { url: source.url('postgres') } }
    const { json } = await ask(ends)
    expect(json).toMatchObject({ user: role, allowed: false, owner: null })
    const refused = await ask({ ...ends, confirmed: json.choices[0].sql })
    expect(refused).toMatchObject({ status: 400, json: { error: 'server', sqlstate: '42501' } })
    expect(JSON.stringify([json, refused.json])).not.toContain('never-shown')
    await source.sql('postgres', `alter role ${role} createdb`)
    expect((await ask({ ...ends, confirmed: json.choices[0].sql })).json).toMatchObject({
      created: true,
      allowed: true,
    })
    await source.sql('postgres', `drop database ${quoted(name)}`)
  } finally {
    await source.sql('postgres', `drop role ${role}`)
  }
})

test('a name that PostgreSQL would cut off is refused, and a wrong password is reported', async () => {
  const like = { url: source.url('postgres') }
  const long = await ask({ conn: missing(source, 'x'.repeat(64)), like })
  expect(long).toMatchObject({
    status: 400,
    json: { error: 'usage', message: expect.stringContaining('63 bytes') },
  })
  const gone = await ask({ conn: { host: '127.0.0.1', port: 1, database: 'x' }, like })
  expect(gone).toMatchObject({ status: 400, json: { error: 'refused' } })
})
