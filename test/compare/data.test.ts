// Two databases are reported as equal exactly if their rows are, and differences are named.
import { describe, expect, test } from 'bun:test'
import { compareData, type DataComparisonRequest } from '../../server/compare/data.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { everything } from '../../shared/defaults.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'
import { extensionOn } from '../support/extension.ts'

type Options = Partial<DataComparisonRequest>

function compare(source: TestDatabase, destination: TestDatabase, options: Options = {}) {
  return compareData({
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    signal: new AbortController().signal,
    ...options,
  })
}

async function pair(from: Major, to: Major) {
  return {
    source: await (await cluster(from)).createDatabase(),
    destination: await (await cluster(to)).createDatabase(),
  }
}

/** The same statements on both sides, then some on the destination only. */
async function filled(majors: [Major, Major], both: string, changed = '') {
  const databases = await pair(...majors)
  await databases.source.sql(both)
  await databases.destination.sql(both)
  if (changed) await databases.destination.sql(changed)
  return databases
}

async function statuses(
  databases: { source: TestDatabase; destination: TestDatabase },
  options: Options = {},
) {
  const { tables } = await compare(databases.source, databases.destination, options)
  return Object.fromEntries(tables.map((table) => [table.name, table.status]))
}

const versions: [Major, Major][] = [
  [12, 18],
  [14, 17],
]

const everyType = `
  create type mood as enum ('sad', 'ok');
  create type pair as (a int, b text);
  create domain positive as int check (value > 0);
  create domain more_positive as positive;
  create table referenced (id int);
  create table kinds (
    id int primary key, i2 int2, i8 int8, n numeric, f4 float4, f8 float8, m money, b boolean,
    t text, v varchar(20), c char(10), q "char", nm name, by bytea, d date, ti time, tz timetz, ts timestamp,
    tstz timestamptz, iv interval, u uuid, j json, jb jsonb, x xml, e mood, es mood[], p pair, ps pair[],
    dm more_positive, ia int[], ta text[], r int4range, rt tstzrange, ip inet, ci cidr, mac macaddr, bits bit(5),
    vb varbit, pt point, bx box, tv tsvector, tq tsquery, rc regclass, rp regprocedure, rt2 regtype, o oid, l pg_lsn
  );
  insert into kinds select 1, -3, -9007199254740993, 1.50, 0.1, 1e-300, 12.34, true, 'text', 'v', 'c', 'q', 'name',
    '\\xdeadbeef', '2024-02-29', '12:34:56.789', '12:34+02', '2024-01-01 12:00', '2024-01-01 12:00+05', '1 mon 2 days 03:04',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a" : 1}', '{"b": [1, null]}', '<a>x</a>', 'sad', '{sad,ok}',
    row(1, 'b"c')::pair, array[row(1, null)::pair], 7, '{1,null,3}', array['a', null, 'c,"d', ''], '[1,5)',
    '[2024-01-01 00:00+00,)', '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', B'10101', B'1', '(1,2)', '(3,4),(1,2)',
    'a:1 b:2', 'a & b', 'referenced', 'pg_catalog.lower(text)', 'mood', 42, '16/B374D848';
  insert into kinds (id, f4, f8, n, d, ts, t, c, by) values
    (2, 'NaN', '-Infinity', 'NaN', 'infinity', '-infinity', '', '', ''),
    (3, '-0', '-0', 0.00, '0044-03-15 BC', '4713-01-01 BC', E'\\\\ ''"\\t\\n', ' x ', '\\x00ff');
  insert into kinds (id) values (4);`

