// Large transactions are applied while the source still sends them, and exactly once after any obstacle.
import { describe, expect, test } from 'bun:test'
import { Follower } from '../../server/replication/apply/follower.ts'
import type { PositionKind } from '../../server/replication/apply/position.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import {
  arrival,
  compareFollowed,
  conflictOf,
  link,
  type Pair,
  reaches,
} from '../../tools/moves/following.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'

const tables = `
  create table a (id int primary key, v text); create table b (id int primary key, v text);
  create table keyless (id int, v text); alter table keyless replica identity full`
const many = (table: string, first: number, count = 2000) =>
  `insert into ${table} select g, repeat(md5(g::text), 20) from generate_series(${first}, ${first + count - 1}) g`

async function pairOf(both = tables): Promise<Pair> {
  const settings = { logical_decoding_work_mem: '64kB' }
  const source = await (await cluster(15, { settings })).createDatabase()
  const destination = await (await cluster(18, { settings })).createDatabase()
  for (const database of [source, destination]) await database.sql(both)
  return { source, destination }
}

/** A transaction that is open on the source, with uncommitted rows on the destination. */
async function openTransaction(pair: Pair, follower: Follower, statements: string) {
  await reaches(follower, 'the end of the large ones before', ({ spilledBytes }) => spilledBytes === 0)
  const client = pair.source.connect({ max: 1 })
  await client.unsafe(`begin; ${statements}`)
  await atWork(pair.destination)
  await reaches(follower, 'much of the transaction', ({ spilledBytes }) => spilledBytes >= 300_000)
  return {
    async end(statement: string) {
      await client.unsafe(statement)
      await client.end()
    },
  }
}

/** Sessions that have written something and not committed it. */
async function atWork(database: TestDatabase): Promise<number[]> {
  const writing =
    'select pid from pg_stat_activity where datname = current_database() and backend_xid is not null'
  const rows = await eventually(
    'a session that has written something',
    () => database.sql<{ pid: number }>(writing),
    ({ length }) => length > 0,
  )
  return rows.map(({ pid }) => pid)
}

function rowOf(database: TestDatabase, table: string, id: number) {
  const find = () => database.sql(`select from ${table} where id = ${id}`)
  return eventually(`row ${id} of ${table}`, find, ({ length }) => length === 1)
}

for (const kind of ['origin', 'table'] as PositionKind[]) {
  describe(`the position in ${kind === 'origin' ? 'an origin' : 'a table'}`, () => {
    test('a transaction is complete when it is committed, others are applied meanwhile, and a process that ends loses nothing', async () => {
      const pair = await pairOf()
      const options = await link(pair, { kind })
      let follower = await Follower.start(options)
      await pair.source.sql(`${many('a', 0)}; ${many('keyless', 0, 10)}`)
      for (const round of casesOf([1, 2], [3])) {
        const large = await openTransaction(
          pair,
          follower,
          `${many('a', round * 10_000)}; update a set v = 'new' where id < ${round * 500};
           delete from a where id between 1000 and ${1000 + round * 10}; ${many('keyless', 0)};
           update keyless set v = '${round}' where id < 5`,
        )
        // Also to rows of the same table.
        await pair.source.sql(
          `insert into a values (${-round}, 'beside'); delete from a where id = ${1990 + round}`,
        )
        await rowOf(pair.destination, 'a', -round)
        expect(await pair.destination.sql(`select from a where id >= ${round * 10_000}`)).toEqual([])
        await large.end('commit')
        await pair.source.sql(`update a set v = 'after' where id = ${round * 10_000}`)
        await arrival(follower, pair.source)
        expect(follower.status).toMatchObject({
          appliedEarly: round === 1 ? 2 : 1,
          givenUpEarly: [],
          spilledBytes: 0,
        })
        expect(await compareFollowed(pair)).toEqual([])
        follower = await Follower.start(options)
      }
      await follower.stop()
    })

    test('what the source rolls back, wholly or to a savepoint, is not applied', async () => {
      const pair = await pairOf()
      const follower = await Follower.start(await link(pair, { kind }))
      const back = await openTransaction(pair, follower, many('a', 0))
      await back.end('rollback')
      const part = await openTransaction(
        pair,
        follower,
        `${many('a', 10_000)}; savepoint s; ${many('a', 20_000)}`,
      )
      await part.end(`rollback to s; ${many('b', 0)}; commit`)
      await arrival(follower, pair.source)
      expect(await compareFollowed(pair)).toEqual([])
      expect(await pair.destination.sql('select count(*)::int as n from a')).toEqual([{ n: 2000 }])
      expect(follower.status.givenUpEarly).toEqual([
        { reason: 'aborted', transactions: 1 },
        { reason: 'savepoint', transactions: 1 },
      ])
    })

    test('the second session is killed in the middle of a transaction', async () => {
      const pair = await pairOf()
      const follower = await Follower.start(await link(pair, { kind }))
      const large = await openTransaction(pair, follower, many('a', 0))
      for (const pid of await atWork(pair.destination))
        await pair.destination.sql(`select pg_terminate_backend(${pid})`)
      await large.end(`${many('a', 10_000)}; commit`)
      await arrival(follower, pair.source)
      expect(follower.status.appliedEarly).toBe(0)
      expect(follower.status.givenUpEarly).toEqual([{ reason: 'connection_lost', transactions: 1 }])
      expect(await compareFollowed(pair)).toEqual([])
    })
  })
}

