// Writes of others to the destination while following are noticed and reported; those of the move are not.
import { expect, test } from 'bun:test'
import { defaultOptions } from '../../shared/defaults.ts'
import { isHealthy } from '../../shared/follow-health.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { eventually } from '../../tools/eventually.ts'
import { type Moving, move } from '../../tools/moves/follow-run.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'
import { ownedDatabase, plainRole } from '../faults/owners.ts'

const logical = { settings: { wal_level: 'logical' } }
const looks = { foreignWatch: { everyMs: 100, settleMs: 1000 } }

const tables = `
  create table t (id int primary key, v text not null); insert into t select g, 'v' from generate_series(1, 100) g;
  create table probe (id int primary key, n int); insert into probe values (1, 0);`

async function databases(from: Major = 17, to: Major = 18, sql = tables) {
  const source = await (await cluster(from, logical)).createDatabase()
  const destination = await (await cluster(to, logical)).createDatabase()
  await source.sql(sql)
  return { source, destination }
}

type Writable = { sql: (statement: string) => Promise<unknown> }

/** Repeats the write, because writes before the first check of the server's statistics are not noticed. */
async function writeUntilNoticed(moving: Moving, destination: Writable, statement: string, table: string) {
  const isNoticed = ({ foreign_writes: found }: FollowView) =>
    found?.tables.some(({ name }) => name === table) ?? false
  return await eventually(
    `foreign writes to ${table}`,
    async () => {
      await destination.sql(statement)
      return moving.run.view()
    },
    isNoticed,
  )
}

test('a table that others have written to is reported until it is found equal again', async () => {
  const { source, destination } = await databases()
  await using moving = move({ source, destination }, {}, {}, looks)
  const client = destination.connect()
  await using _ = { [Symbol.asyncDispose]: () => client.end() }
  await client`set application_name = 'an early client'`
  await moving.until('all compared', ({ verification }) => verification?.checked === 2)
  // The same number of rows, and no change in the stream.
  const view = await writeUntilNoticed(moving, destination, "update t set v = v || '!' where id = 7", 't')
  expect(view.foreign_writes?.tables.map(({ name }) => name)).toEqual(['t'])
  expect(view.foreign_writes?.sessions.join()).toContain('an early client of postgres')
  expect(view.ready).toMatchObject({ green: false })
  expect(view.ready.reasons.join()).toContain(
    'other sessions or triggers have written to the destination: public.t (',
  )
  expect(isHealthy(view)).toBe(false)
  await moving.until('the difference', ({ verification }) => verification?.different.length === 1)
  await destination.sql("update t set v = 'v' where id = 7")
  await moving.until('the light', ({ ready, foreign_writes: found }) => ready.green && !found)
  expect((await moving.switchover()).error).toBeUndefined()
})

test('a switchover compares tables that others have written to by checksum, also without --verify', async () => {
  const { source, destination } = await databases(
    18,
    14,
    `${tables} create table passing (id int primary key, n int); insert into passing values (1, 0)`,
  )
  await using moving = move({ source, destination }, { verifyWhileFollowing: false }, {}, looks)
  await moving.untilStreaming()
  await writeUntilNoticed(moving, destination, "update t set v = v || '!' where id = 7", 't')
  // A renamed table is still reported; a table dropped on both sides is not.
  await writeUntilNoticed(moving, destination, 'update passing set n = n + 1', 'passing')
  for (const side of [source, destination]) await side.sql('alter table t rename to u; drop table passing')
  await moving.until(
    'its new name',
    ({ foreign_writes: found }) => found?.tables.map(({ name }) => name).join() === 'u',
  )
  for (const side of [source, destination]) await side.sql('alter table u rename to t')
  await moving.until(
    'its old name',
    ({ foreign_writes: found }) => found?.tables.map(({ name }) => name).join() === 't',
  )
  // The next process has it in its record.
  await moving.restart()
  await moving.until('streaming with the memory of it', ({ stage, foreign_writes: found }) => {
    return stage === 'streaming' && found !== undefined
  })
  const { error } = await moving.switchover({ verify: false })
  expect(error?.message).toContain(
    'public.t (100 rows here, 100 there, and other sessions have written to it there)',
  )
  const answer = await moving.run.act({ type: 'recopy', tables: ['t'] })
  expect(answer.ok).toBe(true)
  const { recopy } = await moving.until('the copy', ({ recopy }) => recopy?.state !== 'running')
  expect(recopy).toMatchObject({ state: 'done' })
  await moving.until('the light', ({ ready, foreign_writes: found }) => ready.green && !found)
  await writeUntilNoticed(moving, destination, 'update t set v = v || 5 where id = 5', 't')
  const accepted = await moving.switchover({ verify: false, accept_differences: true })
  expect(accepted.error).toBeUndefined()
  expect(accepted.report?.tables.map(({ name, equal }) => [name, equal])).toEqual([
    ['probe', true],
    ['t', false],
  ])
  expect(moving.run.view().foreign_writes).toBeUndefined()
})

