// Rows are copied exactly, whatever their encoding, size, table or parts.
import { describe, expect, test } from 'bun:test'
import { isLong } from '../../tools/long.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'
import { extensionOn } from '../support/extension.ts'

/** All rows of a table as one number, independent of their order. */
async function fingerprint(database: TestDatabase, table: string, row = 't::text'): Promise<string> {
  const [found] = await database.sql<{ sum: string }>(
    `select count(*) || ' ' || coalesce(sum(('x' || substr(md5(${row}), 1, 15))::bit(60)::bigint::numeric), 0) as sum
       from ${table} t`,
  )
  return found?.sum ?? ''
}

async function pair(from: Major, to: Major, encodings: [string, string] = ['UTF8', 'UTF8']) {
  const options = (encoding: string) => (encoding === 'UTF8' ? {} : { encoding, locale: 'C' })
  const source = await (await cluster(from)).createDatabase(undefined, options(encodings[0]))
  const destination = await (await cluster(to)).createDatabase(undefined, options(encodings[1]))
  return { source, destination }
}

describe('encodings', () => {
  test('a LATIN1 database becomes UTF8, names, values and hashed partitions included', async () => {
    const { source, destination } = await pair(14, 17, ['LATIN1', 'UTF8'])
    await source.sql(`
      create table "Straße" (id int primary key, "größe" text);
      insert into "Straße" values (1, 'süß'), (2, E'ÿþ');
      create table hashed (name text) partition by hash (name);
      create table hashed_0 partition of hashed for values with (modulus 2, remainder 0);
      create table hashed_1 partition of hashed for values with (modulus 2, remainder 1);
      insert into hashed select 'é' || i from generate_series(1, 100) i;`)
    const { failures } = await clone(source, destination)
    expect(failures).toEqual([])
    expect(await destination.sql('select * from "Straße" order by 1')).toEqual(
      await source.sql('select * from "Straße" order by 1'),
    )
    const [row] = await destination.sql('select count(*)::int as count from hashed')
    expect(row?.count).toBe(100)
    // Looked up in the partition that the destination computes.
    const found = await destination.sql(`select name from hashed where name = 'é7'`)
    expect(found).toEqual([{ name: 'é7' }])
  })

  test('bytes of a SQL_ASCII database are not changed', async () => {
    const { source, destination } = await pair(14, 17, ['SQL_ASCII', 'SQL_ASCII'])
    await source.sql(`
      create table t (id int, b text);
      set client_encoding = 'SQL_ASCII';
      insert into t values (1, E'\\xff\\xfe\\x80'), (2, 'plain');`)
    const { failures } = await clone(source, destination)
    expect(failures).toEqual([])
    expect(await fingerprint(destination, 't', 't.b')).toBe(await fingerprint(source, 't', 't.b'))
  })

  test('a value that the destination cannot store stops only its table, which is empty then', async () => {
    const { source, destination } = await pair(14, 17, ['UTF8', 'LATIN1'])
    await source.sql(`create table bad (v text); insert into bad values ('fine'), ('日本');
                      create table good (v text); insert into good values ('ä');`)
    const { failures, summary } = await clone(source, destination)
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(/^ROWS public\.bad: .*no equivalent in encoding/)
    expect(summary.failed[0]?.error).toContain('22P05')
    expect((await destination.sql('select from bad')).length).toBe(0)
    expect((await destination.sql('select from good')).length).toBe(1)
  })
})

describe('parts', () => {
  const shapes: [Major, string][] = [
    [12, 'key ranges'],
    [14, 'ctid ranges'],
  ]
  test.each(shapes)('from %d by %s cover every row once', async (from) => {
    const { source, destination } = await pair(from, 18)
    await source.sql(`
      create table keyed (id bigint primary key, v text);
      insert into keyed select i, repeat('v', 200) from generate_series(-6000, 6000) i;
      delete from keyed where id between -100 and 4000;
      create table keyless (v text);
      insert into keyless select repeat('k', 200) || i from generate_series(1, 6000) i;
      analyze;`)
    const { failures, events } = await clone(source, destination, { options: { splitBytes: 256 * 1024 } })
    expect(failures).toEqual([])
    for (const table of ['keyed', 'keyless']) {
      expect(await fingerprint(destination, table)).toBe(await fingerprint(source, table))
    }
    const finished = events.filter((event) => event.type === 'step_finished' && event.step.kind === 'ROWS')
    expect(finished).toHaveLength(2)
  })
})

