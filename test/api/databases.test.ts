// Reading databases through the API: testing a connection, browsing, one table.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browse, BrowsedSchema, TableInfo } from '../../shared/browse-api.ts'
import type { PlanAnswer } from '../../shared/plan-api.ts'
import { eventually } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { type Api, startApi } from '../support/api.ts'

let api: Api
let old: Cluster
let fresh: Cluster
let shop: TestDatabase

const objects = `
  create schema shop;
  create schema "odd ""; drop schema shop; --";
  create type shop.mood as enum ('good', 'bad');
  create domain shop.price as numeric(10, 2) check (value >= 0);
  create function shop.twice(n integer) returns integer language sql immutable as 'select n * 2';
  create function shop.noop() returns trigger language plpgsql as 'begin return new; end';
  create table shop.customer (
    id bigint generated always as identity primary key,
    mail text not null unique,
    mood shop.mood default 'good',
    moods shop.mood[]);
  create table shop.item (
    id serial primary key,
    customer bigint references shop.customer,
    price shop.price not null check (price < 1000000),
    doubled integer default shop.twice(21),
    note text);
  comment on table shop.customer is 'who buys';
  comment on column shop.customer.mail is 'checked';
  create index item_note on shop.item (lower(note));
  create trigger stamp before update on shop.item for each row execute function shop.noop();
  create view shop.dear as select i.id, c.mail from shop.item i join shop.customer c on c.id = i.customer;
  create materialized view shop.sums as select count(*) from shop.dear;
  create table shop.log (at date, what text) partition by range (at);
  create table shop.log_2020 partition of shop.log for values from ('2020-01-01') to ('2021-01-01');
  create table "odd ""; drop schema shop; --"."it's; select 1" ("a""b" text);
  insert into shop.customer (mail) select 'c' || n from generate_series(1, 50) n;
  insert into shop.item (customer, price, note) select 1 + n % 50, n, repeat('x', 500) from generate_series(1, 1000) n;
  insert into shop.log select '2020-06-01', 'w' from generate_series(1, 10);
  insert into "odd ""; drop schema shop; --"."it's; select 1" values (null), ('v');
  create extension hstore schema public;
  analyze;`

beforeAll(async () => {
  ;[api, old, fresh] = await Promise.all([startApi(), cluster(12), cluster(18)])
  shop = await fresh.createDatabase()
  await shop.sql(objects)
})

afterAll(() => api.server.close())

const oddSchema = 'odd "; drop schema shop; --'

describe('test-connection', () => {
  test('reports the server', async () => {
    const { status, json } = await api.post('/api/test-connection', { conn: { url: shop.url } })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      ok: true,
      major: 18,
      database: shop.name,
      user: 'postgres',
      superuser: true,
      encoding: 'UTF8',
      tls: null,
    })
    expect(json.version).toMatch(/^18\.\d+$/)
    expect(json.size_bytes).toBeGreaterThan(1_000_000)
    expect(json.latency_ms).toBeGreaterThan(0)
  })

  test('accepts fields as well as a URL', async () => {
    const conn = {
      host: '127.0.0.1',
      port: old.port,
      database: 'postgres',
      user: 'postgres',
      password: 'postgres',
      sslMode: 'prefer',
    }
    expect((await api.post('/api/test-connection', { conn })).json).toMatchObject({ ok: true, major: 12 })
  })

  test('reports errors in words, and never the password', async () => {
    const strict = await cluster(14, { hba: 'host all all 127.0.0.1/32 scram-sha-256\n' })
    const at = (port: number, rest: object = {}) => ({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      database: 'postgres',
      password: 'postgres',
      ...rest,
    })
    const cases = [
      ['refused', at(1), 'nothing listens'],
      ['host', { ...at(5432), host: 'no-such-host.invalid' }, 'no-such-host.invalid'],
      ['login', at(strict.port, { password: 'wr0ng-one' }), 'password authentication failed'],
      ['login', at(strict.port, { user: 'nobody', password: 'wr0ng-one' }), 'password authentication failed'],
      ['login', at(strict.port, { user: 'postgres', password: 'x', host: '::1' }), ''],
      ['database', at(strict.port, { database: "x'; drop table y" }), 'does not exist'],
      ['tls', at(strict.port, { sslMode: 'require' }), 'TLS'],
    ] as const
    for (const [error, conn, words] of cases) {
      const { status, json, text } = await api.post('/api/test-connection', { conn })
      expect(status).toBe(400)
      if (words === '') expect(['host', 'refused', 'timeout', 'login']).toContain(json.error)
      else expect([json.error, json.message]).toEqual([error, expect.stringContaining(words)])
      expect(text).not.toContain('wr0ng-one')
    }
    const password = await api.post('/api/test-connection', {
      conn: at(strict.port, { password: 'wr0ng-one' }),
    })
    expect(password.json.sqlstate).toBe('28P01')
  })

  test('leaves no session behind', async () => {
    await api.post('/api/test-connection', { conn: { url: shop.url } })
    const open = () =>
      shop.sql(
        `select pid, state, query from pg_stat_activity
          where application_name = 'pgtrek' and datname = current_database()`,
      )
    await eventually('the end of its sessions', open, (sessions) => sessions.length === 0)
  })
})

