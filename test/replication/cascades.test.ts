// A destination whose foreign keys act on applied changes: what they did already is no conflict, all else is.
import { expect, test } from 'bun:test'
import { Follower } from '../../server/replication/follow.ts'
import { ownedDatabase, plainRole } from '../faults/owners.ts'
import { cluster, type Major } from '../support/clusters.ts'
import { eventually } from '../support/eventually.ts'
import { arrival, compareFollowed, conflictOf, link } from '../support/following.ts'

const tables = `
  create table owner (id int primary key, v text);
  create table pet (id int primary key, owner int references owner on delete cascade on update cascade, v text);
  create table toy (pet int references pet on delete cascade on update cascade, n int, v text, primary key (pet, n));
  create table note (id int primary key, owner int references owner on delete set null on update cascade, v numeric);
  create table rest (id int primary key, owner int default 0 references owner on delete set default on update set null);
  create table tree (id int primary key, up int references tree on delete cascade on update cascade);
  create table visit (id int, day int, owner int references owner on delete cascade on update cascade,
                      primary key (id, day)) partition by range (day);
  create table visit_1 partition of visit for values from (0) to (10);
  create table visit_2 partition of visit for values from (10) to (20);
  alter table note replica identity full;
  alter table rest replica identity full;
  alter table visit_2 replica identity full;
  insert into owner select g, 'owner' from generate_series(0, 9) g;
  insert into pet select g, g % 10, 'pet' from generate_series(0, 39) g;
  insert into toy select g % 40, g / 40, 'toy' from generate_series(0, 79) g;
  insert into note select g, g % 10, 1.10 from generate_series(0, 19) g;
  insert into rest select g, g % 10 from generate_series(0, 19) g;
  insert into tree select g, nullif(g / 2, 0) from generate_series(1, 31) g;
  insert into visit select g, g % 20, g % 10 from generate_series(0, 39) g;`

const changes = [
  'delete from owner where id = 1',
  'delete from owner where id in (2, 3)',
  'update owner set id = 100 where id = 4',
  "begin; update owner set id = 101 where id = 5; update pet set v = 'moved' where owner = 101; delete from owner where id = 101; commit",
  'update pet set id = 200 where id = 6',
  'delete from tree where id = 2',
  'update tree set id = 300 where id = 3',
  'delete from tree where id = 300',
  "begin; delete from owner where id = 7; insert into owner values (7, 'again'); insert into pet values (7, 7, 'again'); commit",
]

/** The role on the destination owns its tables, and may not set session_replication_role. */
async function pairOf(from: Major, to: Major) {
  const server = await cluster(to)
  const role = await plainRole(server)
  const source = await (await cluster(from)).createDatabase()
  await source.sql(tables)
  const { loginUrl, ...destination } = await ownedDatabase(server, role, tables)
  return {
    pair: { source, destination },
    options: await link({ source, destination: { ...destination, url: loginUrl } }),
  }
}

test.each([
  [14, 17],
  [18, 14],
] as const)('what foreign keys did already on the way from %d to %d is no conflict', async (from, to) => {
  const { pair, options } = await pairOf(from, to)
  let wasConnected = 0
  const follower = await Follower.start({
    ...options,
    onEvent({ type }) {
      if (type === 'follow_connected') wasConnected++
    },
  })
  for (const change of changes) await pair.source.sql(change)
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
  // Once with care would be a second time.
  expect(wasConnected).toBe(1)
})

const others = [
  // Nothing was set off.
  { here: 'delete from pet where id = 8', there: 'delete from pet where id = 8', table: 'pet' },
  // The row of another reference, which has no such action.
  {
    here: 'delete from rest where id = 9',
    there: 'begin; delete from owner where id = 1; delete from rest where id = 9; commit',
    table: 'rest',
  },
  // It is not gone, but another one.
  {
    here: 'update visit set owner = 9 where id = 12',
    there: 'delete from owner where id = 2',
    table: 'visit_2',
  },
  // It has the key that was handed down, and another value.
  {
    here: 'update note set v = 1.100 where id = 4',
    there: 'update owner set id = 104 where id = 4',
    table: 'note',
  },
]

test('a row that is missing, or another, for any other reason is a conflict', async () => {
  const { pair, options } = await pairOf(14, 17)
  const follower = await Follower.start(options)
  for (const { here, there, table } of others) {
    await pair.destination.sql(here)
    await pair.source.sql(there)
    expect(await conflictOf(follower)).toMatchObject({ table: { name: table } })
    follower.skip()
    await eventually(
      'what follows',
      () => follower.status,
      ({ phase }) => phase === 'streaming',
    )
  }
  await follower.stop()
})
