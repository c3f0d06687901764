// `/api/compare`: rows and schemas of two databases, and the synchronisation of a schema, over HTTP.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { type Comparison, ComparisonResult, type SchemaChange } from '../../shared/comparison-api.ts'
import { eventually } from '../../tools/eventually.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { type Api, startApi } from '../support/api.ts'

let api: Api
let from: Cluster
let to: Cluster

beforeAll(async () => {
  api = await startApi()
  from = await cluster(14)
  to = await cluster(17)
})
afterAll(() => api.server.close())

async function filled(both: string, changes = '') {
  const [source, destination] = [await from.createDatabase(), await to.createDatabase()]
  await source.sql(both)
  await destination.sql(both + changes)
  return { source, destination }
}

type Ends = { source: TestDatabase; destination: TestDatabase }

function conns({ source, destination }: Ends) {
  return { source: { url: source.url }, destination: { url: destination.url } }
}

async function ended(id: string): Promise<ComparisonResult> {
  await eventually(
    'the comparison to end',
    async () => (await api.get(`/api/compare/${id}`)).json as Comparison,
    ({ finished_at }) => finished_at !== null,
  )
  const { status, json } = await api.get(`/api/compare/${id}/result`)
  expect(status).toBe(200)
  expect([...Value.Errors(ComparisonResult, json)]).toEqual([])
  return json
}

async function compare(ends: Ends, more: object) {
  const { status, json } = await api.post('/api/compare', { ...conns(ends), ...more })
  expect([status, json]).toEqual([200, { ok: true, id: expect.any(String) }])
  return await ended(json.id)
}

async function schemaOf(ends: Ends) {
  const { comparison, schema } = await compare(ends, { kind: 'schema' })
  const differences = schema?.differences ?? []
  const named = (name: string): SchemaChange => {
    const found = differences.find((one) => one.name === name)
    if (!found) throw new Error(`no difference of ${name}: ${differences.map((one) => one.name)}`)
    return found
  }
  return { comparison, schema, differences, named }
}

async function apply(ends: Ends, id: string, confirmed: string[]) {
  return await api.post(`/api/compare/${id}/apply`, { ...conns(ends), confirmed })
}

const people = `
  create table people (id int primary key, name text, note text);
  insert into people select i, 'name ' || i, repeat('x', 300) from generate_series(1, 100) i;
  create table same (id int primary key);
  insert into same select generate_series(1, 10);
  create table keyless (a int);`

describe('rows', () => {
  test('differences are named with the key, the columns and both values', async () => {
    const ends = await filled(
      people,
      `update people set name = 'other' where id = 7; delete from people where id = 8;
       insert into people values (101, 'new', null); insert into keyless values (1);
       create table more (id int)`,
    )
    await ends.source.sql('create table less (id int)')
    const { comparison, data } = await compare(ends, { kind: 'data', values: true })
    expect(comparison).toMatchObject({ state: 'done', outcome: 'different', kind: 'data' })
    expect(comparison.progress).toMatchObject({ tables: 5, settled_tables: 5, differing_tables: 4 })
    const table = (name: string) => data?.tables.find((one) => one.name === name)
    expect(data?.tables.map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
      'keyless different',
      'less missing',
      'more extra',
      'people different',
      'same same',
    ])
    const drill = table('people')?.drill
    expect(drill).toMatchObject({ key: ['id'], missing: 1, extra: 1, different: 1 })
    expect(drill?.columns).toEqual(['id', 'name', 'note'])
    const row = (change: string) => drill?.rows.find((one) => one.change === change)
    const long = `${'x'.repeat(200)}...`
    expect(row('different')).toMatchObject({
      key: ['7'],
      columns: ['name'],
      values: { source: ['7', 'name 7', long], destination: ['7', 'other', long] },
    })
    expect(row('missing')?.values).toEqual({ source: ['8', 'name 8', long], destination: null })
    expect(row('extra')?.values).toEqual({ source: null, destination: ['101', 'new', null] })
    expect(table('keyless')?.drill).toMatchObject({ key: null, extra: 1, rows: [] })
  })

  test('the limit of rows leaves the totals true, and values are only read on request', async () => {
    const ends = await filled(people, "update people set note = 'y'")
    const { data } = await compare(ends, { kind: 'data', rows: 5, selection: { include: ['public.people'] } })
    expect(data?.tables).toHaveLength(1)
    const drill = data?.tables[0]?.drill
    expect(drill).toMatchObject({ different: 100 })
    expect(drill?.rows).toHaveLength(5)
    expect(drill?.rows[0]?.values).toBeUndefined()
    expect(JSON.stringify(data)).not.toContain('xxx')
  })

  test('equal tables are the same, also if they are only counted', async () => {
    const ends = await filled(people)
    const counted = await compare(ends, { kind: 'data', fast: true })
    expect(counted.comparison.outcome).toBe('same')
    expect(counted.data).toMatchObject({ status: 'same', fast: true })
    expect(counted.data?.tables.every(({ source }) => source?.hash === null)).toBe(true)
    expect((await compare(ends, { kind: 'data' })).data).toMatchObject({ status: 'same', fast: false })
  })

  test('a selection that matches nothing fails, and is no result', async () => {
    const ends = await filled(people)
    const { comparison, data } = await compare(ends, {
      kind: 'data',
      selection: { include: ['public.peeple'] },
    })
    expect(comparison).toMatchObject({ state: 'failed', outcome: null })
    expect(comparison.error?.message).toContain('matches nothing')
    expect(data).toBeUndefined()
  })
})