describe('shapes', () => {
  test('rows without columns, columns without values, dropped and generated ones', async () => {
    const { source, destination } = await pair(14, 17)
    await source.sql(`
      create table nothing ();
      insert into nothing default values;
      insert into nothing default values;
      create table computed (g int generated always as (1) stored);
      insert into computed default values;
      create table changed (a int, b int, c int);
      alter table changed drop column b;
      alter table changed add column d int generated always as (a * 2) stored;
      insert into changed values (1, 2), (3, 4);
      create table identity (id int generated always as identity, v int);
      insert into identity (v) values (10), (20);
      create table parent (id int); create table child (extra int) inherits (parent);
      insert into parent values (1); insert into child values (2, 3);`)
    const { failures } = await clone(source, destination)
    expect(failures).toEqual([])
    for (const table of ['nothing', 'computed', 'changed', 'identity', 'only parent', 'child']) {
      const all = `select t::text as row from ${table} t order by 1`
      expect(await destination.sql(all)).toEqual(await source.sql(all))
    }
    const next = await destination.sql('insert into identity (v) values (30) returning id')
    expect(next).toEqual([{ id: 3 }])
  })

  test('a row of many megabytes', async () => {
    const megabytes = isLong ? 70 : 14
    const { source, destination } = await pair(14, 17)
    await source.sql(`
      create table huge (id int, b bytea, t text);
      alter table huge alter b set storage external;
      insert into huge select 1, decode(repeat('0123456789abcdef', ${megabytes * 62_500}), 'hex'),
             repeat('x', ${megabytes * 500_000});`)
    const { failures, summary } = await clone(source, destination)
    expect(failures).toEqual([])
    expect(summary.tables[0]?.bytes).toBeGreaterThan(megabytes * 1_000_000)
    const check = 'select md5(b) as b, md5(t) as t from huge'
    expect(await destination.sql(check)).toEqual(await source.sql(check))
  })

  test('rows of an extension that belong to the user, and only those', async () => {
    const { source, destination } = await pair(14, 17)
    const table = 'create table settings (id int primary key); insert into settings values (1), (2);'
    await source.sql(`
      create extension hstore;
      ${table}
      insert into settings values (100), (101);
      alter extension hstore add table settings;
      update pg_extension set extconfig = array['settings'::regclass], extcondition = array['where id >= 100']
       where extname = 'hstore'`)
    // What CREATE EXTENSION would have created.
    await destination.sql(table)
    const { failures } = await clone(source, destination)
    expect(failures).toEqual([])
    expect(await destination.sql('select id from settings order by id')).toEqual(
      [1, 2, 100, 101].map((id) => ({ id })),
    )
  })
})

test("sequences of an extension have the values that the user's rows in its tables need", async () => {
  const { source, destination } = await pair(14, 17)
  using _made = extensionOn(
    [14, 17],
    'pgtrek_numbers',
    `
    create schema numbers;
    create table numbers.topology (id serial primary key, name text);
    create sequence numbers.by_default;
    create table numbers.queue (id int default nextval('numbers.by_default'), name text);
    create table numbers.internal (id serial);
    insert into numbers.internal default values;
    select pg_extension_config_dump('numbers.topology', '');
    select pg_extension_config_dump('numbers.queue', '');`,
  )
  await source.sql(`
    create extension pgtrek_numbers;
    insert into numbers.topology (name) select 'a' from generate_series(1, 5);
    insert into numbers.queue (name) select 'b' from generate_series(1, 3);
    insert into numbers.internal select from generate_series(1, 9)`)
  const { failures } = await clone(source, destination)
  expect(failures).toEqual([])
  const [made] = await destination.sql(`
    insert into numbers.topology (name) values ('c');
    insert into numbers.queue (name) values ('d');
    select (select max(id) from numbers.topology) as topology, (select max(id) from numbers.queue) as queue,
           (select last_value::int from numbers.internal_id_seq) as internal`)
  expect(made).toEqual({ topology: 6, queue: 4, internal: 1 })
})

describe('options', () => {
  const sample = `
    create table t (id serial primary key, v int);
    insert into t (v) select generate_series(1, 10);
    create table log (v int);
    create function note() returns trigger language plpgsql as $$ begin insert into log values (new.v); return new; end $$;
    create trigger note after insert on t for each row execute function note();
    comment on table t is 'a comment';
    select lo_from_bytea(77, 'content');
    create materialized view m as select count(*) from t;`

  test('schema-only creates objects without rows, values or contents; data-only fills them, without firing triggers', async () => {
    const { source, destination } = await pair(14, 17)
    await source.sql(sample)
    const schema = await clone(source, destination, { options: { schemaOnly: true } })
    expect(schema.failures).toEqual([])
    expect(await destination.sql('select from t')).toEqual([])
    expect(await destination.sql('select from pg_largeobject_metadata')).toEqual([])
    expect(await destination.sql('select is_called from t_id_seq')).toEqual([{ is_called: false }])
    expect(await destination.sql('select relispopulated from pg_class where relname = $1', ['m'])).toEqual([
      { relispopulated: false },
    ])

    const data = await clone(source, destination, { options: { dataOnly: true } })
    expect(data.failures).toEqual([])
    expect((await destination.sql('select from t')).length).toBe(10)
    expect((await destination.sql('select from log')).length).toBe(0)
    expect(await destination.sql('select last_value::int from t_id_seq')).toEqual([{ last_value: 10 }])
    expect(await destination.sql('select * from m')).toEqual(await source.sql('select * from m'))
    expect(await destination.sql(`select convert_from(lo_get(77), 'UTF8') as text`)).toEqual([
      { text: 'content' },
    ])
  })

  test('comments, statistics and an extension can be left out; what needs it is skipped for that reason', async () => {
    const { source, destination } = await pair(14, 17)
    await source.sql(sample)
    await source.sql('create extension citext; create table c (v citext); create table d (v text)')
    const { failures, summary } = await clone(source, destination, {
      options: { comments: false, analyze: false, skipExtensions: ['citext'] },
    })
    expect(failures).toEqual([])
    expect(await destination.sql(`select obj_description('t'::regclass) as c`)).toEqual([{ c: null }])
    expect(await destination.sql(`select from pg_stats where schemaname = 'public'`)).toEqual([])
    const skipped = summary.skipped.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`)
    expect(skipped).toContain(
      'TABLE c: needs extension citext: extension "citext" is excluded (--skip-extension)',
    )
    expect(await destination.sql(`select to_regclass('d')::text as d`)).toEqual([{ d: 'd' }])
  })
})