describe.each(versions)('from %d to %d', (from, to) => {
  test('equal values of every type are equal', async () => {
    const databases = await filled([from, to], everyType)
    // Since 16 the text of a byte above 127 is different.
    for (const database of Object.values(databases)) {
      await database.sql(`update kinds set q = (-56)::"char" where id = 2`)
    }
    expect(await statuses(databases)).toEqual({ kinds: 'same', referenced: 'same' })
  })

  const changes: [string, string][] = [
    ['an integer', 'update kinds set i2 = -4 where id = 1'],
    ['the high half of a bigint', 'update kinds set i8 = i8 # (1::int8 << 40) where id = 1'],
    ['both halves of a bigint alike', 'update kinds set i8 = i8 # ((1::int8 << 40) | (1 << 8)) where id = 1'],
    ['the last digit of a float', "update kinds set f8 = '1.0000000000000002e-300' where id = 1"],
    ['the sign of zero', 'update kinds set f8 = 0 where id = 3'],
    ['the scale of a numeric', 'update kinds set n = 1.5 where id = 1'],
    ['NULL where there was an empty text', 'update kinds set t = null where id = 2'],
    ['NULL where there was nothing but blanks', 'update kinds set c = null where id = 2'],
    ['NULL where there were no bytes', 'update kinds set by = null where id = 2'],
    ['zero where there was NULL', 'update kinds set i8 = 0 where id = 4'],
    ['false where there was NULL', 'update kinds set b = false where id = 4'],
    ['a value that moved to the next column', 'update kinds set v = t, t = v where id = 1'],
    ['blanks in a json', `update kinds set j = '{"a": 1}' where id = 1`],
    ['NULL in an array', "update kinds set ta = array['a', 'NULL', 'c,\"d', ''] where id = 1"],
    ['a row more', 'insert into kinds (id) values (5)'],
    ['a row less', 'delete from kinds where id = 4'],
    [
      'two rows that change places',
      'update kinds set t = case id when 1 then (select t from kinds where id = 3) else (select t from kinds where id = 1) end where id in (1, 3)',
    ],
  ]
  test('every change is detected', async () => {
    const tables = changes.map((_, index) => `kinds_${index}`)
    const copies = tables.map((name) => `create table ${name} as table kinds;`)
    const changed = changes.map(([, change], index) => change.replaceAll('kinds', `kinds_${index}`))
    const { source, destination } = await filled(
      [from, to],
      everyType + copies.join('\n'),
      changed.join(';\n'),
    )
    const found = await statuses({ source, destination })
    expect(changes.map(([what], index) => [what, found[`kinds_${index}`]])).toEqual(
      changes.map(([what]) => [what, 'different']),
    )
    expect(found.kinds).toBe('same')
  })
})

describe('rows that differ are named', () => {
  const drill = { limit: 100 }
  const keyed = `
    create table "Odd ""name"".with, dots" (id int, "Größe" text, b text, n numeric, primary key ("Größe", id));
    insert into "Odd ""name"".with, dots" select i, 'ä "' || i % 10, 'b' || i, i from generate_series(1, 20000) i;`

  test.each(versions)('by a key of several columns, from %d to %d', async (from, to) => {
    const changes = `
      update "Odd ""name"".with, dots" set b = null, n = 7.0 where id = 7;
      delete from "Odd ""name"".with, dots" where id in (11, 12);
      insert into "Odd ""name"".with, dots" values (1, E'new\\\\ ''', '', 0);`
    const { source, destination } = await filled([from, to], keyed, changes)
    const { tables } = await compare(source, destination, { drill })
    expect(tables[0]?.source?.rows).toBe(20000)
    const { rows = [], ...totals } = tables[0]?.drill ?? {}
    expect(totals).toMatchObject({ key: ['Größe', 'id'], missing: 2, extra: 1, different: 1 })
    expect(rows.toSorted((one, other) => (String(one.key) < String(other.key) ? -1 : 1))).toEqual([
      { change: 'extra', key: ["new\\ '", '1'] },
      { change: 'missing', key: ['ä "1', '11'] },
      { change: 'missing', key: ['ä "2', '12'] },
      { change: 'different', key: ['ä "7', '7'], columns: ['b', 'n'] },
    ])
  })

  test('up to the limit, while all are counted', async () => {
    const changes = `
      update "Odd ""name"".with, dots" set b = 'other' where id > 5000;
      delete from "Odd ""name"".with, dots" where id <= 2000;`
    const { source, destination } = await filled([14, 17], keyed, changes)
    const { tables } = await compare(source, destination, { drill: { limit: 3 } })
    expect(tables[0]?.drill).toMatchObject({ missing: 2000, extra: 0, different: 15000 })
    expect(tables[0]?.drill?.rows).toHaveLength(3)
  })

  test('all of them counted if most of a large table differs, with little memory and one session', async () => {
    const both = `
      create table t (id int primary key, v text);
      create table u (id int primary key, v text);
      create table keyless (v text);
      insert into t select i, 'v' || i from generate_series(1, 55000) i;
      insert into u table t;
      insert into keyless select v from t;`
    const changes = `
      update t set v = 'w' where id > 1000; update u set v = 'w' where id > 1000;
      update keyless set v = 'w' || v where v > 'v1'; delete from t where id = 1;`
    const { source, destination } = await filled([12, 18], both, changes)
    const { tables } = await compare(source, destination, { drill: { limit: 2 }, workers: 1 })
    const totals = tables.map((table) => [
      table.name,
      table.drill?.missing,
      table.drill?.extra,
      table.drill?.different,
    ])
    const [row] = await source.sql<{ count: number }>(
      "select count(*)::int as count from keyless where v > 'v1'",
    )
    expect(totals).toEqual([
      ['keyless', row?.count, row?.count, 0],
      ['t', 1, 0, 54000],
      ['u', 0, 0, 54000],
    ])
  })

  test('by a unique key without a primary key, unless it may be null', async () => {
    const both = `
      create table t (a int unique, b int not null unique, v text);
      insert into t values (1, 10, 'x'), (null, 20, 'y');
      create table keyless (a int unique, v text);
      insert into keyless values (1, 'x'), (null, 'y'), (null, 'y'), (null, 'z');`
    const changes = `
      update t set v = 'z' where b = 20;
      delete from keyless where v in ('y', 'z');
      insert into keyless values (null, 'y'), (null, 'new'), (null, 'new'), (null, 'x');`
    const { source, destination } = await filled([14, 17], both, changes)
    const { tables } = await compare(source, destination, { drill })
    const [keyless, t] = tables
    expect(keyless?.drill).toEqual({ key: null, missing: 2, extra: 3, different: 0, rows: [] })
    expect(t?.drill?.rows).toEqual([{ change: 'different', key: ['20'], columns: ['v'] }])
  })

  test('a row that the destination has twice because it lacks the key', async () => {
    const { source, destination } = await pair(14, 17)
    await source.sql(`create table t (id int primary key, v text); insert into t values (1, 'x'), (2, 'y')`)
    await destination.sql(
      `create table t (id int, v text); insert into t values (1, 'x'), (2, 'y'), (2, 'y')`,
    )
    const { tables } = await compare(source, destination, { drill })
    expect(tables[0]?.drill?.rows).toEqual([
      { change: 'different', key: ['2'], rows: { source: 1, destination: 2 } },
    ])
  })
})

