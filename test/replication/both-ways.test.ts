// Two databases that are followed in both directions at once: changes are not sent back to their source, for any
// majors and however echoes are detected.
import { describe, expect, test } from 'bun:test'
import { checkEchoes, EchoesUnseen } from '../../server/replication/apply/echo.ts'
import { Follower } from '../../server/replication/apply/follower.ts'
import type { PositionKind } from '../../server/replication/apply/position.ts'
import { type Lsn, parseLsn } from '../../server/replication/stream/lsn.ts'
import type { FollowStatus } from '../../shared/follow.ts'
import { eventually } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import {
  arrival,
  compareFollowed,
  endOf,
  followToEnd,
  inSession,
  link,
  reaches,
  stopsAt,
} from '../../tools/moves/following.ts'
import { seeded } from '../../tools/random.ts'
import { cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'

const settings = (major: Major) => ({
  // No other process writes to the log, and transactions are sent before they are committed.
  autovacuum: 'off',
  ...(major >= 13 && { logical_decoding_work_mem: '64kB' }),
})

const tables = `
  create table t (id int primary key, v text);
  create table busy (id int primary key, v text);
  create table big (id int primary key, v text);
  alter table t replica identity full; alter table busy replica identity full; alter table big replica identity full`

async function two(one: Major, other: Major): Promise<[TestDatabase, TestDatabase]> {
  const made: TestDatabase[] = []
  for (const major of [one, other]) {
    made.push(await (await cluster(major, { settings: settings(major) })).createDatabase())
  }
  for (const database of made) await database.sql(tables)
  return made as [TestDatabase, TestDatabase]
}

/** Each writer uses separate keys. Resolves with the number of rows that it has changed. */
async function write(database: TestDatabase, seed: number, firstKey: number): Promise<number> {
  const random = seeded(seed)
  const client = database.connect()
  let changed = 0
  try {
    for (let round = 0; round < 60; round++) {
      const id = firstKey + random.below(16)
      const deleted = random.chance(0.2)
      const result = await client.unsafe(
        deleted
          ? `delete from t where id = ${id}`
          : `insert into t values (${id}, '${round}') on conflict (id) do update set v = excluded.v`,
      )
      changed += result.count
    }
    // Sent in parts, and kept in a file until it is committed.
    const big = await client.unsafe(
      `insert into big select g, repeat(md5(g::text), 8) from generate_series(${firstKey}, ${firstKey + 1499}) g`,
    )
    return changed + big.count
  } finally {
    await client.end()
  }
}

const rows = ({ tables }: FollowStatus) =>
  tables.reduce((sum, { inserts, updates, deletes }) => sum + inserts + updates + deletes, 0)

/** The next transaction id. It stays the same without writes. */
async function nextXid(database: TestDatabase): Promise<unknown> {
  const [row] = await database.sql('select txid_snapshot_xmax(txid_current_snapshot())::text as xid')
  return row?.xid
}

describe('writers on both sides: equal in the end, without echoes', () => {
  const pairs = casesOf<[Major, Major, PositionKind, PositionKind]>(
    [
      [12, 18, 'origin', 'table'],
      [15, 14, 'table', 'table'],
      [17, 15, 'origin', 'origin'],
    ],
    [
      [14, 14, 'origin', 'origin'],
      [18, 17, 'table', 'origin'],
    ],
  )
  for (const [major, otherMajor, kindHere, kindThere] of pairs) {
    test(`${major} (position in ${kindHere}) and ${otherMajor} (in ${kindThere})`, async () => {
      const [one, other] = await two(major, otherMajor)
      const there = await link({ source: one, destination: other }, { kind: kindThere })
      const back = await link({ source: other, destination: one }, { kind: kindHere })
      const forwards = await Follower.start({ ...there, origin: 'none' })
      const backwards = await Follower.start({ ...back, origin: 'none' })
      const [here, away] = await Promise.all([write(one, 1, 0), write(other, 2, 1_000_000)])
      await reaches(forwards, `${here} rows`, ({ rows }) => rows >= here)
      await reaches(backwards, `${away} rows`, ({ rows }) => rows >= away)
      // An echo would have arrived by now: each side has sent everything up to the end of its log.
      const [oneEnd, otherEnd] = [await endOf(one), await endOf(other)]
      await Promise.all([stopsAt(forwards, oneEnd), stopsAt(backwards, otherEnd)])
      expect([rows(forwards.status), rows(backwards.status)]).toEqual([here, away])
      expect(await compareFollowed({ source: one, destination: other })).toEqual([])
    })
  }
})

for (const kind of ['origin', 'table'] as PositionKind[]) {
  test(`the first change of a table that is sent is an echo, in parts: later changes are applied (position in ${kind})`, async () => {
    const [one, other] = await two(17, 15)
    const there = await link({ source: one, destination: other }, { kind })
    const back = await link({ source: other, destination: one }, { kind })
    const forwards = await Follower.start({ ...there, origin: 'none' })
    const backwards = await Follower.start({ ...back, origin: 'none' })
    await one.sql('insert into big select g, repeat(md5(g::text), 8) from generate_series(0, 1499) g')
    await reaches(forwards, 'all rows', ({ rows }) => rows === 1500)
    await other.sql("insert into big values (-1, 'of the other side')")
    await reaches(backwards, 'the row of the other side', ({ rows }) => rows === 1)
    await Promise.all([stopsAt(forwards, await endOf(one)), stopsAt(backwards, await endOf(other))])
    expect(await compareFollowed({ source: one, destination: other })).toEqual([])
  })
}

/** Commits a row. Resolves with the end of the log before its commit. */
async function insert(database: TestDatabase, row: string): Promise<Lsn> {
  const client = database.connect()
  try {
    return await client.begin(async (transaction) => {
      await transaction.unsafe(`insert into t values (${row})`)
      const [end] = await transaction.unsafe('select pg_current_wal_insert_lsn()::text as lsn')
      return parseLsn(end?.lsn)
    })
  } finally {
    await client.end()
  }
}

test('without writes neither side causes writes on the other, for longer than the interval of positions', async () => {
  const idlePositionEveryMs = 100
  const streams: { follower: Follower; inserted: Lsn; looks: () => number }[] = []
  const databases: TestDatabase[] = []
  for (const [one, other] of [await two(14, 14), await two(18, 17)]) {
    const there = await link({ source: one, destination: other })
    const back = await link({ source: other, destination: one }, { kind: 'table' })
    for (const [options, source] of [
      [there, one],
      [back, other],
    ] as const) {
      let looks = 0
      const follower = await Follower.start({
        ...{ ...options, origin: 'none', idlePositionEveryMs, progressEveryMs: idlePositionEveryMs },
        onEvent: ({ type }) => type === 'follow_progress' && looks++,
      })
      const inserted = await insert(source, source === one ? "1, 'one'" : "2, 'other'")
      streams.push({ follower, inserted, looks: () => looks })
    }
    databases.push(one, other)
  }
  for (const { follower, inserted } of streams) {
    const isStored = ({ rows, durable }: FollowStatus) => rows === 1 && parseLsn(durable) > inserted
    await reaches(follower, 'the row to be there, and its position stored', isStored)
  }
  const before = await Promise.all(databases.map(nextXid))
  const looksOfAll = () => streams.map(({ looks }) => looks())
  const enough = looksOfAll().map((count) => count + 15)
  await eventually('as many chances to store an idle position', looksOfAll, (counts) =>
    counts.every((count, index) => count >= (enough[index] ?? 0)),
  )
  expect(await Promise.all(databases.map(nextXid))).toEqual(before)
  await Promise.all(streams.map(({ follower }) => follower.stop()))
})

test('changes of an origin that was dropped meanwhile are still echoes', async () => {
  const [one, other] = await two(12, 18)
  const there = await link({ source: other, destination: one }, { kind: 'origin' })
  const back = await link({ source: one, destination: other })
  await other.sql("insert into t values (1, 'from the other side')")
  await followToEnd(there, other)
  await one.sql('select pg_replication_origin_drop(roname) from pg_replication_origin where roname like $1', [
    `%${there.positionName}`,
  ])
  await one.sql("insert into t values (2, 'own')")
  const returning = await Follower.start({ ...back, origin: 'none' })
  await arrival(returning, one)
  expect(returning.status.rows).toBe(1)
  expect(returning.status.conflict).toBeUndefined()
})

describe('where echoes cannot be detected', () => {
  test('starting is refused, and preflight reports it', async () => {
    const [one, other] = await two(12, 18)
    await link({ source: other, destination: one }, { kind: 'table' })
    const there = await link({ source: one, destination: other })
    await expect(Follower.start({ ...there, origin: 'none' })).rejects.toThrow(EchoesUnseen)
    await expect(Follower.start({ ...there, origin: 'none' })).rejects.toThrow('PostgreSQL 12')
    // In one direction there are no echoes.
    await (await Follower.start(there)).stop()
    await one.sql('drop role if exists plain')
    await one.sql('create role plain login superuser; alter role plain nosuperuser')
    const plain = { ...one, url: one.url.replace('postgres:postgres@', 'plain:x@') }
    const findings = await inSession(plain, (session) => checkEchoes(session, 'source'))
    expect(findings.map(({ side }) => side)).toEqual(['source'])
    expect(await inSession(one, (session) => checkEchoes(session, 'source'))).toEqual([])
    expect(await inSession(other, (session) => checkEchoes(session, 'destination'))).toEqual([])
  })
})
