// Foreign keys of the destination act on applied changes: what they have done already is no conflict, others are.
import { expect, test } from 'bun:test'
import { Follower } from '../../server/replication/apply/follower.ts'
import { eventually } from '../../tools/eventually.ts'
import { arrival, compareFollowed, conflictOf, link } from '../../tools/moves/following.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'
import { ownedDatabase, plainRole } from '../faults/owners.ts'

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

/** The role on the destination owns the tables, and may not set session_replication_role. */
async function pairOf(from: Major, to: Major, sql = tables, viaRoot = false) {
  const server = await cluster(to)
  const role = await plainRole(server)
  const source = await (await cluster(from)).createDatabase()
  await source.sql(sql)
  const { loginUrl, ...destination } = await ownedDatabase(server, role, sql)
  return {
    pair: { source, destination },
    options: await link({ source, destination: { ...destination, url: loginUrl } }, { viaRoot }),
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
  // Careful mode would apply it a second time.
  expect(wasConnected).toBe(1)
})

const others = [
  // No foreign key has acted.
  { here: 'delete from pet where id = 8', there: 'delete from pet where id = 8', table: 'pet' },
  // The row refers by another foreign key, which has no such action.
  {
    here: 'delete from rest where id = 9',
    there: 'begin; delete from owner where id = 1; delete from rest where id = 9; commit',
    table: 'rest',
  },
  // It was changed, not deleted.
  {
    here: 'update visit set owner = 9 where id = 12',
    there: 'delete from owner where id = 2',
    table: 'visit_2',
  },
  // It has the cascaded key, and another value.
  {
    here: 'update note set v = 1.100 where id = 4',
    there: 'update owner set id = 104 where id = 4',
    table: 'note',
  },
]

test('a row that is missing or different for any other reason is a conflict', async () => {
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

const moving = `
  create table p (id int, region int, v text, primary key (id, region)) partition by list (region);
  create table p_1 partition of p for values in (1);
  create table p_2 (region int, v text, id int not null, primary key (id, region));
  alter table p attach partition p_2 for values in (2);
  create table p_3 partition of p for values in (3) partition by list (id);
  create table p_3_rest partition of p_3 default;
  alter table p_3_rest replica identity full;
  create table child (id int primary key, p int, region int, v text,
                      foreign key (p, region) references p on delete cascade on update cascade);
  create table toy (id int primary key, child int references child on delete cascade);
  create table left_alone (id int primary key, p int, region int,
                           foreign key (p, region) references p on delete set null on update set null);
  create table by_hand (id int primary key, p int, region int,
                        foreign key (p, region) references p deferrable initially deferred);
  insert into p select g, 1, 'p' from generate_series(1, 30) g;
  insert into child select g, g, 1, 'child' from generate_series(1, 10) g;
  insert into toy select g, g from generate_series(1, 10) g;
  insert into left_alone select g, g, 1 from generate_series(8, 15) g;
  insert into by_hand select g, g, 1 from generate_series(16, 20) g`

const moves = [
  'update p set region = 2 where id = 1',
  "update p set region = 1 + id % 3, v = 'many' where id between 2 and 15",
  'update p set region = 3 where region = 2; update p set region = 2 where region = 3',
  'begin; update p set region = 3 where id in (16, 17); update by_hand set region = 3 where p in (16, 17); commit',
  'begin; update p set region = 2 where id = 18; delete from by_hand where p = 18; delete from p where id = 18; commit',
  "begin; delete from p where id = 4; insert into p values (4, 1, 'again'); insert into child values (4, 4, 1, 'again'); commit",
  'begin; delete from p where id = 25; insert into p values (31, 2), (25, 2); commit',
]

test.each([
  [15, 17, false],
  [18, 15, true],
] as const)(
  'rows that go to another partition keep what refers to them, from %d to %d, by the root: %p',
  async (from, to, viaRoot) => {
    const { pair, options } = await pairOf(from, to, moving, viaRoot)
    // A table of the destination only: its rows could not be restored.
    await pair.destination.sql(`
    create table own (p int, region int, foreign key (p, region) references p on delete cascade on update cascade);
    insert into own select g, 1 from generate_series(1, 3) g`)
    const follower = await Follower.start(options)
    for (const change of moves) await pair.source.sql(change)
    await arrival(follower, pair.source)
    expect(await pair.destination.sql('select p from own order by p')).toEqual([{ p: 1 }, { p: 2 }, { p: 3 }])
    await pair.destination.sql('drop table own')
    expect(await compareFollowed(pair)).toEqual([])
  },
)

test('a row that could only move, or get another identity value, without the rows that refer to it is a conflict', async () => {
  const { pair, options } = await pairOf(
    18,
    14,
    `${moving}; create table n (id int generated always as identity primary key, v text);
     create table of_n (id int primary key, n int references n on delete cascade on update cascade);
     insert into n (v) select 'n' from generate_series(1, 3); insert into of_n values (1, 1)`,
  )
  const follower = await Follower.start(options)
  await pair.source.sql("update p set region = 2, v = 'nothing refers to it' where id = 30")
  await pair.source.sql('update n set id = default where id = 3')
  await pair.source.sql('update p set region = 2 where id in (1, 2)')
  const moved = await conflictOf(follower)
  expect(moved.message).toMatch(
    /delete of public.p_1 \(id = 1, region = 1\).*or rows of public.child, .* refer to it.*drop the foreign key/,
  )
  const kept = 'select count(*)::int as count from child join toy on toy.child = child.id'
  expect(await pair.destination.sql(kept)).toEqual([{ count: 10 }])
  await pair.destination.sql('alter table child drop constraint child_p_region_fkey')
  follower.retry()
  await pair.source.sql('update n set id = default where id = 1')
  const renumbered = await eventually(
    'the next conflict',
    () => follower.status.conflict,
    (conflict) => conflict?.table?.name === 'n',
  )
  expect(renumbered?.message).toContain('alter table "public"."n" alter column "id" set generated by default')
  expect(await pair.destination.sql('select * from of_n')).toEqual([{ id: 1, n: 1 }])
  await pair.destination.sql('alter table n alter column id set generated by default')
  follower.retry()
  await eventually(
    'what follows',
    () => follower.status.conflict,
    (conflict) => conflict === undefined,
  )
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
})