describe('differences that do not matter', () => {
  test('the order of columns, integer types, time zones and other settings of the database', async () => {
    const { source, destination } = await pair(12, 18)
    await source.sql(`
      create table t (a int primary key, b bigint, at timestamptz, f float8, m money, v varchar(10));
      insert into t select i, i, '2024-01-01 12:00+00', 0.1 + 0.2, 12.5, 'v' || i from generate_series(1, 100) i`)
    await destination.sql(`
      create table t (v text, m money, at timestamptz, f float8, a bigint primary key, b int);
      insert into t select 'v' || i, 12.5, '2024-01-01 12:00+00', 0.1 + 0.2, i, i from generate_series(1, 100) i`)
    const settings = {
      timezone: 'Asia/Tokyo',
      datestyle: 'German',
      extra_float_digits: '-3',
      intervalstyle: 'iso_8601',
      bytea_output: 'escape',
    }
    for (const [name, value] of Object.entries(settings)) {
      await destination.sql(`alter database "${destination.name}" set ${name} = '${value}'`)
    }
    const { status, tables } = await compare(source, destination)
    expect(status).toBe('same')
    expect(tables[0]?.types.map(({ column }) => column)).toEqual(['a', 'b', 'v'])
  })

  test('the parts in which a large table is read', async () => {
    const fill = `create table t (id int primary key, v text);
      insert into t select i, repeat('v', 1950) from generate_series(1, 36000) i;
      create table keyless (v text);
      insert into keyless select repeat('k', 1950) from generate_series(1, 36000) i;`
    const { source, destination } = await filled([12, 18], fill)
    const [bytes] = await destination.sql(
      `select pg_relation_size('t')::int as t, pg_relation_size('keyless')::int as keyless`,
    )
    for (const size of Object.values(bytes ?? {})) expect(size).toBeGreaterThan(64 * 1024 * 1024)
    // Moves rows to other pages, in another order.
    await destination.sql('update t set v = v where id % 3 = 0')
    expect(await statuses({ source, destination })).toEqual({ t: 'same', keyless: 'same' })
    await destination.sql("update t set v = 'w' where id = 35999")
    expect(await statuses({ source, destination })).toEqual({ t: 'different', keyless: 'same' })
  })

  test('other bounds of partitions in a tree', async () => {
    const { source, destination } = await pair(12, 18)
    const tree = 'create table m (id int primary key, v text) partition by range (id);'
    const rows = "insert into m select i, 'v' || i from generate_series(1, 1000) i;"
    await source.sql(`${tree} create table m1 partition of m for values from (0) to (500);
      create table m2 partition of m for values from (500) to (2000); ${rows}
      create table h (id int, v text) partition by hash (v);
      create table h0 partition of h for values with (modulus 2, remainder 0);
      create table h1 partition of h for values with (modulus 2, remainder 1);
      insert into h select i, 'v' || i from generate_series(1, 100) i;
      create table plain (id int, v text); insert into plain values (1, 'x'), (2, 'y');`)
    await destination.sql(`${tree} create table m_all partition of m for values from (0) to (2000); ${rows}
      create table h (v text, id int); insert into h select 'v' || i, i from generate_series(1, 100) i;
      create table plain (id int, v text) partition by list (id);
      create table plain_1 partition of plain for values in (1); create table plain_2 partition of plain default;
      insert into plain values (1, 'x'), (2, 'y');`)
    expect(await statuses({ source, destination })).toEqual({ m: 'same', h: 'same', plain: 'same' })
    await destination.sql("update m set v = 'changed' where id = 700")
    const { tables } = await compare(source, destination, { drill: { limit: 5 } })
    const m = tables.find(({ name }) => name === 'm')
    expect(m).toMatchObject({ status: 'different', whole_tree: true })
    expect(m?.drill?.rows).toEqual([{ change: 'different', key: ['700'], columns: ['v'] }])
  })

  test('encodings', async () => {
    const latin = { encoding: 'LATIN1', locale: 'C' }
    const source = await (await cluster(14)).createDatabase(undefined, latin)
    const destination = await (await cluster(17)).createDatabase()
    for (const database of [source, destination]) {
      await database.sql(`create table "Straße" (id int primary key, "größe" text, c char(5), n numeric);
        insert into "Straße" values (1, 'süß\\x', 'é', 1.5), (2, null, '', null)`)
    }
    expect(await statuses({ source, destination })).toEqual({ Straße: 'same' })
    await destination.sql(`update "Straße" set "größe" = 'süss' where id = 1`)
    const { tables } = await compare(source, destination, { drill: { limit: 5 } })
    expect(tables[0]?.drill?.rows).toEqual([{ change: 'different', key: ['1'], columns: ['größe'] }])
  })
})