const own = `
  create table owner (id int primary key, v text);
  create table note (id int primary key, owner int references owner on delete set null on update cascade, v text);
  create table pet (id int primary key, owner int references owner on delete cascade on update cascade);
  create table hot (id int primary key, n int not null);
  create table numbered (id int generated always as identity primary key, v text);
  create table visit (day int, id int, v text, primary key (day, id)) partition by range (day);
  create table visit_1 partition of visit for values from (0) to (10);
  create table visit_2 partition of visit for values from (10) to (20);
  insert into owner select g, 'owner' from generate_series(0, 9) g;
  insert into note select g, g % 10, 'note' from generate_series(0, 39) g;
  insert into pet select g, g % 10 from generate_series(0, 39) g;
  insert into hot select g, 0 from generate_series(1, 10) g;
  insert into numbered (v) select 'v' from generate_series(1, 10) g;
  insert into visit select g % 20, g, 'v' from generate_series(0, 99) g;
  create table late_probe (id int primary key, n int); insert into late_probe values (1, 0);
  ${tables}`

const changes = [
  'do $$ begin for i in 1..200 loop update hot set n = n + 1 where id = i % 10 + 1; commit; end loop; end $$',
  'update visit set day = (day + 10) % 20',
  'update numbered set id = default',
  'delete from owner where id in (1, 2)',
  'update owner set id = id + 100 where id in (3, 4)',
  "begin; delete from note where id = 20; insert into note values (20, 5, 'again'); rollback",
  "update note set v = 'changed'",
  'insert into t select g, 1 from generate_series(1001, 2000) g',
]

test.each([
  ['a superuser', 17, 18],
  ['a plain role', 18, 14],
] as const)(
  'what %s writes for the move from %d to %d is not taken for the writes of others',
  async (who, from, to) => {
    const source = await (await cluster(from, logical)).createDatabase()
    await source.sql(own)
    const server = await cluster(to, logical)
    const owned = who === 'a superuser' ? undefined : await ownedDatabase(server, await plainRole(server))
    const destination = owned ?? (await server.createDatabase())
    const url = owned?.loginUrl ?? destination.url
    await using moving = move(
      { source, destination: { url } },
      { verifyWhileFollowing: false },
      { options: { ...defaultOptions, owner: who === 'a superuser' } },
      looks,
    )
    await moving.untilStreaming()
    // Its counts are compared from then on.
    await writeUntilNoticed(moving, destination, 'update probe set n = n + 1', 'probe')
    // A transaction that fails is applied again, and the server has counted its rows already.
    await destination.sql("insert into t values (1500, 'in the way')")
    for (const change of changes) await source.sql(change)
    await moving.until('a conflict', ({ state }) => state === 'conflict')
    await eventually('the last of what the server counts', async () => {
      const [row] = await destination.sql(
        "select pg_stat_get_tuples_updated('note'::regclass) >= 40 as updated",
      )
      return row?.updated
    })
    await destination.sql('delete from t where id = 1500')
    await moving.run.act({ type: 'retry' })
    await moving.until(
      'the end',
      ({ streams, state }) => state === 'running' && streams[0]?.status.lagBytes === 0,
    )
    await source.sql(
      "alter table note add column stamp float8 default random(); update note set v = 'again' where id = 30",
    )
    await moving.until('a conflict about note', ({ state }) => state === 'conflict')
    const filled = await moving.run.act({ type: 'apply_schema' })
    expect(filled.message).toContain('values were filled in for')
    await moving.until(
      'the end of that',
      ({ streams, state }) => state === 'running' && streams[0]?.status.lagBytes === 0,
    )
    await writeUntilNoticed(moving, destination, 'update late_probe set n = n + 1', 'late_probe')
    const { foreign_writes: found } = moving.run.view()
    const names = found?.tables.map(({ name }) => name).filter((name) => name !== 't' && name !== 'probe')
    expect(names).toEqual(['late_probe'])
  },
)