test('transactions that depend on each other only on the destination do not deadlock', async () => {
  const pair = await pairOf()
  await pair.destination.sql('create unique index on b (v)')
  const follower = await Follower.start(await link(pair))
  const large = await openTransaction(pair, follower, `insert into b values (1, 'one'); ${many('a', 0)}`)
  // Waits on the destination for a transaction that would only be committed after this one.
  await pair.source.sql("insert into b values (2, 'one'); delete from b where id = 2")
  await pair.source.sql("insert into b values (3, 'three')")
  await rowOf(pair.destination, 'b', 3)
  await large.end('commit')
  await arrival(follower, pair.source)
  expect(follower.status.appliedEarly).toBe(0)
  expect(follower.status.givenUpEarly).toEqual([{ reason: 'held_up', transactions: 1 }])
  expect(await compareFollowed(pair)).toEqual([])
})

for (const size of ['large', 'small']) {
  test(`a constraint that fails at the commit is a conflict like any other: a ${size} transaction`, async () => {
    const pair = await pairOf()
    await pair.destination.sql(`
      create function no() returns trigger language plpgsql as $$ begin raise 'never'; end $$;
      create constraint trigger late after insert on b initially deferred for each row when (new.id = 7) execute function no();
      alter table b enable always trigger late`)
    const follower = await Follower.start(await link(pair))
    await pair.source.sql(`${size === 'large' ? many('a', 0) : ''}; insert into b values (7, 'seven')`)
    expect((await conflictOf(follower)).message).toContain('never')
    await pair.destination.sql('drop trigger late on b')
    follower.retry()
    await arrival(follower, pair.source)
    expect(await compareFollowed(pair)).toEqual([])
  })
}

test('a change that does not fit, a TRUNCATE and a message are reported, or done, at the commit', async () => {
  const pair = await pairOf()
  const messages: string[] = []
  const lines: string[] = []
  const options = await link(pair)
  const follower = await Follower.start({
    ...options,
    onEvent: (event) => {
      if (event.type === 'follow_message') messages.push(event.content)
      if (event.type === 'follow_streamed_given_up') lines.push(event.message)
    },
  })
  const emptied = await openTransaction(pair, follower, many('a', 0))
  await emptied.end(`truncate b; select pg_logical_emit_message(true, 'mine', 'hello'); commit`)
  const altered = await openTransaction(pair, follower, many('a', 10_000))
  await altered.end(
    `alter table a add more int; ${many('a', 20_000)}; update a set more = 1 where id = 20000; commit`,
  )
  expect((await conflictOf(follower)).message).toContain('more')
  expect(messages).toEqual(['hello'])
  await pair.destination.sql('alter table a add more int')
  follower.retry()
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
  // The source may send a transaction again after a conflict.
  expect(follower.status.givenUpEarly?.map(({ reason }) => reason)).toEqual(['truncate', 'schema_change'])
  expect(lines.slice(0, 2)).toEqual([
    expect.stringMatching(
      /^transaction \d+ is no longer applied while the source sends it: it truncates a table. Its changes are applied when the source commits it.$/,
    ),
    expect.stringContaining('the definition of a table has changed'),
  ])
})

test('after a large transaction that is skipped, its tables are known, and later ones are applied', async () => {
  const pair = await pairOf()
  const skipped: unknown[] = []
  const follower = await Follower.start({
    ...(await link(pair)),
    onEvent: (event) => event.type === 'follow_skipped' && skipped.push(...event.tables),
  })
  await pair.destination.sql("insert into a values (7, 'here already')")
  await pair.source.sql(`${many('a', 0)}`)
  await conflictOf(follower)
  follower.skip()
  await pair.source.sql("insert into a values (-1, 'behind it')")
  await arrival(follower, pair.source)
  const counts = { inserted: 2000, updated: 0, deleted: 0, truncated: 0 }
  expect(skipped).toEqual([{ schema: 'public', name: 'a', ...counts }])
  expect(await pair.destination.sql('select id from a order by id')).toEqual([{ id: -1 }, { id: 7 }])
})

test('a table that is dropped on the destination meanwhile counts as missing', async () => {
  const pair = await pairOf()
  const follower = await Follower.start(await link(pair))
  const large = await openTransaction(pair, follower, many('a', 0))
  await pair.destination.sql('drop table b')
  await large.end(`${many('b', 0)}; ${many('a', 10_000)}; commit`)
  expect((await conflictOf(follower)).message).toContain('has no such table')
  expect(follower.status.givenUpEarly).toEqual([{ reason: 'missing_table', transactions: 1 }])
  await pair.destination.sql('create table b (id int primary key, v text)')
  follower.retry()
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
})

test('during a pause nothing is locked', async () => {
  const pair = await pairOf()
  const follower = await Follower.start(await link(pair))
  const large = await openTransaction(pair, follower, many('a', 0))
  follower.pause()
  const locked = pair.destination.sql('begin; lock table a in access exclusive mode; commit')
  await within('a lock on the table', locked)
  expect(follower.status.givenUpEarly).toEqual([{ reason: 'paused', transactions: 1 }])
  follower.resume()
  await large.end('commit')
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
})