describe('tables', () => {
  test('that are missing, extra, empty, without columns, inherited, unlogged or with other columns', async () => {
    const both = `
      create table empty (a int); create table none ();
      insert into none default values; insert into none default values;
      create table parent (a int); create table child (b int) inherits (parent);
      insert into parent values (1); insert into child values (2, 3);
      create unlogged table un (a int); insert into un values (1);
      create table wider (a int, gone int); insert into wider values (1, 2);
      create table generated (a int, twice int generated always as (a * 2) stored);
      insert into generated values (4);`
    const changes = `
      alter table wider drop gone, add added text;
      delete from only parent; create table extra (a int); insert into none default values;`
    const { source, destination } = await filled([14, 17], both, changes)
    await source.sql('create table missing (a int)')
    const { tables } = await compare(source, destination)
    expect(Object.fromEntries(tables.map((table) => [table.name, table.status]))).toEqual({
      child: 'same',
      empty: 'same',
      extra: 'extra',
      generated: 'same',
      missing: 'missing',
      none: 'different',
      parent: 'different',
      un: 'same',
      wider: 'different',
    })
    expect(tables.find(({ name }) => name === 'wider')).toMatchObject({
      columns_only_on_source: ['gone'],
      columns_only_on_destination: ['added'],
    })
  })

  test('with more columns than a function can have arguments', async () => {
    const columns = Array.from({ length: 1500 }, (_, index) => `c${index} int default ${index}`).join(', ')
    const fill = `create table wide (${columns}); insert into wide default values`
    const databases = await filled([12, 18], fill)
    expect(await statuses(databases)).toEqual({ wide: 'same' })
    await databases.destination.sql('update wide set c1499 = null')
    expect(await statuses(databases)).toEqual({ wide: 'different' })
  })

  test('that may not be read are not reported as equal', async () => {
    const both = `
      create table secret (a int); create table hidden (a int); create table open (a int);
      alter table hidden enable row level security;
      do $$ begin
        if not exists (select from pg_roles where rolname = 'comparing_reader') then create role comparing_reader login; end if;
      end $$;
      grant select on open, hidden to comparing_reader;`
    const { source, destination } = await filled([14, 17], both)
    const url = new URL(source.url)
    url.username = 'comparing_reader'
    const { status, tables } = await compare({ ...source, url: url.href }, destination)
    expect(status).toBe('different')
    const found = tables.map((table) => [table.name, table.status, table.error_side, table.error?.message])
    expect(found).toEqual([
      [
        'hidden',
        'unknown',
        'source',
        'query would be affected by row-level security policy for table "hidden"',
      ],
      ['open', 'same', undefined, undefined],
      ['secret', 'unknown', 'source', '"comparing_reader" may not read public.secret: grant select on it'],
    ])
  })

  test('that are dropped during the run are unknown, while the others are compared', async () => {
    const both = `
      create table big (id int, v text);
      insert into big select i, repeat('x', 2000) from generate_series(1, 500) i;
      create table doomed (a int);`
    const { source, destination } = await filled([14, 17], both)
    const lock = destination.connect()
    await lock.unsafe('begin; lock table big; drop table doomed')
    const comparing = compare(source, destination, { workers: 1 })
    // The only worker waits for the lock on the larger table, which is read first.
    await eventually('the worker to wait for the lock', () =>
      sessionsOf(17, destination, "wait_event_type = 'Lock'"),
    )
    await lock.unsafe('commit')
    await lock.end()
    const { tables } = await comparing
    expect(
      tables.map((table) => [table.name, table.status, table.error_side, table.error?.sqlstate]),
    ).toEqual([
      ['big', 'same', undefined, undefined],
      ['doomed', 'unknown', 'destination', '42P01'],
    ])
  })
})

