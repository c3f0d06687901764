// Relations are identified by their OIDs: they may be renamed, temporarily or permanently, on either side.
import { expect, test } from 'bun:test'
import { Follower, type FollowerOptions } from '../../server/replication/apply/follower.ts'
import type { TablePair } from '../../server/replication/tables/followed.ts'
import { findUnfollowed } from '../../server/replication/tables/unfollowed.ts'
import { eventually } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { arrival, compareFollowed, conflictOf, endOf, inSession, link } from '../../tools/moves/following.ts'
import { cluster, type Major, startCluster } from '../../tools/servers/clusters.ts'
import { expectLines, pairWith } from '../support/altered.ts'

const tables = `
  create schema other;
  create table t (id int primary key, v text); insert into t values (1, 'one'), (2, 'two'), (3, 'three');
  create table u (id int primary key, v text); insert into u values (1, 'u one');
  create table p (id int, region int, v text, primary key (id, region)) partition by list (region);
  create table p_1 partition of p for values in (1); create table p_2 partition of p for values in (2)`

const write = (table: string) => `
  update ${table} set v = v || '!' where id = 1; delete from ${table} where id = 2; insert into ${table} values (4, 'four');
  update ${table} set id = id + 10`

/** Starts a follower, and keeps the tables that it reports, because a restart needs them. */
async function following(options: FollowerOptions, before: readonly TablePair[] = []) {
  const seen: { pairs: readonly TablePair[]; warnings: string[] } = { pairs: before, warnings: [] }
  const follower = await Follower.start({
    ...options,
    ...(before.length > 0 && { tables: before }),
    onTables: (pairs) => {
      seen.pairs = pairs
    },
    onEvent: (event) => event.type === 'follow_warning' && seen.warnings.push(event.message),
  })
  return { follower, seen }
}

const majors = casesOf<[Major, Major]>(
  [[14, 18]],
  [
    [12, 17],
    [18, 14],
  ],
)

for (const [from, to] of majors) {
  test(`a temporary name, from ${from} to ${to}: every change is applied, by a running follower and after a restart`, async () => {
    const pair = await pairWith(from, to, tables)
    const options = await link(pair)
    const first = await following(options)
    await pair.source.sql(
      `begin; alter table t rename to tmp; ${write('tmp')}; alter table tmp rename to t; commit`,
    )
    await pair.source.sql(
      `begin; alter table t set schema other; ${write('other.t')}; alter table other.t set schema public; commit`,
    )
    // Tables swap names. The changes of each are still applied to it.
    await pair.source.sql(`
      begin; alter table t rename to was_t; alter table u rename to t; alter table was_t rename to u;
      insert into t values (100, 'of u'); insert into u values (200, 'of t');
      alter table t rename to was_u; alter table u rename to t; alter table was_u rename to u; commit`)
    await arrival(first.follower, pair.source)
    // Without a follower; also a partition, and a table that is rewritten.
    await pair.source.sql(`alter table t rename to tmp; ${write('tmp')}; alter table p_1 rename to p_tmp`)
    await pair.source.sql("insert into p values (1, 1, 'under another name'), (2, 2, 'two')")
    const second = await following(options, first.seen.pairs)
    await arrival(second.follower, pair.source)
    await pair.source.sql('alter table tmp rename to t; alter table p_tmp rename to p_1')
    await pair.source.sql('vacuum full t')
    await pair.source.sql("update t set v = 'rewritten'; update p set v = 'back'")
    const third = await following(options, second.seen.pairs)
    third.follower.pause()
    await pair.source.sql(`alter table t rename to tmp; ${write('tmp')}; alter table tmp rename to t`)
    await arrival(third.follower, pair.source)
    expect(await compareFollowed(pair)).toEqual([])
  })
}

test('two tables that swap names permanently, and one that is renamed on the destination, are followed by their OIDs', async () => {
  const pair = await pairWith(14, 18, tables)
  const options = await link(pair)
  const first = await following(options)
  await pair.source.sql(
    'alter table t rename to was_t; alter table u rename to t; alter table was_t rename to u',
  )
  await pair.source.sql("insert into t values (100, 'of u'); insert into u values (200, 'of t')")
  await arrival(first.follower, pair.source)
  expect(await pair.destination.sql('select v from u where id = 100')).toEqual([{ v: 'of u' }])
  const look = () =>
    inSession(pair.source, (source) =>
      inSession(pair.destination, (destination) =>
        findUnfollowed(source, { publication: options.publication, followed: first.seen.pairs }, destination),
      ),
    )
  const found = await look()
  expect(found.map(({ table, kind }) => [table.name, kind]).sort()).toEqual([
    ['t', 'renamed'],
    ['u', 'renamed'],
  ])
  // The same on the destination, during a stream that has written to both. Both sides agree again.
  const second = await following(options, first.seen.pairs)
  await pair.source.sql("insert into t values (101, 'of u'); insert into u values (201, 'of t')")
  await eventually(
    'the rows',
    () => second.follower.status.rows,
    (rows) => rows === 2,
  )
  await pair.destination.sql(
    'alter table t rename to was_t; alter table u rename to t; alter table was_t rename to u',
  )
  await pair.source.sql("insert into t values (102, 'of u'); insert into u values (202, 'of t')")
  await arrival(second.follower, pair.source)
  expect(await look()).toEqual([])
  expect(await compareFollowed(pair)).toEqual([])
})