describe('browse', () => {
  let found: Browse
  let schema: BrowsedSchema

  beforeAll(async () => {
    found = (await api.post('/api/browse', { conn: { url: shop.url } })).json
    schema = found.schemas.find(({ name }) => name === 'shop') as BrowsedSchema
  })

  test('lists the schemas of users, and extensions separately', () => {
    expect(found.schemas.map(({ name }) => name)).toEqual([oddSchema, 'public', 'shop'])
    expect(found.extensions).toEqual([{ name: 'hstore', version: expect.any(String) }])
    const empty = found.schemas.find(({ name }) => name === 'public')
    expect(empty).toMatchObject({ tables: [], functions: [], types: [] })
    expect(found).toMatchObject({ database: shop.name, version: expect.stringMatching(/^18/) })
  })

  test('tables with their kind, size and rows; a partitioned one with those of its partitions', () => {
    const tables = new Map(schema.tables.map((table) => [table.name, table]))
    expect([...tables.keys()]).toEqual(['customer', 'item', 'log', 'log_2020'])
    expect(tables.get('item')).toMatchObject({ kind: 'table', estimated_rows: 1000, readable: true })
    expect([...tables.values()].map(({ primary_key }) => primary_key)).toEqual([true, true, false, false])
    expect(tables.get('item')?.bytes).toBeGreaterThan(500_000)
    expect(tables.get('log')).toMatchObject({ kind: 'partitioned', estimated_rows: 10 })
    expect(tables.get('log_2020')).toMatchObject({
      kind: 'partition',
      parent: { schema: 'shop', name: 'log' },
    })
    expect(tables.get('log')?.bytes).toBe(tables.get('log_2020')?.bytes as number)
  })

  test('all other kinds, named as a selection names them', () => {
    const names = (objects: { name: string }[]) => objects.map(({ name }) => name)
    expect(names(schema.views)).toEqual(['dear'])
    expect(names(schema.materializedViews)).toEqual(['sums'])
    expect(names(schema.functions)).toEqual(['noop()', 'twice(integer)'])
    // The sequence of an identity column belongs to the column.
    expect(names(schema.sequences)).toEqual(['item_id_seq'])
    expect(schema.triggers).toMatchObject([{ name: 'stamp', table: 'item' }])
    expect(names(schema.types)).toEqual(['mood', 'price'])
  })

  test('the dependencies of each', () => {
    const needs = (object: { needs: { kind: string; schema: string; name: string }[] } | undefined) =>
      object?.needs.map(({ kind, schema, name }) => `${kind} ${schema}.${name}`).sort()
    const table = (name: string) => schema.tables.find((one) => one.name === name)
    expect(needs(table('customer'))).toEqual(['types shop.mood'])
    expect(needs(table('item'))).toEqual([
      'functions shop.twice(integer)',
      'sequences shop.item_id_seq',
      'types shop.price',
    ])
    expect(needs(table('log_2020'))).toEqual(['tables shop.log'])
    expect(needs(schema.views[0])).toEqual(['tables shop.customer', 'tables shop.item'])
    expect(needs(schema.materializedViews[0])).toEqual(['views shop.dear'])
    expect(needs(schema.triggers[0])).toEqual(['functions shop.noop()', 'tables shop.item'])
    expect(needs(schema.sequences[0])).toEqual([])
  })

  test('without the right to read, a table is listed as unreadable', async () => {
    await shop.sql(`create role looker login; grant connect on database "${shop.name}" to looker`)
    const { status, json } = await api.post('/api/browse', { conn: { url: fresh.url(shop.name, 'looker') } })
    expect(status).toBe(200)
    const tables = (json as Browse).schemas.find(({ name }) => name === 'shop')?.tables
    expect(tables?.map(({ readable }) => readable)).toEqual([false, false, false, false])
  })

  test('also on the oldest major', async () => {
    const { status, json } = await api.post('/api/browse', { conn: { url: old.url('postgres') } })
    expect([status, json.schemas.map(({ name }: { name: string }) => name)]).toEqual([200, ['public']])
  })
})