describe('a part of the rows', () => {
  test('is compared with the same part, under other names and with computed values', async () => {
    const { source, destination } = await pair(14, 17)
    await source.sql(`create table orders (id int primary key, name text, price int, secret text);
      insert into orders select i, 'name ' || i, i, 'secret' from generate_series(1, 100) i`)
    await destination.sql(`
      create table orders (id int primary key, title text, price numeric(10,2), origin text, upper_name text);
      insert into orders select i, 'name ' || i, i, 'old', upper('name ' || i) from generate_series(1, 50) i;
      insert into orders values (1000, 'a later one', 5, 'new', 'X')`)
    const rule = {
      table: 'public.orders',
      where: 'orders.id <= 50 -- the first',
      columns: {
        title: { from: 'name' },
        price: { expression: 'price' },
        origin: { value: 'old' },
        upper_name: { expression: 'upper(name)' },
      },
      leaveOut: ['secret'],
    }
    expect((await compare(source, destination, { rules: [rule] })).status).toBe('same')
    expect((await compare(source, destination, { rules: [rule], filter: 'source' })).status).toBe('different')
    await destination.sql("update orders set title = 'x', origin = null where id = 3")
    const { tables } = await compare(source, destination, { rules: [rule], drill: { limit: 5 } })
    expect(tables[0]?.drill?.rows).toEqual([
      { change: 'different', key: ['3'], columns: ['title', 'origin'] },
    ])
  })

  test('a selection that matches nothing is refused with the nearest name', async () => {
    const both = `
      create table orders (id serial); create table other (id serial);
      create schema s; create table s.orders (id int)`
    const { source, destination } = await filled([14, 17], both)
    const select = (include: string[]) => ({ selection: { ...everything, include } })
    const result = await compare(source, destination, select(['public.orders']))
    expect(result.tables.map(({ schema, name }) => `${schema}.${name}`)).toEqual(['public.orders'])
    expect(result.sequences?.compared).toBe(1)
    expect(result.large_objects).toBeUndefined()
    await expect(compare(source, destination, select(['public.order']))).rejects.toThrow(
      '"public.order" matches nothing in either database: did you mean "public.orders"?',
    )
  })
})

