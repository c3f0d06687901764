// Objects that need more than pg_dump's own words.
import { expect, test } from 'bun:test'
import { clone } from '../support/clone.ts'
import { cluster } from '../support/clusters.ts'

test('a body with lines that look like psql commands arrives to the letter', async () => {
  const source = await (await cluster(14)).createDatabase()
  const destination = await (await cluster(17)).createDatabase()
  await source.sql(`
    create function odd() returns text language sql as $$
      select '
\\restrict abc
\\unrestrict abc
\\connect other
' $$;
    comment on function odd() is 'kept
\\restrict line'`)
  const { failures } = await clone(source, destination)
  expect(failures).toEqual([])
  const body = `select prosrc, obj_description(oid) as comment from pg_proc where proname = 'odd'`
  expect(await destination.sql(body)).toEqual(await source.sql(body))
})

test('a clone into a database that has everything already changes no object and ends well', async () => {
  const source = await (await cluster(14)).createDatabase()
  const destination = await (await cluster(17)).createDatabase()
  await source.sql(`
    create table a (id int primary key, parent int references a, v text unique);
    insert into a values (1, null, 'x'), (2, 1, 'y');
    create view v as select * from a;
    create type mood as enum ('good', 'bad');
    create function f() returns int language sql as 'select 1';
    create index on a (parent);
    create policy p on a using (true);
    create publication pub for table a;
    create table i (id int generated always as identity, a int references a);
    insert into i (a) values (1);
    create table p (id int primary key, a int references a) partition by range (id);
    create table p1 partition of p for values from (0) to (100);
    insert into p values (1, 1);`)
  expect((await clone(source, destination)).failures).toEqual([])
  const again = await clone(source, destination, { confirm: true })
  expect(again.failures).toEqual([])
  expect(again.summary.status).toBe('completed')
  expect(
    again.events.filter((event) => event.type === 'log' && event.message.includes('was kept')).length,
  ).toBeGreaterThan(5)
  expect(await destination.sql('select * from a order by id')).toEqual(
    await source.sql('select * from a order by id'),
  )
})

test('indexes of one tree of partitions are attached one after the other, at all its levels', async () => {
  const source = await (await cluster(14)).createDatabase()
  const destination = await (await cluster(17)).createDatabase()
  await source.sql(`
    create table event (day int, region int, primary key (day, region)) partition by range (day);
    create table event_new partition of event for values from (10) to (20) partition by list (region);
    create table event_new_1 partition of event_new for values in (1);
    create table event_old partition of event for values from (0) to (10);
    create table note (day int, region int, foreign key (day, region) references event);`)
  const trees: (readonly number[])[] = []
  const { failures } = await clone(source, destination, {
    onPlan({ steps }) {
      for (const { info, locks } of steps) if (info.kind === 'INDEX ATTACH') trees.push(locks.exclusive ?? [])
    },
  })
  expect(failures).toEqual([])
  const [root] = await source.sql<{ oid: number }>("select 'event'::regclass::oid::int as oid")
  expect(trees).toHaveLength(3)
  // Side by side, at two levels, they can leave the topmost index invalid for good.
  for (const locked of trees) expect(locked).toContain(root?.oid ?? 0)
  expect(await destination.sql('select indexrelid::regclass from pg_index where not indisvalid')).toEqual([])
})