describe('table-info', () => {
  const info = (body: object) => api.post('/api/table-info', { conn: { url: shop.url }, ...body })

  test('describes everything about a table', async () => {
    const { json } = (await info({ schema: 'shop', table: 'item' })) as { json: TableInfo }
    expect(json.columns).toEqual([
      {
        name: 'id',
        type: 'integer',
        nullable: false,
        default: "nextval('shop.item_id_seq'::regclass)",
        identity: null,
        generated: false,
        comment: null,
      },
      {
        name: 'customer',
        type: 'bigint',
        nullable: true,
        default: null,
        identity: null,
        generated: false,
        comment: null,
      },
      {
        name: 'price',
        type: 'shop.price',
        nullable: false,
        default: null,
        identity: null,
        generated: false,
        comment: null,
      },
      {
        name: 'doubled',
        type: 'integer',
        nullable: true,
        default: 'shop.twice(21)',
        identity: null,
        generated: false,
        comment: null,
      },
      {
        name: 'note',
        type: 'text',
        nullable: true,
        default: null,
        identity: null,
        generated: false,
        comment: null,
      },
    ])
    expect(json.keys.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      'primary key item_pkey',
      'check item_price_check',
    ])
    expect(json.foreign_keys).toMatchObject([
      { references: { schema: 'shop', name: 'customer' }, validated: true },
    ])
    expect(json.referenced_by).toEqual([])
    const customer = (await info({ schema: 'shop', table: 'customer' })).json
    expect(customer.referenced_by).toMatchObject([
      { name: 'item_customer_fkey', table: { schema: 'shop', name: 'item' }, validated: true },
    ])
    expect(customer).toMatchObject({ comment: 'who buys' })
    expect(customer.columns[1]).toMatchObject({ name: 'mail', comment: 'checked' })
    expect(json.indexes.map(({ name, valid }) => [name, valid])).toEqual([
      ['item_pkey', true],
      ['item_note', true],
    ])
    expect(json.triggers).toMatchObject([{ name: 'stamp', enabled: true }])
    expect(json).toMatchObject({ exact_rows: 1000, estimated_rows: 1000 })
    expect(json.sample).toBeUndefined()
    const identity = (await info({ schema: 'shop', table: 'customer' })).json.columns[0]
    expect(identity).toMatchObject({ identity: 'always', default: null })
  })

  test('shows rows on request, with long values cut', async () => {
    const { json } = await info({ schema: 'shop', table: 'item', sample: 2 })
    expect(json.sample).toHaveLength(2)
    expect(json.sample[0].slice(0, 4)).toEqual(['1', '2', '1.00', '42'])
    expect(json.sample[0][4]).toBe(`${'x'.repeat(200)}…`)
  })

  test('names may contain any character', async () => {
    const { status, json } = await info({ schema: oddSchema, table: "it's; select 1", sample: 5 })
    expect(status).toBe(200)
    expect(json).toMatchObject({ exact_rows: 2, sample: [[null], ['v']], columns: [{ name: 'a"b' }] })
    const none = await info({ schema: 'shop', table: 'item"; drop table shop.item; --' })
    expect([none.status, none.json.error, none.json.path]).toEqual([404, 'not_found', '/table'])
    expect(await shop.sql('select count(*)::int as n from shop.item')).toEqual([{ n: 1000 }])
  })

  test('a count that takes too long or is not allowed is omitted', async () => {
    await shop.sql('create table waits (id int)')
    await using holder = holding(shop.connect())
    await holder.sql.unsafe('begin; lock table waits')
    await using impatient = await startApi({ lockTimeoutMs: 100 })
    const conn = { url: shop.url }
    const waits = { conn, schema: 'public', table: 'waits', countSeconds: 0.05 }
    const locked = await impatient.post('/api/table-info', waits)
    expect([locked.status, locked.json.exact_rows]).toEqual([200, null])
    const browsed = await impatient.post('/api/browse', { conn })
    expect(browsed.status).toBe(200)
    expect((await info({ schema: 'shop', table: 'item', countSeconds: 0 })).json.exact_rows).toBeNull()
    const looker = { conn: { url: fresh.url(shop.name, 'looker') }, schema: 'shop', table: 'item', sample: 3 }
    const unread = await info(looker)
    expect([unread.status, unread.json.exact_rows, unread.json.sample]).toEqual([200, null, []])
  })

  test('sums up the partitions of a partitioned table', async () => {
    expect((await info({ schema: 'shop', table: 'log' })).json).toMatchObject({
      exact_rows: 10,
      estimated_rows: 10,
    })
  })
})

