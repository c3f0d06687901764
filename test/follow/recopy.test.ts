// Copying tables again while a move continues: after a failed copy, after lost rows, and with faults meanwhile.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { makeHome } from '../../tools/command.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import { eventually } from '../../tools/eventually.ts'
import { type Moving, move } from '../../tools/moves/follow-run.ts'
import { published } from '../../tools/moves/follow-view.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import type { TestDatabase } from '../../tools/servers/databases.ts'

const logical = { settings: { wal_level: 'logical' } }

const tables = `
  create type mood as enum ('glad', 'sad');
  create table u (id int primary key, v int not null default 0);
  create table t (id int primary key, u int not null references u, v int not null default 0, m mood default 'glad');
  create table child (id int primary key, t int not null references t);
  create table late (id int primary key, v int not null default 0, twice int generated always as (v * 2) stored);
  create table p (id int, region int, v int not null default 0, primary key (id, region)) partition by list (region);
  create table p_1 partition of p for values in (1); create table p_2 partition of p for values in (2);
  insert into u select g from generate_series(1, 200) g;
  insert into t select g, g from generate_series(1, 200) g;
  insert into child select g, g from generate_series(1, 200) g;
  insert into late select g from generate_series(1, 200) g;
  insert into p select g, 1 + g % 2 from generate_series(1, 200) g`

/** Writes to all tables, in transactions over several of them, until it is disposed of. */
function writing(database: TestDatabase) {
  let stopped = false
  let count = 0
  const sessions = [0, 1].map(async (number) => {
    const session = database.connect()
    while (!stopped) {
      const id = 1000 + number + 2 * count++
      const one = 1 + (id % 200)
      await session.unsafe(`
        begin;
        insert into u values (${id});
        insert into t values (${id}, ${id});
        insert into child values (${id}, ${id});
        insert into late values (${id}, 1);
        update t set v = v + 1 where id = ${one};
        update late set v = v + 1 where id = ${one};
        insert into p values (${id}, 1 + ${id} % 2);
        update p set v = v + 1 where id = ${one};
        delete from late where id = ${id - 20} and ${id} % 5 = 0;
        commit`)
    }
    await session.end()
  })
  return {
    more: () => {
      const before = count
      return eventually(
        'more transactions',
        () => count - before,
        (more) => more > 20,
      )
    },
    async [Symbol.asyncDispose]() {
      stopped = true
      await Promise.all(sessions)
    },
  }
}

async function recopied(moving: Moving, names: string[] = []) {
  const answer = await moving.run.act({ type: 'recopy', tables: names })
  if (!answer.ok) throw new Error(answer.message)
  const { recopy } = await moving.until(
    'the end of copying anew',
    ({ recopy }) => recopy !== undefined && recopy.state !== 'running',
  )
  return recopy
}

async function bothSides() {
  const source = await (await cluster(14, logical)).createDatabase()
  const destination = await (await cluster(18, logical)).createDatabase()
  return { source, destination }
}

test('failed tables are copied under load, and followed like all others', async () => {
  const { source, destination } = await bothSides()
  await source.sql(tables)
  // A table that refuses rows, a table with other columns, and a partition.
  await destination.sql(`
    create table late (id int primary key check (id < 0), v int not null default 0, twice int generated always as (v * 2) stored);
    create type mood as enum ('glad');
    create table t (id int primary key, u int not null, v int not null default 0, m mood, more int not null);
    create table p (id int, region int, v int not null default 0, primary key (id, region)) partition by list (region);
    create table p_1 partition of p for values in (1); create table p_2 partition of p for values in (2);
    alter table p_2 add check (id < 0)`)
  await using writers = writing(source)
  await using moving = move({ source, destination })
  const { failed_tables } = await moving.until('changes', ({ streams }) => streams.length > 0)
  expect(failed_tables.map(({ name }) => name).sort()).toEqual(['late', 'p_2', 't'])
  // Nothing was fixed: they fail again, and the move continues.
  expect((await recopied(moving, ['late']))?.state).toBe('failed')
  await writers.more()
  await destination.sql(
    'alter table late drop constraint late_id_check; drop table t; drop type mood; alter table p_2 drop constraint p_2_id_check',
  )
  const done = await recopied(moving)
  expect(done).toMatchObject({ state: 'done' })
  await writers.more()
  expect(moving.run.view().failed_tables).toEqual([])
  expect(await moving.run.act({ type: 'recopy', tables: [] })).toMatchObject({ ok: true })
  // A partition with rows that the destination does not have.
  await source.sql(`
    create table p_3 (like p including all); insert into p_3 select g, 3 from generate_series(1, 50) g;
    alter table p attach partition p_3 for values in (3)`)
  expect(await recopied(moving, ['p_3'])).toMatchObject({ state: 'done' })
  await source.sql('insert into p values (60, 3); update p set v = 7 where region = 3 and id < 5')
  await moving.restart()
  await writers.more()
  await writers[Symbol.asyncDispose]()
  await moving.until('the light', ({ ready }) => ready.green)
  const there = await moving.switchover()
  expect(there.error).toBeUndefined()
  expect(await compareRows(source, destination)).toEqual([])
  const keys = "select conname from pg_constraint where contype = 'f' order by 1"
  expect(await destination.sql(keys)).toEqual(await source.sql(keys))
})

