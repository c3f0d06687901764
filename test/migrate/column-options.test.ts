// Servers keep internal data among the options of columns, which is not part of the schema.
import { expect, test } from 'bun:test'
import { compareSchema } from '../../server/compare/schema.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { isWithoutDebian } from '../../tools/servers/debian.ts'

const schema = `
  create table t (id int primary key, "odd "" name" text, estimated int);
  alter table t alter estimated set (n_distinct = 5, n_distinct_inherited = -0.5);
  insert into t values (1, 'SET (pg_attver=1)', 2);
  create table many (day int) partition by range (day);
  create table rest partition of many default;
  insert into many values (1);
  create materialized view m as select id from t;
  create foreign data wrapper w;
  create server s foreign data wrapper w;
  create foreign table f (a int) server s;
  comment on column t.estimated is 'ALTER TABLE ONLY public.t ALTER COLUMN a SET (pg_attver=1)';`

const realOptions = `
  select attname, array(select o from unnest(attoptions) o where o not like 'pg\\_%') as options
    from pg_attribute where attrelid = 't'::regclass and attnum > 0 order by attnum`

async function compare(source: TestDatabase, destination: TestDatabase) {
  const [one, other] = [source, destination].map(({ url }) => resolveSettings({ url }))
  return await compareSchema({
    source: one as ReturnType<typeof resolveSettings>,
    destination: other as ReturnType<typeof resolveSettings>,
    signal: new AbortController().signal,
  })
}

async function expectWhole(source: TestDatabase, destination: TestDatabase) {
  expect((await clone(source, destination)).failures).toEqual([])
  for (const question of [realOptions, 'select * from t', 'select * from many', 'select * from m']) {
    expect(await destination.sql(question)).toEqual(await source.sql(question))
  }
  expect((await compare(source, destination)).differences).toEqual([])
}

test('internal options of a server are not cloned, those of the user are', async () => {
  const source = await (await cluster(15)).createDatabase()
  await source.sql(schema)
  await source.sql(`
    set allow_system_table_mods = on;
    update pg_attribute set attoptions = array['pg_attver=' || attrelid] || coalesce(attoptions, '{}')
     where attrelid >= 16384 and attnum > 0 and not attisdropped
       and attrelid in (select oid from pg_class where relkind in ('r', 'p', 'm', 'f'))`)
  await expectWhole(source, await (await cluster(18)).createDatabase())
})

test('an option that the destination does not know is reported, and the table is complete without it', async () => {
  const source = await (await cluster(17)).createDatabase()
  const destination = await (await cluster(12)).createDatabase()
  await source.sql(`
    create table t (id int, v text compression pglz, w text storage external);
    insert into t values (1, 'x');
    create index on t (id);
    set allow_system_table_mods = on;
    update pg_attribute set attoptions = array['of_tomorrow=1'] where attrelid = 't'::regclass and attname = 'id'`)
  const { failures } = await clone(source, destination)
  expect(failures).toEqual([
    expect.stringContaining(
      'TABLE public.t: it exists, but this was refused: ALTER TABLE ONLY public.t ALTER COLUMN id SET (of_tomorrow=1): unrecognized parameter "of_tomorrow"',
    ),
  ])
  expect(failures[0]).toContain('COMPRESSION')
  expect(await destination.sql('select id, v from t')).toEqual([{ id: 1, v: 'x' }])
  const storage = "select attstorage from pg_attribute where attrelid = 't'::regclass and attname = 'w'"
  expect(await destination.sql(storage)).toEqual([{ attstorage: 'e' }])
})

test('a range is created without the multirange that an older destination does not know', async () => {
  const source = await (await cluster(17)).createDatabase()
  const destination = await (await cluster(12)).createDatabase()
  await source.sql(`
    create schema "odd ""one";
    create type "odd ""one"."r, multirange_type_name = x" as range
      (subtype = text, collation = "C", multirange_type_name = "odd ""one"."m, y");
    create type plain as range (subtype = int);
    create table t (p plain, r "odd ""one"."r, multirange_type_name = x");
    insert into t values ('[1,5)', '[a,b]')`)
  const { failures } = await clone(source, destination)
  expect(failures).toEqual([])
  expect(await destination.sql('select p::text, r::text from t')).toEqual([{ p: '[1,5)', r: '[a,b]' }])
})

test.skipIf(isWithoutDebian())(
  'the newest minor release of Debian is a source and a destination like any other',
  async () => {
    const debian = await cluster(15, { debian: true })
    const source = await debian.createDatabase()
    await source.sql(schema)
    expect(
      await source.sql("select from pg_attribute where array_to_string(attoptions, ' ') ~ 'pg_attver='"),
    ).not.toBeEmpty()
    for (const destination of [debian, await cluster(15), await cluster(18)]) {
      await expectWhole(source, await destination.createDatabase())
    }
  },
)