test('one comparison at a time; a cancelled one ends its statements on the servers, and has no result', async () => {
  const ends = await filled(people)
  await using blocker = await Session.open(resolveSettings({ url: ends.source.url }))
  await blocker.execute('begin; lock table people in access exclusive mode')
  const { json } = await api.post('/api/compare', { ...conns(ends), kind: 'data' })
  const waiting = () =>
    ends.source.sql(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    )
  await eventually('a session to wait for the lock', waiting, (rows) => rows.length > 0)
  const second = await api.post('/api/compare', { ...conns(ends), kind: 'schema' })
  expect([second.status, second.json.error]).toEqual([409, 'busy'])
  expect(second.json.message).toContain(json.id)
  expect((await api.post(`/api/compare/${json.id}/cancel`)).json).toEqual({ ok: true })
  const { comparison, data } = await ended(json.id)
  expect(comparison).toMatchObject({ state: 'cancelled', outcome: null })
  expect(data).toBeUndefined()
  await eventually('no session to wait', waiting, (rows) => rows.length === 0)
  expect((await api.post(`/api/compare/${json.id}/cancel`)).json).toEqual({ ok: false })
  await blocker.execute('rollback')
  expect((await compare(ends, { kind: 'data' })).comparison.outcome).toBe('same')
})

const shop = `
  create type mood as enum ('good', 'bad');
  create table orders (id int primary key, price numeric(10,2) not null, note text default 'none', gone int);
  create index by_price on orders (price);
  create view cheap as select id from orders where id < 10;
  create function twice(n int) returns int language sql as 'select n * 2';
  create sequence numbers;
  insert into orders select i, i, 'n', i from generate_series(1, 10) i;`

describe('the schema', () => {
  test('is made like the source: what was confirmed is done, and checked', async () => {
    const ends = await filled(shop)
    await ends.source.sql(`
      alter type mood add value 'fair' after 'good';
      alter table orders add column added int default 5 not null, alter price type numeric(12,2),
        alter note set default 'some', drop column gone, add constraint positive check (price > 0);
      drop index by_price; create index by_price on orders (price desc); create index by_note on orders (note);
      create or replace view cheap as select id from orders where id < 11;
      create or replace function twice(n int) returns int language sql as 'select 2 * n';
      alter sequence numbers increment by 2; comment on table orders is 'all';
      create trigger t after insert on orders for each row execute function suppress_redundant_updates_trigger()`)
    await ends.destination.sql("create table stray (id int); comment on view cheap is 'none'")
    const { comparison, differences, named } = await schemaOf(ends)
    expect(comparison).toMatchObject({ state: 'done', outcome: 'different' })
    expect(named('stray')).toMatchObject({ status: 'extra', sql: ['DROP TABLE "public"."stray"'] })
    expect(named('stray').destroys).toEqual([{ what: 'object', kind: 'TABLE', name: 'public.stray' }])
    const orders = named('orders')
    expect(orders.destroys).toEqual([{ what: 'column', kind: 'COLUMN', name: 'public.orders.gone' }])
    expect(orders.source).toContain('price numeric(12,2) NOT NULL')
    expect(orders.destination).toContain('price numeric(10,2) NOT NULL')
    expect(differences.filter(({ sql }) => sql.length === 0)).toEqual([])

    const started = await apply(
      ends,
      comparison.id,
      differences.map(({ id }) => id),
    )
    expect(started.status).toBe(200)
    const after = await ended(started.json.id)
    expect(after.comparison.applied?.filter(({ status }) => status !== 'done')).toEqual([])
    expect(after.comparison.applied).toHaveLength(differences.length)
    expect(after.schema?.differences).toEqual([])
    expect(after.comparison).toMatchObject({ state: 'done', outcome: 'same' })
    expect(await ends.destination.sql('select count(*)::int as count from orders')).toEqual([{ count: 10 }])
  })

  test('a statement that the server refuses changes nothing of its object, and the others are done', async () => {
    const ends = await filled(shop, 'drop index by_price')
    await ends.source.sql('alter table orders alter note set not null, add column added int')
    await ends.destination.sql('update orders set note = null where id = 3')
    const { comparison, differences } = await schemaOf(ends)
    const { json } = await apply(
      ends,
      comparison.id,
      differences.map(({ id }) => id),
    )
    const after = await ended(json.id)
    const applied = Object.fromEntries((after.comparison.applied ?? []).map((one) => [one.name, one]))
    expect(applied.by_price?.status).toBe('done')
    expect(applied.orders).toMatchObject({ status: 'failed', error: { sqlstate: '23502' } })
    expect(after.comparison.outcome).toBe('different')
    expect(after.schema?.differences.map(({ name }) => name)).toEqual(['orders'])
    // Also the column that was added before the refusal is rolled back.
    expect(after.schema?.differences[0]?.destination).not.toContain('added')
  })

  test('what has changed since it was shown is refused, and nothing is applied', async () => {
    const ends = await filled(shop, 'drop index by_price')
    await ends.source.sql('create table later (id int)')
    const { comparison, differences } = await schemaOf(ends)
    await ends.source.sql('alter table later add column secret text')
    const { json } = await apply(
      ends,
      comparison.id,
      differences.map(({ id }) => id),
    )
    const after = await ended(json.id)
    expect(after.comparison).toMatchObject({ state: 'failed', outcome: null })
    expect(after.comparison.error?.message).toMatch(/ 1 of the \d+ confirmed changes /)
    expect(after.comparison.applied).toBeUndefined()
    expect((await schemaOf(ends)).differences.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['by_price', 'later']),
    )
  })

  test('only ids of the comparison and its own ends are accepted', async () => {
    const ends = await filled(shop, 'drop index by_price')
    const { comparison, differences } = await schemaOf(ends)
    const ids = differences.map(({ id }) => id)
    expect(await apply(ends, comparison.id, ['0'.repeat(32)])).toMatchObject({ status: 400 })
    expect(await apply(ends, comparison.id, [])).toMatchObject({ status: 400 })
    const swapped = { source: ends.destination, destination: ends.source }
    const other = await apply(swapped, comparison.id, ids)
    expect(other).toMatchObject({ status: 400, json: { path: '/source' } })
    expect((await apply(ends, 'nothing', ids)).status).toBe(404)
    expect((await schemaOf(ends)).named('by_price').status).toBe('missing')
  })

  test('what cannot be done by known statements is left to the user, with the reason', async () => {
    const ends = await filled(shop)
    await ends.source.sql('create table parts (id int) partition by list (id)')
    await ends.destination.sql(`
      create table parts (id int) partition by range (id);
      create foreign data wrapper remote; create server far foreign data wrapper remote;
      create user mapping for public server far options (password 'hidden')`)
    const { differences, named } = await schemaOf(ends)
    expect(named('parts')).toMatchObject({ sql: [], by_hand: 'table' })
    expect(named('far')).toMatchObject({ sql: [], by_hand: 'unsupported' })
    expect(JSON.stringify(differences)).not.toContain('hidden')
  })
})