test('rows lost by a conflict or a skipped transaction come back, also with open transactions', async () => {
  // A commit that waits for a missing standby is in the log, and not visible to others.
  const waiting = { synchronous_standby_names: 'nobody', synchronous_commit: 'local' }
  const from = await cluster(14, { settings: { ...logical.settings, ...waiting } })
  const source = await from.createDatabase()
  const { destination } = await bothSides()
  await source.sql(tables)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  const arrives = (id: number) =>
    eventually(
      `row ${id}`,
      () => destination.sql(`select from u where id = ${id}`),
      (rows) => rows.length === 1,
    )
  const inConflict = () => moving.until('a conflict', ({ state }) => state === 'conflict')
  expect(await moving.run.act({ type: 'recopy', tables: ['late', 'lat'] })).toEqual({
    ok: false,
    message: 'no table of this move is named lat. Nothing was changed',
  })
  expect(await moving.run.act({ type: 'recopy', tables: [] })).toMatchObject({ ok: true })

  // The table in conflict: changes of the transaction to other tables are applied.
  await destination.sql('delete from late where id < 10')
  await source.sql('begin; insert into u values (3000); update late set v = 9 where id = 5; commit')
  await inConflict()
  expect(await recopied(moving, ['late'])).toMatchObject({ state: 'done' })
  await arrives(3000)
  // A conflict of another table comes first.
  await destination.sql('insert into u values (5000)')
  await source.sql('begin; insert into u values (5000); insert into late values (5000); commit')
  await inConflict()
  expect(await recopied(moving, ['late'])).toMatchObject({ state: 'failed' })
  await inConflict()
  expect(await moving.run.act({ type: 'skip' })).toMatchObject({ ok: true })
  await source.sql('insert into u values (5001)')
  await arrives(5001)

  const [session, other] = [source.connect(), source.connect()]
  await session.unsafe('begin; insert into late values (6000); update late set v = 77 where id = 1')
  const unseen = other
    .unsafe('begin; set local synchronous_commit = on; insert into late values (7000); commit')
    .catch(() => {})
  const waits = "select pid from pg_stat_activity where wait_event = 'SyncRep'"
  await eventually(
    'a commit that waits',
    () => source.sql(waits),
    (rows) => rows.length === 1,
  )
  const ended = recopied(moving, ['public.late'])
  await moving.until('the beginning', ({ recopy }) => recopy?.state === 'running')
  // Following continues during the wait.
  await source.sql('insert into u values (8000)')
  await arrives(8000)
  await session.unsafe('insert into late values (6001); commit')
  await source.sql(`select pg_cancel_backend(pid) from (${waits}) w`)
  await unseen
  expect(await ended).toMatchObject({ state: 'done' })
  for (const client of [session, other]) await client.end()
  // A new table for the stream, and not published.
  await source.sql(
    'create table fresh (like late including all); insert into fresh select id, v from late; drop table late; alter table fresh rename to late; alter index fresh_pkey rename to late_pkey',
  )
  expect(await recopied(moving, ['late'])).toMatchObject({ state: 'done' })
  await source.sql('update late set v = v + 1')
  await moving.until('the light', ({ ready }) => ready.green)
  expect(await compareRows(source, destination)).toEqual([])
})

