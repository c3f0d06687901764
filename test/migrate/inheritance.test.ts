// Tables with parents are cloned as they are, also where pg_dump's script would change them on this destination.
import { expect, test } from 'bun:test'
import { compareSchema } from '../../server/compare/schema.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { casesOf } from '../../tools/long.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'

const columns = `
  select c.oid::regclass::text as "table", attname, attnotnull, attislocal, attinhcount, attgenerated
    from pg_class c join pg_attribute a on a.attrelid = c.oid
   where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
   order by 1, attnum`

const checks = `
  select conrelid::regclass::text as "table", conname, conislocal, coninhcount, connoinherit
    from pg_constraint where contype = 'c' order by 1, 2`

async function expectWhole(source: TestDatabase, destination: TestDatabase, tables: string[]) {
  const { failures } = await clone(source, destination, { options: { analyze: false } })
  expect(failures).toEqual([])
  for (const question of [columns, checks, ...tables.map((table) => `select * from only ${table}`)]) {
    expect(await destination.sql(question)).toEqual(await source.sql(question))
  }
  const compared = await compareSchema({
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    signal: new AbortController().signal,
  })
  expect(compared.differences).toEqual([])
}

const cases: [Major, Major][] = casesOf<[Major, Major]>(
  [
    [14, 15],
    [12, 18],
  ],
  [
    [12, 12],
    [15, 15],
    [15, 17],
  ],
)

test.each(cases)('children of a parent, from %d to %d', async (from, to) => {
  const source = await (await cluster(from)).createDatabase()
  await source.sql(`
    -- NOT NULL of an inherited column.
    create table p (a int, b text, "odd "", name" int);
    create table c (x int) inherits (p);
    alter table c alter b set not null;
    alter table c alter "odd "", name" set not null;
    insert into c values (1, 'x', 2, 3);
    create table bare () inherits (p);
    alter table bare alter a set not null;
    create foreign data wrapper w; create server s foreign data wrapper w;
    create foreign table far () inherits (p) server s;
    alter foreign table far alter a set not null;

    -- Attached later, with another order of columns; then the parent changes.
    create table q (a int not null, b varchar(5) collate "C", big text);
    alter table q alter big set storage external;
    create table d (b varchar(5) collate "C" not null check (b <> ','), big text, own int, a int not null);
    alter table d alter big set storage external;
    alter table d inherit q;
    alter table q add constraint small check (a < 100);
    alter table q add added int default 7;
    alter table q alter b set not null;
    comment on constraint small on q is 'of both';
    insert into d values ('b', 'big', 1, 2), ('c', 'big', 1, 3);
    create unlogged table e (big text, a int not null, b varchar(5) collate "C" not null, added int, check (a < 50));
    alter table e add constraint small check (a < 100);
    alter table e inherit q;
    insert into e values ('big', 1, 'b');

    -- With a generated column.
    create table g (a int not null, b int generated always as (a * 2) stored);
    create table h (b int generated always as (a * 2) stored, a int not null);
    alter table h inherit g;
    insert into h (a) values (4);`)
  const destination = await (await cluster(to)).createDatabase()
  await expectWhole(source, destination, ['c', 'd', 'e', 'h'])
})

test('NOT NULL constraints of 18 hold on an older server, those with NO INHERIT as checks', async () => {
  const source = await (await cluster(18)).createDatabase()
  const destination = await (await cluster(17)).createDatabase()
  await source.sql(`
    create table p (a int, b int, c int default (1) not null no inherit, constraint "odd, name" not null a no inherit,
                    constraint b_is_there not null b);
    create table c (x text default 'NOT NULL NO INHERIT') inherits (p);
    alter table c add constraint "it (is)" not null a;
    insert into p values (1, 2, 3);
    insert into c values (1, 2, null, 'x');`)
  const { failures } = await clone(source, destination, { options: { analyze: false } })
  expect(failures).toEqual([])
  for (const table of ['p', 'c']) {
    const question = `select * from only ${table}`
    expect(await destination.sql(question)).toEqual(await source.sql(question))
  }
  await expect(destination.sql('insert into p values (null, 2, 3)')).rejects.toThrow('odd, name')
  await expect(destination.sql('insert into p values (1, 2, null)')).rejects.toThrow(
    'violates check constraint',
  )
  await expect(destination.sql('insert into p values (1, null, 3)')).rejects.toThrow('"b" of relation "p"')
  await expect(destination.sql('insert into c values (null, 2, 3)')).rejects.toThrow('"a" of relation "c"')
})
