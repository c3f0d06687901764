// Two databases followed both ways at once: what comes from one side is not sent back to it, whichever majors
// they are, and however a change is known as not its own.
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { checkEchoes, EchoesUnseen } from '../../server/replication/echo.ts'
import { Follower } from '../../server/replication/follow.ts'
import type { PositionKind } from '../../server/replication/position.ts'
import type { FollowStatus } from '../../shared/follow.ts'
import { cluster, type Major, type TestDatabase } from '../support/clusters.ts'
import { compareFollowed, endOf, inSession, link } from '../support/following.ts'
import { seeded } from '../support/random.ts'

// Servers have to start.
setDefaultTimeout(120_000)

const settings = (major: Major) => ({
  // Nobody but us writes to the log, and transactions are sent before they are committed.
  autovacuum: 'off',
  ...(major >= 13 && { logical_decoding_work_mem: '64kB' }),
})

const tables = `
  create table t (id int primary key, v text);
  create table busy (id int primary key, v text);
  create table big (id int primary key, v text)`

async function two(one: Major, other: Major): Promise<[TestDatabase, TestDatabase]> {
  const made: TestDatabase[] = []
  for (const major of [one, other]) {
    made.push(await (await cluster(major, { settings: settings(major) })).createDatabase())
  }
  for (const database of made) await database.sql(tables)
  return made as [TestDatabase, TestDatabase]
}

/** Each writer has keys of its own; counts how many rows it changed. */
async function write(database: TestDatabase, seed: number, firstKey: number): Promise<number> {
  const random = seeded(seed)
  const client = database.connect()
  let changed = 0
  try {
    for (let round = 0; round < 150; round++) {
      const id = firstKey + random.below(40)
      const deleted = random.chance(0.2)
      const result = await client.unsafe(
        deleted
          ? `delete from t where id = ${id}`
          : `insert into t values (${id}, '${round}') on conflict (id) do update set v = excluded.v`,
      )
      changed += result.count
    }
    // Sent in pieces, and kept in a file until it is committed.
    const big = await client.unsafe(
      `insert into big select g, repeat(md5(g::text), 8) from generate_series(${firstKey}, ${firstKey + 3999}) g`,
    )
    return changed + big.count
  } finally {
    await client.end()
  }
}

const rows = ({ tables }: FollowStatus) =>
  tables.reduce((sum, { inserts, updates, deletes }) => sum + inserts + updates + deletes, 0)

/** The next transaction id: it stands still while nobody writes. */
async function nextXid(database: TestDatabase): Promise<unknown> {
  const [row] = await database.sql('select txid_snapshot_xmax(txid_current_snapshot())::text as xid')
  return row?.xid
}

describe('writers on both sides: equal in the end, and nothing comes back', () => {
  const pairs: [Major, Major, PositionKind, PositionKind][] = [
    [12, 18, 'origin', 'table'],
    [14, 14, 'origin', 'origin'],
    [15, 14, 'table', 'table'],
    [17, 15, 'origin', 'origin'],
    [18, 17, 'table', 'origin'],
  ]
  for (const [major, otherMajor, kindHere, kindThere] of pairs) {
    test(`${major} (position in ${kindHere}) and ${otherMajor} (in ${kindThere})`, async () => {
      const [one, other] = await two(major, otherMajor)
      const there = await link({ source: one, destination: other }, { kind: kindThere })
      const back = await link({ source: other, destination: one }, { kind: kindHere })
      const forwards = await Follower.start({ ...there, origin: 'none' })
      const backwards = await Follower.start({ ...back, origin: 'none' })
      const [here, away] = await Promise.all([write(one, 1, 0), write(other, 2, 1_000_000)])
      const arrived = () => forwards.status.rows >= here && backwards.status.rows >= away
      while (!arrived()) {
        for (const { conflict } of [forwards.status, backwards.status]) if (conflict) throw conflict
        await Bun.sleep(20)
      }
      // What would come back has had the time to: each side tells up to its end.
      const [oneEnd, otherEnd] = [await endOf(one), await endOf(other)]
      await Promise.all([forwards.stopAt(oneEnd), backwards.stopAt(otherEnd)])
      expect([rows(forwards.status), rows(backwards.status)]).toEqual([here, away])
      expect(await compareFollowed({ source: one, destination: other })).toEqual([])
    })
  }
})

test('idle, neither side writes for the other, for longer than positions are kept waiting', async () => {
  const followers: Follower[] = []
  const databases: TestDatabase[] = []
  for (const [one, other] of [await two(14, 14), await two(18, 17)]) {
    const there = await link({ source: one, destination: other })
    const back = await link({ source: other, destination: one }, { kind: 'table' })
    followers.push(await Follower.start({ ...there, origin: 'none' }))
    followers.push(await Follower.start({ ...back, origin: 'none' }))
    await one.sql("insert into t values (1, 'one')")
    await other.sql("insert into t values (2, 'other')")
    databases.push(one, other)
  }
  while (followers.some(({ status }) => status.rows < 1 || status.lagBytes > 0)) await Bun.sleep(20)
  // What was just committed is made durable a moment later.
  await Bun.sleep(500)
  const before = await Promise.all(databases.map(nextXid))
  await Bun.sleep(11_000)
  expect(await Promise.all(databases.map(nextXid))).toEqual(before)
  await Promise.all(followers.map((follower) => follower.stop()))
})

test('an origin that was dropped meanwhile: its changes are echoes still', async () => {
  const [one, other] = await two(12, 18)
  const there = await link({ source: other, destination: one }, { kind: 'origin' })
  const back = await link({ source: one, destination: other })
  await other.sql("insert into t values (1, 'from the other side')")
  const follower = await Follower.start(there)
  await follower.stopAt(await endOf(other))
  await one.sql('select pg_replication_origin_drop(roname) from pg_replication_origin where roname like $1', [
    `%${there.positionName}`,
  ])
  await one.sql("insert into t values (2, 'own')")
  const returning = await Follower.start({ ...back, origin: 'none' })
  await returning.stopAt(await endOf(one))
  expect(returning.status.rows).toBe(1)
  expect(returning.status.conflict).toBeUndefined()
})

describe('where echoes cannot be seen', () => {
  test('starting is refused, and preflight says so', async () => {
    const [one, other] = await two(12, 18)
    await link({ source: other, destination: one }, { kind: 'table' })
    const there = await link({ source: one, destination: other })
    await expect(Follower.start({ ...there, origin: 'none' })).rejects.toThrow(EchoesUnseen)
    await expect(Follower.start({ ...there, origin: 'none' })).rejects.toThrow('PostgreSQL 12')
    // In one direction there is nothing to see.
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