test('a source without a free slot: nothing is changed', async () => {
  const scarce = { ...logical.settings, max_replication_slots: '1' }
  const source = await (await cluster(14, { settings: scarce })).createDatabase()
  const { destination } = await bothSides()
  await source.sql(tables)
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  expect(await recopied(moving, ['t', 'late'])).toMatchObject({
    state: 'failed',
    message: expect.stringContaining('replication slots are in use'),
  })
  await source.sql('insert into t values (1000, 1); update late set v = 2')
  await moving.until('the light', ({ ready }) => ready.green)
  expect(await compareRows(source, destination)).toEqual([])
  await moving.restart()
  await moving.until('the light', ({ ready, failed_tables }) => ready.green && failed_tables.length === 0)
})

test('a process killed during the copy leaves failed tables, which the next process copies', async () => {
  using home = makeHome()
  const { source, destination } = await bothSides()
  await source.sql(tables)
  await destination.sql('create table late (id int primary key check (id < 0), v int, twice int)')
  const ends = ['--source', source.url, '--dest', destination.url, '--name', 're']
  const recopy = (...more: string[]) => home.run(['recopy', '--name', 're', ...more])
  expect(await recopy()).toMatchObject({
    code: 2,
    said: expect.stringContaining('there is no move named re'),
  })
  const first = home.start(['clone', '--follow', '--yes', ...ends])
  const state = (name: string) => join(home.directory, name)
  await published(state('.pgtrek'), 'changes', ({ streams }) => streams.length > 0, 're')
  await destination.sql('drop table late')
  const blocker = destination.connect()
  await blocker.unsafe('begin; lock table u in share mode')
  const waiting = home.start(['recopy', 'late', 'u', ...ends])
  await eventually(
    'the rows of u to wait',
    () =>
      destination.sql(
        "select from pg_stat_activity where wait_event_type = 'Lock' and query ~* 'truncate|delete|copy'",
      ),
    (rows) => rows.length > 0,
  )
  await source.sql('insert into u values (1000); insert into late values (1000); update late set v = 1')
  first.child.kill('SIGKILL')
  const { code, said } = await waiting.finished
  expect({ code, said }).toMatchObject({ code: 1, said: expect.stringContaining('ended before') })
  await blocker.unsafe('rollback')
  await blocker.end()
  expect(await recopy()).toMatchObject({
    code: 1,
    said: expect.stringContaining('no process follows re: start one with "pgtrek follow"'),
  })
  // The tables count as failed also without the state directory.
  const second = home.start(['follow', ...ends, '--state-dir', 'other', '--ready-for', '1s'])
  const { failed_tables } = await published(
    state('other'),
    'changes',
    ({ streams }) => streams.length > 0,
    're',
  )
  expect(failed_tables.map(({ name }) => name).sort()).toEqual(['late', 'u'])
  await source.sql('insert into u values (1001); insert into late values (1001)')
  expect(await recopy('--state-dir', 'other')).toMatchObject({
    code: 1,
    said: expect.stringContaining('name the tables'),
  })
  expect(await recopy('--state-dir', 'other', 'late', 'u')).toMatchObject({
    code: 0,
    said: expect.stringContaining('2 tables copied again and followed'),
  })
  expect(await recopy('--state-dir', 'other')).toMatchObject({
    code: 0,
    said: expect.stringContaining('nothing to copy again'),
  })
  await source.sql(
    'insert into u values (1002); insert into late values (1002); delete from late where id < 5',
  )
  await published(state('other'), 'the light', ({ ready }) => ready.green, 're')
  const there = await home.run(['switchover', '--verify', '--watch', '0', ...ends, '--state-dir', 'other'])
  expect(there).toMatchObject({ code: 0 })
  expect((await second.finished).code).toBe(0)
  expect(await compareRows(source, destination)).toEqual([])
  expect((await home.run(['cleanup', ...ends, '--state-dir', 'other'])).code).toBe(0)
})
