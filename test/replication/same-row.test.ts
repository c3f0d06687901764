// Both sides are in use and change the same rows: in the end they are equal, or a conflict names the row.
import { expect, test } from 'bun:test'
import { Follower } from '../../server/replication/apply/follower.ts'
import { parseLsn } from '../../server/replication/stream/lsn.ts'
import type { FollowConflict } from '../../shared/follow.ts'
import { eventually } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { compareFollowed, endOf, link, makeEmpty, type Pair } from '../../tools/moves/following.ts'
import { seeded } from '../../tools/random.ts'
import { cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'
import { look } from '../preflight/check-context.ts'

const table = `
  create table t (id int primary key, v text, n numeric, big text, secret int generated always as (id + 1) stored);
  alter table t replica identity full; alter table t alter big set storage external;
  insert into t select g, 'row', 1.0, repeat('x', 3000) from generate_series(1, 199) g`

async function pairOf(one: Major, other: Major): Promise<Pair> {
  const settings = { autovacuum: 'off' }
  return {
    source: await (await cluster(one, { settings })).createDatabase(),
    destination: await (await cluster(other, { settings })).createDatabase(),
  }
}

/** Follows in both directions from here on. */
async function bothWays(pair: Pair) {
  const { source, destination } = pair
  const there = await link(pair)
  const back = await link({ source: destination, destination: source })
  return async () => ({
    forwards: await Follower.start({ ...there, origin: 'none' }),
    backwards: await Follower.start({ ...back, origin: 'none' }),
  })
}

async function fill({ source, destination }: Pair, tables = table) {
  for (const side of [source, destination]) await side.sql(tables)
}

/** Whether each has applied everything, or waits at a conflict. */
async function outcome(pair: Pair, { forwards, backwards }: { forwards: Follower; backwards: Follower }) {
  const ends: [Follower, TestDatabase][] = [
    [forwards, pair.source],
    [backwards, pair.destination],
  ]
  for (const [follower, from] of ends) follower.stopAt(await endOf(from)).catch(() => {})
  const conflicts = []
  for (const [follower] of ends) {
    const { phase, conflict } = await eventually(
      'an end or a conflict',
      () => follower.status,
      ({ phase }) => phase === 'stopped' || phase === 'conflict',
    )
    if (phase === 'conflict') conflicts.push(conflict)
  }
  for (const [follower] of ends) await follower.stop().catch(() => {})
  return conflicts
}

interface Story {
  name: string
  here: string
  there: string
  /** For both streams together. */
  conflicts: number
}

const byBoth = (name: string, here: string, there: string): Story => ({ name, here, there, conflicts: 2 })
/** Each case uses separate rows, from ID on. Row ID + 5 does not exist. */
const stories: Story[] = [
  byBoth('update and update', "update t set v = 'A' where id = ID", "update t set v = 'B' where id = ID"),
  byBoth('two columns', "update t set v = 'A' where id = ID", 'update t set n = 2 where id = ID'),
  byBoth(
    'equal, but not the same',
    'update t set n = 1.00 where id = ID',
    'update t set n = 1.000 where id = ID',
  ),
  byBoth(
    'a value that is stored out of line',
    "update t set big = repeat('y', 3000) where id = ID",
    "update t set v = 'B' where id = ID",
  ),
  byBoth('update and delete', "update t set v = 'A' where id = ID", 'delete from t where id = ID'),
  byBoth('insert and insert', "insert into t values (ID + 5, 'A')", "insert into t values (ID + 5, 'B')"),
  byBoth('another key', 'update t set id = ID + 5 where id = ID', "update t set v = 'B' where id = ID"),
  {
    name: 'other rows',
    here: "update t set v = 'A' where id = ID; delete from t where id = ID + 1",
    there: "update t set v = 'B' where id = ID + 2",
    conflicts: 0,
  },
  {
    name: 'truncate and insert',
    here: 'truncate t',
    there: "insert into t values (ID + 5, 'B')",
    conflicts: 1,
  },
]

test('any two changes of the same row', async () => {
  const pair = await pairOf(14, 18)
  await fill(pair)
  for (const side of [pair.source, pair.destination]) await side.sql('delete from t where id % 10 = 6')
  const { forwards, backwards } = await (await bothWays(pair))()
  const both = [
    { follower: forwards, from: pair.source },
    { follower: backwards, from: pair.destination },
  ]
  for (const [index, { name, here, there, conflicts }] of stories.entries()) {
    const id = String(10 * index + 1)
    for (const { follower } of both) follower.pause()
    for (const { follower } of both) {
      await eventually(
        'a pause',
        () => follower.status.phase,
        (phase) => phase === 'paused',
      )
    }
    await pair.source.sql(here.replaceAll('ID', id))
    await pair.destination.sql(there.replaceAll('ID', id))
    const found: FollowConflict[] = []
    for (const { follower, from } of both) {
      const end = await endOf(from)
      follower.resume()
      const { conflict } = await eventually(
        `${name}: all, or a conflict`,
        () => follower.status,
        ({ conflict, applied }) => conflict !== undefined || parseLsn(applied) >= end,
      )
      if (conflict) found.push(conflict)
      follower.skip()
    }
    expect(`${name}: ${found.length}`).toBe(`${name}: ${conflicts}`)
    if (conflicts === 2) expect(found.map(({ key }) => key?.id)).not.toContain(undefined)
  }
  await Promise.all([forwards.stop(), backwards.stop()])
})

test('a change that waits for a lock checks the row again', async () => {
  const pair = await pairOf(14, 17)
  await fill(pair)
  const { forwards, backwards } = await (await bothWays(pair))()
  const session = pair.destination.connect()
  try {
    await session.begin(async (transaction) => {
      await transaction.unsafe("update t set v = 'B' where id = 1")
      await pair.source.sql("update t set v = 'A' where id = 1")
      await eventually(
        'our session to wait for the lock',
        () =>
          pair.destination.sql(
            "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
          ),
        (waiting) => waiting.length > 0,
      )
    })
  } finally {
    await session.end()
  }
  expect(await outcome(pair, { forwards, backwards })).toHaveLength(2)
})

test('changing the same row in turn is no conflict', async () => {
  const pair = await pairOf(15, 17)
  await fill(pair)
  const { forwards, backwards } = await (await bothWays(pair))()
  const value = async (side: TestDatabase) => (await side.sql('select v from t where id = 1'))[0]?.v
  for (let round = 0; round < 6; round++) {
    const [one, other] = round % 2 ? [pair.source, pair.destination] : [pair.destination, pair.source]
    await one.sql(`update t set v = 'round ${round}' where id = 1`)
    await eventually(
      'the value on the other side',
      () => value(other),
      (v) => v === `round ${round}`,
    )
  }
  expect(await outcome(pair, { forwards, backwards })).toEqual([])
  expect(await compareFollowed(pair)).toEqual([])
})

test('without the old row it is a conflict, which a retry overrides, and preflight names the table', async () => {
  const pair = await pairOf(14, 17)
  await fill(pair, "create table t (id int primary key, v text); insert into t values (1, 'one')")
  const { item } = await look(pair.source.url, pair.destination.url, { follow: true, bidirectional: true })
  expect(item('both-ways-identity')).toMatchObject({
    status: 'blocker',
    objects: ['public.t', 'public.t of the destination'],
    sql: [
      '-- on the source, as the owner of the table or a superuser\nalter table public.t replica identity full',
      '-- on the destination, as the owner of the table or a superuser\nalter table public.t replica identity full',
    ],
  })
  const { forwards, backwards } = await (await bothWays(pair))()
  await pair.source.sql("update t set v = 'two'")
  const { conflict } = await eventually(
    'a conflict',
    () => forwards.status,
    (status) => status.conflict !== undefined,
  )
  expect(conflict?.message).toMatch(/alter table "public"."t" replica identity full" on both sides/)
  forwards.retry()
  await eventually(
    'the row',
    () => forwards.status.rows,
    (rows) => rows === 1,
  )
  for (const side of [pair.source, pair.destination]) await side.sql('alter table t replica identity full')
  await pair.source.sql("update t set v = 'three'")
  expect(await outcome(pair, { forwards, backwards })).toEqual([])
  expect(await compareFollowed(pair)).toEqual([])
})

/** A few statements almost without a pause, so that sessions of both sides wait for each other's locks. */
async function write(database: TestDatabase, seed: number, rounds: number) {
  const random = seeded(seed)
  const client = database.connect()
  try {
    for (let round = 0; round < rounds; round++) {
      const id = 1 + random.below(30)
      const kind = random.below(10)
      await client.unsafe(
        kind < 6
          ? `update t set v = '${seed}-${round}' where id = ${id}`
          : kind < 8
            ? `delete from t where id = ${id}`
            : `insert into t values (${id}, '${seed}-${round}', ${round}) on conflict do nothing`,
      )
    }
  } finally {
    await client.end()
  }
}

test('writers that change the same rows at random: equal in the end, or a conflict', async () => {
  const pair = await pairOf(14, 18)
  const seeds = casesOf(
    [1, 2, 3, 4],
    Array.from({ length: 40 }, (_, index) => 5 + index),
  )
  for (const seed of seeds) {
    await makeEmpty(pair)
    await fill(pair)
    const followers = await (await bothWays(pair))()
    const rounds = 2 + seed
    await Promise.all([
      write(pair.source, 1000 + seed, rounds),
      write(pair.source, 2000 + seed, rounds),
      write(pair.destination, 3000 + seed, rounds),
    ])
    const conflicts = await outcome(pair, followers)
    if (conflicts.length === 0) expect([seed, ...(await compareFollowed(pair))]).toEqual([seed])
    for (const conflict of conflicts) expect(conflict?.key).toBeDefined()
  }
})
