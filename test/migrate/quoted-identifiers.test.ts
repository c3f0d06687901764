// Where a role or a database has `quote_all_identifiers = on`, servers quote all names in definitions: the result is
// complete and the same.
import { expect, test } from 'bun:test'
import { compareData } from '../../server/compare/data.ts'
import { compareSchema } from '../../server/compare/schema.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { casesOf } from '../../tools/long.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'

const content = `
  create type mood as enum ('sad', 'ok');
  create domain positive as int check (value > 0);
  create table measured (id int, at date, v positive, m mood, note text, "Odd name" int default 7,
                         twice int generated always as (id * 2) stored, primary key (id, at)) partition by range (at);
  create table measured_1 partition of measured for values from ('2020-01-01') to ('2021-01-01');
  create table measured_2 partition of measured for values from ('2021-01-01') to ('2022-01-01') partition by list (id);
  create table measured_2a partition of measured_2 for values in (1, 2, 3);
  create table measured_2b partition of measured_2 default;
  create index by_note on measured (lower(note), "Odd name") where v > 3;
  create unique index "By Odd" on measured ("Odd name", id, at);
  create index only_here on measured_1 (m);
  alter table measured add constraint small check (id < 100000);
  create table referring (id serial primary key, of int, at date, foreign key (of, at) references measured);
  create table numbered (id int generated always as identity (start 5), k text unique, x point,
                         exclude using gist (x with ~=));
  create index on numbered using gist (x);
  alter table numbered alter k set not null;
  alter table numbered replica identity using index numbered_k_key;
  create view seen as select m.id, r.id as other, m.note from measured m join referring r on r.of = m.id where m.v > 1;
  create materialized view summed as select at, count(*) as n from measured group by at;
  create unique index on summed (at);
  create function touch() returns trigger language plpgsql as 'begin new.note = new.note; return new; end';
  create trigger touched after update of note on measured for each row when (old.note is distinct from new.note) execute function touch();
  create rule quiet as on delete to referring where old.id < 0 do instead nothing;
  alter table numbered enable row level security;
  create policy mine on numbered for select using (k = current_user and id > 0);
  create statistics measured_note (ndistinct, dependencies) on id, note from measured_1;
  comment on index by_note is 'a comment';
  insert into measured (id, at, v, m, note) select i, '2020-01-01'::date + i, i, 'ok', 'n' || i from generate_series(1, 700) i;
  insert into referring (of, at) select id, at from measured;
  insert into numbered (k, x) select 'k' || i, point(i, i) from generate_series(1, 50) i;
  refresh materialized view summed`

const attached = `
  select i.inhrelid::regclass::text as part, i.inhparent::regclass::text as whole, x.indisvalid
    from pg_inherits i left join pg_index x on x.indexrelid = i.inhparent order by 1`

async function quoting(server: Awaited<ReturnType<typeof cluster>>): Promise<TestDatabase> {
  const database = await server.createDatabase()
  await database.sql(`
    alter schema public owner to postgres; revoke create on schema public from public;
    alter database "${database.name}" set quote_all_identifiers = on;
    alter role postgres in database "${database.name}" set quote_all_identifiers = on`)
  return database
}

async function expectAlike(source: TestDatabase, destination: TestDatabase) {
  const plain = (database: TestDatabase) => database.sql(`set quote_all_identifiers = off; ${attached}`)
  expect(await plain(destination)).toEqual(await plain(source))
  const ends = {
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    signal: new AbortController().signal,
  }
  expect((await compareSchema(ends)).differences).toEqual([])
  expect((await compareData(ends)).status).toBe('same')
}

test.each(
  casesOf<[Major, Major]>(
    [
      [12, 18],
      [18, 14],
    ],
    [
      [15, 17],
      [14, 15],
      [17, 12],
    ],
  ),
)('with quotes on both ends, all comes from %d to %d', async (from, to) => {
  const [here, there] = [await cluster(from), await cluster(to)]
  const source = await quoting(here)
  await source.sql(content)
  const destination = await quoting(there)
  const { failures } = await clone(source, destination, { options: { splitBytes: 8192 } })
  expect(failures).toEqual([])
  await expectAlike(source, destination)
  // Into existing tables, which are read from the destination's catalogs.
  const filled = await quoting(there)
  expect((await clone(source, filled, { options: { schemaOnly: true } })).failures).toEqual([])
  expect((await clone(source, filled, { options: { dataOnly: true } })).failures).toEqual([])
  await expectAlike(source, filled)
})