test('sequences and large objects are compared too', async () => {
  const both = `
    create sequence same; select nextval('same'); create sequence behind; create sequence used;
    select lo_from_bytea(100, decode(repeat('ab', 700000), 'hex')); select lo_from_bytea(101, 'x');
    select lo_from_bytea(102, '');`
  const changes = `
    select setval('behind', 42); select nextval('used'); create sequence extra; select lo_put(100, 600000, 'y');
    select lo_unlink(101); select lo_from_bytea(103, 'new');`
  const { source, destination } = await filled([12, 18], both, changes)
  const { status, sequences, large_objects: objects } = await compare(source, destination)
  expect(status).toBe('different')
  expect(sequences).toEqual({
    compared: 4,
    differences: [
      {
        schema: 'public',
        name: 'behind',
        status: 'different',
        source: '1 (not yet used)',
        destination: '42',
      },
      { schema: 'public', name: 'extra', status: 'extra', destination: '1 (not yet used)' },
      { schema: 'public', name: 'used', status: 'different', source: '1 (not yet used)', destination: '1' },
    ],
    of_extensions: 0,
  })
  expect(objects).toMatchObject({ missing: 1, extra: 1, different: 1, unreadable: 0 })
  expect(objects?.objects).toEqual([
    { oid: 100, status: 'different' },
    { oid: 101, status: 'missing' },
    { oid: 103, status: 'extra' },
  ])
})

test('only counts on request', async () => {
  const both = 'create table t (a int); insert into t values (1), (2)'
  const { source, destination } = await filled([14, 17], both, 'update t set a = 3')
  const result = await compare(source, destination, { fast: true })
  expect(result.status).toBe('same')
  expect(result.tables[0]?.source).toEqual({ rows: 2, hash: null })
})

test('the source is read in the snapshot that the caller exported', async () => {
  const both = 'create table t (a int primary key); insert into t values (1)'
  const { source, destination } = await filled([14, 17], both)
  const client = source.connect()
  try {
    await client.unsafe('begin isolation level repeatable read')
    const [row] = await client.unsafe('select pg_export_snapshot() as snapshot')
    await source.sql('insert into t values (2)')
    expect((await compare(source, destination, { snapshot: row?.snapshot })).status).toBe('same')
    expect((await compare(source, destination)).status).toBe('different')
  } finally {
    await client.end()
  }
})

test('a cancelled comparison stops its queries and leaves no connection', async () => {
  const both = 'create table t (a int); insert into t select i from generate_series(1, 100) i;'
  const { source, destination } = await filled([14, 17], both)
  const controller = new AbortController()
  const rules = [{ table: 't', where: 'pg_sleep(1) is not null' }]
  const comparing = compare(source, destination, { rules, signal: controller.signal })
  comparing.catch(() => {})
  const sleeping = "query like '%pg_sleep(1)%' and state = 'active'"
  await eventually('a query that sleeps', () => sessionsOf(14, source, sleeping))
  controller.abort()
  await expect(within('the end of the comparison', comparing)).rejects.toThrow('cancelled')
  await eventually(
    'the end of its sessions',
    async () => [await sessionsOf(14, source), await sessionsOf(17, destination)],
    (sessions) => sessions.every((count) => count === 0),
  )
})

async function sessionsOf(major: Major, database: TestDatabase, condition = 'true'): Promise<number> {
  const server = await cluster(major)
  const rows = await server.sql(
    'postgres',
    `select from pg_stat_activity where datname = $1 and application_name = 'pgtrek' and ${condition}`,
    [database.name],
  )
  return rows.length
}

test('sequences of extensions count if the extension marks them as configuration', async () => {
  using _made = extensionOn(
    [14, 17],
    'pgtrek_counters',
    `
    create schema counters;
    create table counters.queue (id serial primary key, name text);
    create table counters.identified (id int generated by default as identity, name text);
    create sequence counters.alone;
    create sequence counters.internal;
    select pg_extension_config_dump('counters.queue', '');
    select pg_extension_config_dump('counters.identified', '');
    select pg_extension_config_dump('counters.alone', '');`,
  )
  const databases = await filled([14, 17], 'create extension pgtrek_counters', '')
  const counted = ['alone', 'identified_id_seq', 'queue_id_seq']
  await databases.source.sql(
    [...counted, 'internal'].map((name) => `select setval('counters.${name}', 9)`).join(';'),
  )
  const different = async () => {
    const { status, sequences } = await compare(databases.source, databases.destination)
    return [status, sequences?.differences.map(({ name }) => name), sequences?.of_extensions]
  }
  expect(await different()).toEqual(['different', counted, 1])
  const { failures } = await clone(databases.source, databases.destination)
  expect(failures).toEqual([])
  expect(await different()).toEqual(['same', [], 1])
})
