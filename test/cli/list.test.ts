// `pgtrek list` against real servers: its counts, its errors, and how it stops.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, makeHome } from '../../tools/command.ts'
import { CannotHappen, eventually } from '../../tools/eventually.ts'
import { isLong } from '../../tools/long.ts'
import { type Cluster, cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'
import { columns, done, type Fake, int16, int32, ready, row, say, startFake } from '../support/fake-server.ts'

let home: Home
beforeAll(() => {
  home = makeHome()
})
afterAll(() => home[Symbol.dispose]())

const content = `
  create schema "odd.""schema";
  create table "odd.""schema"."a,b ""c""" (id int primary key);
  insert into "odd.""schema"."a,b ""c""" values (1), (2), (3);
  create table orders (id int, at date, primary key (id, at)) partition by range (at);
  create table orders_1 partition of orders for values from ('2020-01-01') to ('2021-01-01');
  create table orders_2 partition of orders for values from ('2021-01-01') to ('2022-01-01') partition by hash (id);
  create table orders_2a partition of orders_2 for values with (modulus 2, remainder 0);
  create table orders_2b partition of orders_2 for values with (modulus 2, remainder 1);
  insert into orders select i, '2020-01-01'::date + i % 700 from generate_series(1, 20000) i;
  create unlogged table cache (k int);
  insert into cache select generate_series(1, 100);
  create table parent (x int);
  create table child () inherits (parent);
  insert into parent values (1);
  insert into child values (2), (3);
  create table nothing ();
  create table empty (x int);
  create view recent as select * from orders;
  create foreign data wrapper nowhere;
  create server nowhere foreign data wrapper nowhere;
  create foreign table far (x int) server nowhere;
  create temp table passing (x int);`

interface Listed {
  schema: string
  name: string
  kind: string
  unlogged: boolean
  partition_of?: { schema: string; name: string }
  rows: number | null
  table_bytes: number
  index_bytes: number
  total_bytes: number
}

describe.each<Major>([12, 18])('on %d', (major) => {
  let server: Cluster
  let source: TestDatabase

  beforeAll(async () => {
    server = await cluster(major)
    source = await server.createDatabase()
    await source.sql(content)
  })

  async function listed(...args: string[]) {
    const { code, output, said } = await home.run(['list', '--source', source.url, '--json', ...args])
    expect(said).toBe('')
    expect(code).toBe(0)
    const { tables, ...rest } = JSON.parse(output) as {
      tables: Listed[]
      total: Record<string, number | null>
    }
    return { ...rest, tables, names: tables.map(({ name }) => name) }
  }

  test('lists all tables with their kind, and counts each row once', async () => {
    const { tables, total } = await listed('--exact', '--sort', 'name')
    const facts = tables.map(({ name, kind, rows, unlogged, partition_of }) => {
      return [name, `${unlogged ? 'unlogged ' : ''}${kind}`, partition_of?.name, rows]
    })
    const rowsOf = async (table: string) =>
      (await source.sql<{ n: number }>(`select count(*)::int as n from ${table}`))[0]?.n
    expect(facts).toEqual(
      [
        ['a,b "c"', 'table', undefined, 3],
        ['cache', 'unlogged table', undefined, 100],
        ['child', 'table', undefined, 2],
        ['empty', 'table', undefined, 0],
        ['far', 'foreign', undefined, null],
        ['nothing', 'table', undefined, 0],
        ['orders', 'partitioned', undefined, 20000],
        ['orders_1', 'table', 'orders', await rowsOf('orders_1')],
        ['orders_2', 'partitioned', 'orders', await rowsOf('orders_2')],
        ['orders_2a', 'table', 'orders_2', await rowsOf('orders_2a')],
        ['orders_2b', 'table', 'orders_2', await rowsOf('orders_2b')],
        ['parent', 'table', undefined, 1],
      ].sort((one, other) => {
        const schema = (row: unknown[]) => (row[0] === 'a,b "c"' ? 0 : 1)
        return schema(one) - schema(other)
      }),
    )
    expect(total).toMatchObject({ tables: 8, partitions: 4 })
  })

  test('sizes are those of the server, and those of a tree include all of its partitions', async () => {
    const { tables, total } = await listed()
    const [sizes] = await source.sql<{ table: number; all: number }>(`
      select sum(pg_table_size(oid))::int as table, sum(pg_total_relation_size(oid))::int as all
        from pg_class where relname like 'orders%' and relkind in ('r', 'p')`)
    const orders = tables.find(({ name }) => name === 'orders')
    expect(orders).toMatchObject({ table_bytes: sizes?.table, total_bytes: sizes?.all })
    const [database] = await source.sql<{ all: number }>(`
      select sum(pg_total_relation_size(c.oid))::int as all
        from pg_class c join pg_namespace n on n.oid = relnamespace
       where relkind = 'r' and relpersistence <> 't' and nspname !~ '^pg_' and nspname <> 'information_schema'`)
    expect(total.total_bytes).toBe(database?.all as number)
    expect(tables[0]?.name).toBe('orders')
  })

  // The rest depends little on the version.
  if (major !== 18 && !isLong) return

  test('an estimate is unknown until the server has counted', async () => {
    const before = await server.createDatabase()
    await before.sql(`
      create table t (x int) with (autovacuum_enabled = off);
      create table u (x int) with (autovacuum_enabled = off);
      insert into t select generate_series(1, 1000);
      insert into u select generate_series(1, 10);`)
    const text = async () => (await home.run(['list', '--source', before.url])).output
    expect(await text()).toMatch(/public\.t +\? /)
    expect(await text()).toContain('about 0 rows and those of 2 tables that are not counted')
    await before.sql('analyze t')
    expect(await text()).toMatch(/public\.t +1,000 /)
    expect(await text()).toContain('about 1,000 rows and those of 1 table that are not counted')
  })

  test('the text has partitions below their table, and unusual names unchanged', async () => {
    const { output, code } = await home.run(['list', '--source', source.url, '--exact', '--sort', 'name'])
    expect(code).toBe(0)
    const lines = output.split('\n').map((line) => line.trimEnd())
    expect(lines.find((line) => line.includes('a,b'))).toMatch(/^odd\."schema\.a,b "c" +3 /)
    const first = lines.findIndex((line) => line.startsWith('public.orders '))
    expect(lines.slice(first, first + 5)).toEqual([
      expect.stringMatching(/^public\.orders +20,000 .* partitioned$/),
      expect.stringMatching(/^ {2}public\.orders_1 .* partition$/),
      expect.stringMatching(/^ {2}public\.orders_2 .* partitioned partition$/),
      expect.stringMatching(/^ {4}public\.orders_2a .* partition$/),
      expect.stringMatching(/^ {4}public\.orders_2b .* partition$/),
    ])
    expect(lines.at(-2)).toMatch(
      /^8 tables with 4 partitions, 20,106 rows and those of 1 table that are not counted, /,
    )
  })

  test('a selection includes and excludes partitions with their tables', async () => {
    expect((await listed('--include', 'orders', '--sort', 'name')).names).toEqual([
      ...['orders', 'orders_1', 'orders_2', 'orders_2a', 'orders_2b'],
    ])
    const without = await listed('--include', 'orders', '--exclude', 'orders_2', '--exact')
    expect(without.names).toEqual(['orders', 'orders_1'])
    expect(without.tables[0]?.rows).toBe(without.tables[1]?.rows as number)
    expect((await listed('--include', 'orders_2a')).tables[0]).toMatchObject({
      partition_of: { schema: 'public', name: 'orders_2' },
    })
    expect((await listed('--include', '"odd.""schema"."a,b ""c"""')).names).toEqual(['a,b "c"'])
    expect((await listed('--include-schema', '"odd.""schema"')).names).toEqual(['a,b "c"'])
    expect((await listed('--include', 'recent')).names).toEqual([])
  })

  test('names that match nothing are an error', async () => {
    const { code, output, said } = await home.run([
      ...['list', '--source', source.url, '--include', 'public.order,cache', '--exclude-schema', 'publik'],
    ])
    expect(code).toBe(2)
    expect(output).toBe('')
    expect(said).toContain('nothing matches "public.order": did you mean public.orders?')
    expect(said).toContain('nothing matches "publik": did you mean public?')
  })

  test('rows that may not be read, or not all of them, are not counted', async () => {
    const guarded = await server.createDatabase()
    await guarded.sql(`
      create table open (x int);
      create table closed (x int);
      create table policed (x int);
      insert into policed values (1), (2);
      alter table policed enable row level security;
      do $$ begin create role lister_${major} login; exception when duplicate_object then null; end $$;
      grant usage on schema public to lister_${major};
      grant select on open, policed to lister_${major};`)
    const url = server.url(guarded.name, `lister_${major}`)
    const { code, output, said } = await home.run(['list', '--source', url, '--exact', '--json'])
    const { tables } = JSON.parse(output) as { tables: Listed[] }
    const rows = Object.fromEntries(tables.map(({ name, rows }) => [name, rows]))
    expect(rows).toEqual({ open: 0, closed: null, policed: null })
    expect(said).toContain('public.closed: permission denied')
    expect(said).toContain('public.policed: query would be affected by row-level security policy')
    expect(code).toBe(1)
  })

  test('does not wait for a locked table', async () => {
    const busy = await server.createDatabase()
    await busy.sql('create table t (x int); insert into t select generate_series(1, 1000); analyze t')
    const client = busy.connect()
    try {
      await client.unsafe('begin')
      await client.unsafe('lock table t')
      const { code, output, said } = await home.run(['list', '--source', busy.url, '--json'])
      expect(said).toContain('a table is locked')
      expect(code).toBe(0)
      const { sizes_are, tables } = JSON.parse(output) as { sizes_are: string; tables: Listed[] }
      expect(sizes_are).toBe('estimated')
      expect(tables[0]).toMatchObject({ name: 't', rows: 1000 })
      expect(tables[0]?.table_bytes).toBeGreaterThan(0)
    } finally {
      await client.end()
    }
  })

  test('Ctrl-C stops the counting on the server too', async () => {
    const slow = await server.createDatabase()
    await slow.sql('create table t (x int)')
    const client = slow.connect()
    try {
      await client.unsafe('begin')
      await client.unsafe('lock table t')
      const run = home.start(['list', '--source', slow.url, '--exact'])
      const waiting = `select from pg_stat_activity
        where datname = '${slow.name}' and application_name = 'pgtrek' and query like '%count(*)%' and state = 'active'`
      await eventually('the count on the server', async () => {
        if (run.child.exitCode !== null) throw new CannotHappen((await run.finished).said)
        return (await slow.sql(waiting)).length
      })
      run.child.kill('SIGINT')
      const { code, output, said } = await run.finished
      expect(said).toContain('stopping')
      expect(code).toBe(130)
      expect(output).toBe('')
      await eventually(
        'its end',
        () => slow.sql(waiting),
        ({ length }) => length === 0,
      )
    } finally {
      await client.end()
    }
  })
})

test('the source may come from a file, and an unreachable server is not an error on the command line', async () => {
  writeFileSync(
    join(home.directory, 'list.toml'),
    `source = "postgres://\${WHO}@127.0.0.1:1/x"\nexclude = ["a"]`,
  )
  const { code, said } = await home.run(['list', '--config', 'list.toml'], { WHO: 'me' })
  expect(said).toContain('127.0.0.1:1')
  expect(code).toBe(3)
  expect((await home.run(['list'], { PGTREK_SOURCE: '' })).code).toBe(2)
})

const nothing = (fake: Fake) => {
  fake.say(done('SELECT 0'), ready)
  return true
}

test.each([
  ['answers everything with nothing', nothing, 'its first query was answered by something else'],
  [
    'knows what a session is, and no tables',
    (fake: Fake, sql: string) => sql.includes('pg_class') && nothing(fake),
    'a query was answered without columns',
  ],
])('a server that %s: an error instead of a list', async (_, onQuery, what) => {
  using fake = startFake({ onQuery })
  const source = `postgres://me@127.0.0.1:${fake.port}/db?sslmode=disable`
  const { code, output, said } = await home.run(['list', '--source', source])
  expect(said).toContain(`the server's answer is not valid: ${what}`)
  expect(said.trimEnd().split('\n')).toHaveLength(1)
  expect(output).toBe('')
  expect(code).toBe(3)
})

describe('unexpected answers that are well-formed', () => {
  /** Answers every query of the catalogs with this row. */
  const answering = (...answer: Uint8Array[]) =>
    startFake({
      onQuery(fake, sql) {
        if (!/pg_class|pg_namespace/.test(sql)) return false
        fake.say(...answer, done('SELECT 1'), ready)
        return true
      },
    })
  const listing = (port: number, environment = {}) =>
    home.run(['list', '--source', `postgres://me@127.0.0.1:${port}/db?sslmode=disable`], environment)
  const place = /\bat .*:\d+:\d+|^\s*\d+ \|/m

  test('missing columns are an error of the server, in one line', async () => {
    using fake = answering(columns('color'), row('blue'))
    const { code, output, said } = await listing(fake.port)
    expect(said).toContain(`the server's answer is not valid: a query was answered with a column "color"`)
    expect(said.trimEnd().split('\n')).toHaveLength(1)
    expect([code, output]).toEqual([3, ''])
  })

  test('NULL in place of a name may be a bug: the message says how to report it, with a stack on request', async () => {
    const nulls = ['oid', 'schema', 'name', 'kind', 'parent']
    using fake = answering(columns(...nulls, 'mayRead'), say('D', int16(6), ...Array(6).fill(int32(-1))))
    const { code, said } = await listing(fake.port)
    expect(said).toMatch(/^pgtrek: the server's answer is not valid, or this is a bug in pgtrek: TypeError: /)
    expect(said).toContain('please report this')
    expect(said).not.toMatch(place)
    expect(code).toBe(1)
    expect((await listing(fake.port, { PGTREK_DEBUG: '1' })).said).toMatch(place)
  })
})
