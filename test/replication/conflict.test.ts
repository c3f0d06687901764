// A change that cannot be applied stops the stream, is reported precisely, and the stream continues as the user decides.
import { describe, expect, test } from 'bun:test'
import { Follower } from '../../server/replication/apply/follower.ts'
import { dropSlot } from '../../server/replication/stream/slot.ts'
import type { FollowEvent } from '../../shared/follow.ts'
import { compareRows } from '../../tools/comparison/compare.ts'
import {
  arrival,
  conflictOf,
  endOf,
  inSession,
  link,
  type Pair,
  reaches,
  stopsAt,
} from '../../tools/moves/following.ts'
import { cluster } from '../../tools/servers/clusters.ts'

async function pairWith(tables: string): Promise<Pair> {
  const source = await (await cluster(17)).createDatabase()
  const destination = await (await cluster(18)).createDatabase()
  await source.sql(tables)
  await destination.sql(tables)
  return { source, destination }
}

async function followed(pair: Pair) {
  const events: FollowEvent[] = []
  const follower = await Follower.start({
    ...(await link(pair)),
    onEvent: (event) => events.push(event),
  })
  return { follower, events }
}

const table = 'create table t (id int primary key, v text)'

describe('a conflict', () => {
  test('a missing row is named, nothing of its transaction is applied, and after the fix it continues', async () => {
    const pair = await pairWith(table)
    const { follower } = await followed(pair)
    await pair.source.sql("insert into t values (1, 'a'), (2, 'b')")
    await pair.source.sql("insert into t values (3, 'c')")
    await reaches(follower, 'three rows', ({ rows }) => rows === 3)
    await pair.destination.sql('delete from t where id = 2')
    await pair.source.sql("begin; insert into t values (4, 'd'); update t set v = 'x' where id = 2; commit")
    const found = await conflictOf(follower)
    expect(found).toMatchObject({ statement: 'update', table: { name: 't' }, key: { id: '2' } })
    expect(found.problems).toEqual(['the row is missing on the destination'])
    expect(follower.status.phase).toBe('conflict')
    expect(await pair.destination.sql('select id from t order by 1')).toEqual([{ id: 1 }, { id: 3 }])
    await pair.destination.sql("insert into t values (2, 'b')")
    expect(follower.retry()).toBe(true)
    await arrival(follower, pair.source)
    expect(await compareRows(pair.source, pair.destination)).toEqual([])
  })

  test('a row that exists already: its whole transaction is skipped, and stays skipped', async () => {
    const pair = await pairWith(table)
    const { follower, events } = await followed(pair)
    await pair.destination.sql("insert into t values (7, 'mine')")
    await pair.source.sql("begin; insert into t values (6, 'f'); insert into t values (7, 'g'); commit")
    await pair.source.sql("insert into t values (8, 'h')")
    const { error, key } = await conflictOf(follower)
    expect(error?.sqlstate).toBe('23505')
    expect(key).toEqual({ id: '7' })
    follower.skip()
    await arrival(follower, pair.source)
    expect(events.filter(({ type }) => type === 'follow_skipped')).toHaveLength(1)
    expect(await pair.destination.sql('select * from t order by 1')).toEqual([
      { id: 7, v: 'mine' },
      { id: 8, v: 'h' },
    ])
  })

  test('a missing column of the destination is named, and after it is added the stream continues', async () => {
    const pair = await pairWith(table)
    const { follower } = await followed(pair)
    await pair.source.sql("insert into t values (1, 'a')")
    await pair.source.sql('alter table t add column extra int')
    await pair.source.sql("insert into t values (2, 'b', 5)")
    expect((await conflictOf(follower)).problems).toEqual([
      'the destination lacks column extra, which the source has',
    ])
    await pair.destination.sql('alter table t add column extra int')
    follower.retry()
    await arrival(follower, pair.source)
    expect(await compareRows(pair.source, pair.destination)).toEqual([])
  })

  test('a TRUNCATE that would also empty a table that is not followed', async () => {
    const pair = await pairWith(table)
    await pair.destination.sql('create table other (t int references t)')
    const { follower } = await followed(pair)
    await pair.source.sql("insert into t values (1, 'a')")
    await pair.source.sql('truncate t')
    expect(await conflictOf(follower)).toMatchObject({ statement: 'truncate', error: { sqlstate: '0A000' } })
    await pair.destination.sql('drop table other')
    follower.retry()
    await arrival(follower, pair.source)
    expect(await compareRows(pair.source, pair.destination)).toEqual([])
  })
})

describe('a slot', () => {
  test('that is missing is reported, and no new one is created silently', async () => {
    const pair = await pairWith(table)
    const options = await link(pair)
    await inSession(pair.source, (session) => dropSlot(session, options.slot))
    await expect(Follower.start(options)).rejects.toThrow('has no replication slot')
  })

  test('that another process has read is not used', async () => {
    const pair = await pairWith(table)
    const options = await link(pair)
    await pair.source.sql("insert into t values (1, 'a')")
    await endOf(pair.source)
    await pair.source.sql('select pg_replication_slot_advance($1, pg_current_wal_flush_lsn())', [
      options.slot,
    ])
    await expect(Follower.start(options)).rejects.toThrow('another client used the slot')
  })
})

test('a follower writes nothing while it is paused, continues when it is resumed, and applies nothing after its stop position', async () => {
  const pair = await pairWith(table)
  const { follower } = await followed(pair)
  follower.pause()
  await reaches(follower, 'the pause', ({ phase }) => phase === 'paused')
  await pair.source.sql("insert into t values (1, 'a')")
  const end = await endOf(pair.source)
  await pair.source.sql("insert into t values (2, 'behind')")
  expect(await pair.destination.sql('select * from t')).toEqual([])
  await stopsAt(follower, end)
  expect(await pair.destination.sql('select id from t')).toEqual([{ id: 1 }])
})

test('both directions at once: every row once on both sides, and no echoes', async () => {
  const one = await (await cluster(17)).createDatabase()
  const other = await (await cluster(14)).createDatabase()
  for (const database of [one, other]) await database.sql(`${table}; alter table t replica identity full`)
  const there = await link({ source: one, destination: other })
  const back = await link({ source: other, destination: one })
  const forwards = await Follower.start({ ...there, origin: 'none' })
  const backwards = await Follower.start({ ...back, origin: 'none' })
  for (let round = 0; round < 20; round++) {
    await one.sql(`insert into t values (${round}, 'one')`)
    await other.sql(`insert into t values (${1000 + round}, 'other')`)
  }
  for (const follower of [forwards, backwards]) {
    await reaches(follower, 'the rows of the other side', ({ rows }) => rows >= 20)
  }
  await one.sql("update t set v = 'changed' where id >= 1000")
  await other.sql("update t set v = 'changed' where id < 1000")
  await Promise.all([stopsAt(forwards, await endOf(one)), stopsAt(backwards, await endOf(other))])
  expect(await compareRows(one, other)).toEqual([])
  expect([forwards.status.rows, backwards.status.rows]).toEqual([40, 40])
})
