// Objects for which pg_dump's statements alone are not sufficient.
import { expect, test } from 'bun:test'
import { compareSchema } from '../../server/compare/schema.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import { extensionOn } from '../support/extension.ts'

test('a body with lines that look like psql commands is cloned unchanged', async () => {
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

test('a clone into a database that has everything changes no object and succeeds', async () => {
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
  // In parallel, at two levels, they can leave the topmost index invalid permanently.
  for (const locked of trees) expect(locked).toContain(root?.oid ?? 0)
  expect(await destination.sql('select indexrelid::regclass from pg_index where not indisvalid')).toEqual([])
})

test('names that are keywords of a newer server are cloned with all that uses them, and compare as equal', async () => {
  const source = await (await cluster(15)).createDatabase()
  const destination = await (await cluster(18)).createDatabase()
  await source.sql(`
    create type public.json_value as enum ('a', 'b');
    create function f(json json, "order" int default 1) returns json language sql immutable as 'select $1';
    create function json_array(a int) returns int language sql immutable as 'select a + 1';
    create function json_scalar(a public.json_value) returns int language sql immutable as 'select 1';
    comment on function f(json, int) is 'of a json';
    create table merge_action (json json, system_user int, v public.json_value, "Odd" int unique,
                               primary key (system_user));
    create table child ("Odd" int, system_user int not null, v public.json_value, json json,
                        d int generated always as (public.json_array(5)) stored);
    alter table child inherit merge_action;
    alter table merge_action add check (public.json_array(system_user) > 0);
    create unique index on merge_action (public.json_array(system_user)) where public.json_scalar(v) > 0;
    create view seen as select f(json) as json, public.json_array(system_user) as json_exists from merge_action;
    insert into merge_action values ('{}', 1, 'a', 2);
    grant execute on function f(json, int) to public;
    alter database "${source.name}" set quote_all_identifiers = on`)
  const { failures, events } = await clone(source, destination)
  expect(failures).toEqual([])
  const made = events.flatMap((event) => (event.type === 'step_finished' ? [event.step] : []))
  expect(made.find(({ kind }) => kind === 'FUNCTION')?.name).toBe('f(json, integer)')
  for (const table of ['merge_action', 'seen']) {
    expect(await destination.sql(`select * from ${table}`)).toEqual(
      await source.sql(`select * from ${table}`),
    )
  }
  await destination.sql(`alter table only merge_action alter json set default '"a"'`)
  const compared = await compareSchema({
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    signal: new AbortController().signal,
  })
  // The child has explicitly no default, although its parent has one now.
  expect(compared.differences.map(({ name }) => name)).toEqual(['merge_action', 'child'])
  const shown = compared.differences[0]?.difference
  expect(shown).toContain('-    json json,')
  expect(shown).toContain(`+    json json DEFAULT '"a"'::json,`)
  // A function that is selected by its arguments is called as it is listed.
  const part = await (await cluster(18)).createDatabase()
  const chosen = await clone(source, part, {
    selection: { schemas: [{ name: 'public', functions: ['f(json, integer)'] }] },
  })
  expect(chosen.failures).toEqual([])
  expect(await part.sql("select proname from pg_proc where pronamespace = 'public'::regnamespace")).toEqual([
    { proname: 'f' },
  ])
})

test('a language whose handler belongs to an extension is created after it, with its functions', async () => {
  using _made = extensionOn(
    [14, 17],
    'pgtrek_handler',
    `create schema handlers;
     create function handlers.handle() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler';`,
  )
  const source = await (await cluster(14)).createDatabase()
  const destination = await (await cluster(17)).createDatabase()
  await source.sql(`
    create extension pgtrek_handler;
    create language other handler handlers.handle;
    create function in_other() returns int language other as 'begin return 7; end'`)
  const { failures } = await clone(source, destination)
  expect(failures).toEqual([])
  expect(await destination.sql('select in_other() as answer')).toEqual([{ answer: 7 }])
})

test('an event trigger that forbids everything is created last, also after materialized views', async () => {
  const source = await (await cluster(14)).createDatabase()
  const destination = await (await cluster(17)).createDatabase()
  await source.sql(`
    create table item (id int primary key);
    insert into item select generate_series(1, 10);
    create materialized view numbers as select count(*)::int as n from item;
    create unique index on numbers (n);
    create materialized view twice as select n * 2 as n from numbers;
    create function forbid() returns event_trigger language plpgsql as 'begin raise exception ''no DDL''; end';
    create event trigger forbid on ddl_command_start execute function forbid();
    create event trigger forbid_always on ddl_command_start execute function forbid();
    alter event trigger forbid_always enable always;
    comment on event trigger forbid is 'stops everything'`)
  const { failures } = await clone(source, destination)
  expect(failures).toEqual([])
  expect(await destination.sql('select n from twice')).toEqual([{ n: 20 }])
  await expect(destination.sql('create table other ()')).rejects.toThrow('no DDL')
})