test('neither a comparison nor its errors contain a password', async () => {
  const ends = await filled(people)
  const { comparison } = await compare(ends, { kind: 'data' })
  const { password } = new URL(ends.source.url)
  const secret = 's3cret-of-the-test'
  const body = { ...conns(ends), kind: 'data', destination: { url: `postgres://x:${secret}@127.0.0.1:1/x` } }
  const { json } = await api.post('/api/compare', body)
  const failed = await ended(json.id)
  expect(failed.comparison.state).toBe('failed')
  const all = JSON.stringify([failed, comparison, (await api.get('/api/compare')).json])
  expect(all).not.toContain(secret)
  if (password) expect(all).not.toContain(`:${password}@`)
})

test('what the role may not read is never the same', async () => {
  const ends = await filled('create table hidden (id int)')
  const name = `reader_${crypto.randomUUID().slice(0, 8)}`
  for (const side of [ends.source, ends.destination]) await side.sql(`create role ${name} login password 'p'`)
  const as = ({ url }: TestDatabase) => ({
    url: Object.assign(new URL(url), { username: name, password: 'p' }).href,
  })
  const conns = { source: as(ends.source), destination: as(ends.destination) }
  const start = async (more: object) => {
    const { json } = await api.post('/api/compare', { ...conns, ...more })
    return await ended(json.id)
  }
  const rows = await start({ kind: 'data' })
  expect(rows.comparison.outcome).toBe('different')
  expect(rows.data?.tables[0]).toMatchObject({ status: 'unknown', error_side: 'source' })
  expect(rows.data?.tables[0]?.error?.message).toContain('may not read public.hidden')
  const schema = await start({ kind: 'schema', owner: false, acl: false })
  expect(schema.schema).toMatchObject({ status: 'same', differences: [], unreadable: ['public.hidden'] })
  expect(schema.comparison.outcome).toBeNull()
})

test('an option of the other kind is refused with its place', async () => {
  const ends = conns(await filled(people))
  expect(await api.post('/api/compare', { ...ends, kind: 'schema', fast: true })).toMatchObject({
    status: 400,
    json: { path: '/fast' },
  })
  expect(await api.post('/api/compare', { ...ends, kind: 'data', owner: false })).toMatchObject({
    status: 400,
    json: { path: '/owner' },
  })
  expect((await api.post('/api/compare', { ...ends, kind: 'rows' })).status).toBe(400)
})