describe('table-rows', () => {
  const rows = (body: object) =>
    api.post('/api/table-rows', { conn: { url: shop.url }, schema: 'shop', table: 'item', ...body })

  test('counts the rows of a condition and shows some of them', async () => {
    const { status, json } = await rows({ where: 'id > 990 -- the last', sample: 3 })
    expect([status, json.rows, json.columns.slice(0, 2)]).toEqual([200, 10, ['id', 'customer']])
    expect(json.sample.map(([id]: string[]) => Number(id) > 990)).toEqual([true, true, true])
    expect(json.sample[0][4]).toHaveLength(500)
    expect((await rows({})).json).toMatchObject({ rows: 1000, sample: [] })
    expect((await rows({ table: 'log', where: "what = 'w'" })).json.rows).toBe(10)
    expect((await rows({ table: 'none' })).status).toBe(404)
  })

  test('an error has the words of the server and its position in the condition', async () => {
    const { status, json } = await rows({ where: 'id > 1 and pricey < 3', sample: 1 })
    expect(status).toBe(400)
    expect(json).toMatchObject({ error: 'server', sqlstate: '42703', path: '/where', position: 12 })
    expect(json.message).toContain('column "pricey" does not exist')
    expect((await rows({ where: '1 / (id - id) > 0' })).json).toMatchObject({ message: 'division by zero' })
  })

  test.each([
    ['true; drop table shop.item', 'remove the ;', 5],
    ['true) or (true', 'a ) without a ( before it', 5],
    ['(true', 'a ( that is not closed', 1],
    ["note = 'x", "a ' that is not closed", 8],
    ['id > $1', 'parameters such as $1', 6],
  ])('refuses what is not one expression: %s', async (where, message, position) => {
    const { status, json } = await rows({ where })
    expect(status).toBe(400)
    expect(json).toMatchObject({ error: 'usage', message: expect.stringContaining(message), position })
  })

  test('cannot write, and does not outlast its time limit', async () => {
    const write = await rows({ where: "nextval('shop.item_id_seq') > 0", sample: 1 })
    expect(write.json).toMatchObject({ sqlstate: '25006' })
    const settings =
      "set_config('default_transaction_read_only', 'off', false) is not null and set_config('statement_timeout', '0', false) is not null"
    await rows({ where: settings, sample: 1 })
    const slow = await rows({ where: 'pg_sleep(60) is not null', countSeconds: 0.2, sample: 1 })
    expect([slow.status, slow.json.rows, slow.json.sample]).toEqual([200, null, null])
  })

  test('is cancelled on the server when the client has disconnected', async () => {
    const controller = new AbortController()
    const sleeping = () =>
      shop.sql(
        `select pid from pg_stat_activity where query like '%pg_sleep(61)%' and pid <> pg_backend_pid() and state = 'active'`,
      )
    const body = { conn: { url: shop.url }, schema: 'shop', table: 'item', where: 'pg_sleep(61) is not null' }
    const gone = fetch(`${api.server.url}/api/table-rows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, countSeconds: 100 }),
      signal: controller.signal,
    }).catch((error: unknown) => error)
    await eventually('the count to run', sleeping, (found) => found.length === 1)
    controller.abort()
    await gone
    await eventually('the end of the count', sleeping, (found) => found.length === 0)
  })
})

describe('orphans', () => {
  const orphans = (table: string, kept: object[], countSeconds = 5) =>
    api.post('/api/orphans', { conn: { url: shop.url }, schema: 'shop', table, kept, countSeconds })
  const customer = (where: string) => ({ schema: 'shop', name: 'customer', where })
  const item = (where: string) => ({ schema: 'shop', name: 'item', where })

  test('counts rows that are kept without the row that they reference, from both of its tables', async () => {
    for (const table of ['item', 'customer']) {
      const { json } = await orphans(table, [customer('id <= 40')])
      expect(json.foreign_keys).toMatchObject([{ name: 'item_customer_fkey', orphans: 200 }])
    }
    const both = await orphans('item', [customer('id <= 40'), item('customer < 42')])
    expect(both.json.foreign_keys[0].orphans).toBe(20)
    const fewer = await orphans('item', [item('id < 10')])
    expect(fewer.json.foreign_keys).toMatchObject([{ orphans: 0 }])
    expect((await orphans('item', [{ schema: 'shop', name: 'customer', left_out: true }])).json).toEqual({
      foreign_keys: [],
    })
  })

  test('the suggested condition leaves none, and keeps all other rows', async () => {
    const kept = [customer('id <= 40 -- first'), item('id > 0 or true')]
    const { suggestion } = (await orphans('item', kept)).json.foreign_keys[0]
    const after = await orphans('item', [customer('id <= 40 -- first'), item(suggestion)])
    expect(after.json.foreign_keys[0].orphans).toBe(0)
    const counted = await api.post('/api/table-rows', {
      ...{ conn: { url: shop.url }, schema: 'shop', table: 'item', where: suggestion },
    })
    expect(counted.json.rows).toBe(800)
  })

  test('is not known when the limit is exceeded', async () => {
    const { json } = await orphans('item', [customer('pg_sleep(60) is null')], 0.2)
    expect(json.foreign_keys).toMatchObject([{ orphans: null }])
  })
})

function holding(sql: ReturnType<TestDatabase['connect']>) {
  return {
    sql,
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 1 })
    },
  }
}

describe('the estimated rows of a table', () => {
  test.each(casesOf<12 | 14 | 15 | 18>([12, 18], [14, 15]))(
    'PostgreSQL %d: counted as empty is 0, never counted is -1',
    async (major) => {
      const database = await (await cluster(major)).createDatabase()
      await database.sql(`
      create table counted (id int primary key, t text);
      create table counted_dead (id int primary key, t text) with (autovacuum_enabled = off);
      insert into counted_dead values (1), (2);
      delete from counted_dead;
      analyze counted, counted_dead;
      create table never (id int primary key, t text) with (autovacuum_enabled = off);
      insert into never values (1);
      create table never_empty (id int primary key, t text);
      create table whole (id int) partition by range (id);
      create table part partition of whole for values from (0) to (9) with (autovacuum_enabled = off);
      insert into whole values (1);
      create table no_parts (id int) partition by range (id);`)
      const expected = {
        counted: 0,
        counted_dead: 0,
        never: -1,
        never_empty: 0,
        no_parts: 0,
        part: -1,
        whole: -1,
      }
      const conn = { url: database.url }
      const { json } = await api.post('/api/browse', { conn })
      const found = (json.schemas as BrowsedSchema[]).flatMap(({ tables }) => tables)
      const estimates = (list: { name: string; estimated_rows: number }[]) =>
        Object.fromEntries(list.map(({ name, estimated_rows }) => [name, estimated_rows]))
      expect(estimates(found)).toEqual(expected)
      const infos = await Promise.all(
        Object.keys(expected).map((table) => api.post('/api/table-info', { conn, schema: 'public', table })),
      )
      expect(estimates(infos.map((info) => info.json))).toEqual(expected)
      const destination = await (await cluster(18)).createDatabase()
      const plan = await api.post('/api/plan', { source: conn, destination: { url: destination.url } })
      const planned = (plan.json as PlanAnswer).tables.map(({ name, rows }) => [name, rows])
      const { no_parts: _, whole: __, ...rest } = expected
      expect(Object.fromEntries(planned)).toEqual(rest)
    },
  )
})