test('changes of an unknown table wait until it exists on the destination; those of an excluded or dropped one do not', async () => {
  const pair = await pairWith(15, 18, tables)
  await pair.source.sql(
    'create table excluded (id int primary key); create publication everything for all tables',
  )
  const { tables: published = [], ...ends } = await link(pair, { publication: 'everything' })
  const excluded = { schema: 'public', name: 'excluded' }
  const wanted = published.filter(({ name }) => name !== 'excluded')
  const { follower, seen } = await following({ ...ends, tables: wanted, leftOut: [excluded] })
  await pair.source.sql(
    'create table fleeting (id int); insert into fleeting values (1); drop table fleeting',
  )
  await pair.source.sql(
    'alter table excluded rename to excluded_still; insert into excluded_still values (1)',
  )
  await pair.source.sql(
    "create table fresh (id int primary key, v text); insert into fresh values (1, 'one')",
  )
  const conflict = await conflictOf(follower)
  expect(conflict.table).toEqual({ schema: 'public', name: 'fresh' })
  expectLines(conflict.problems, [
    /public.fresh was not part of this move when it started/,
    /create public.fresh on the destination .* then retry/,
  ])
  expectLines(seen.warnings.sort(), [
    /public.excluded_still are sent and not applied: it was excluded/,
    /public.fleeting are sent and not applied: it was created after the move started, and has since been dropped/,
  ])
  // A retry alone does not create the table.
  const problems = () => follower.status.conflict?.problems ?? []
  follower.retry()
  await eventually('the next attempt', problems, (found) => found.length === 1)
  expectLines(problems(), [/the destination has no such table/])
  await pair.destination.sql('create table fresh (id int primary key, v text)')
  follower.retry()
  await eventually(
    'the row',
    () => follower.status.rows,
    (rows) => rows === 1,
  )
  // Another table gets the name of a followed one.
  await pair.source.sql('drop table u; create table u (id int primary key, v text)')
  await pair.source.sql("insert into u values (7, 'new')")
  const again = await eventually(
    'a conflict',
    () => follower.status.conflict,
    (found) => found !== undefined,
  )
  expect(again?.problems.join()).toMatch(
    /the table that was named public.u before is still followed, and is a different one/,
  )
  await pair.destination.sql('drop table u; create table u (id int primary key, v text)')
  follower.retry()
  await arrival(follower, pair.source)
  expect(await pair.destination.sql('select * from u')).toEqual([{ id: 7, v: 'new' }])
  expect(await pair.destination.sql('select * from fresh')).toEqual([{ id: 1, v: 'one' }])
  // Known by its OID from then on.
  const next = await following({ ...ends, leftOut: [excluded] }, seen.pairs)
  await pair.source.sql("alter table fresh rename to stale; insert into stale values (2, 'two')")
  await arrival(next.follower, pair.source)
  expect(await pair.destination.sql('select count(*)::int as count from fresh')).toEqual([{ count: 2 }])
  expect(await endOf(pair.source)).toBeGreaterThan(0n)
})

test('a table whose transaction is not visible on the source yet is waited for, and does not count as dropped', async () => {
  await using server = await startCluster({
    major: 17,
    settings: { wal_level: 'logical', synchronous_standby_names: 'nobody', synchronous_commit: 'local' },
  })
  const source = await server.createDatabase()
  const destination = await (await cluster(18)).createDatabase()
  await source.sql('create table t (id int primary key); create publication everything for all tables')
  await destination.sql('create table t (id int primary key)')
  const options = await link({ source, destination }, { publication: 'everything', flushAtCommit: false })
  const follower = await Follower.start(options)
  const session = source.connect()
  const waiting = session
    .unsafe(
      'begin; set local synchronous_commit = on; create table fresh (id int); insert into fresh values (1); commit',
    )
    .catch(() => {})
  await eventually(
    'the wait',
    () => follower.status.lastError?.message,
    (text) => /not visible on the source yet/.test(text ?? ''),
  )
  // Its session stops waiting. The transaction is committed anyway.
  await source.sql("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'")
  await waiting
  await eventually(
    'the conflict',
    () => follower.status.conflict?.table?.name,
    (name) => name === 'fresh',
  )
  expect(await destination.sql('select to_regclass($1) as there', ['fresh'])).toEqual([{ there: null }])
  await follower.stop().catch(() => {})
  await session.end()
})
