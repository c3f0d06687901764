// A network that is slow, stands still or breaks off: following goes on, or notices and connects anew.
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { Follower } from '../../server/replication/follow.ts'
import type { FollowEvent } from '../../shared/follow.ts'
import { cluster, type TestDatabase } from '../support/clusters.ts'
import { arrival, compareFollowed, link, settingsOf } from '../support/following.ts'
import { type SlowWay, startProxy } from '../support/proxy.ts'

// Servers have to start.
setDefaultTimeout(120_000)

/** A walsender that hears nothing for so long ends. */
const timeout = 2000
const settings = { wal_sender_timeout: `${timeout}ms` }

async function behindProxies(silenceMs?: number) {
  const [from, to] = [await cluster(15, { settings }), await cluster(17)]
  const pair = { source: await from.createDatabase(), destination: await to.createDatabase() }
  for (const side of [pair.source, pair.destination])
    await side.sql('create table t (id int primary key, v text)')
  const proxies = { source: await startProxy(from), destination: await startProxy(to) }
  const options = await link(pair)
  const events: FollowEvent[] = []
  const follower = await Follower.start({
    ...options,
    source: settingsOf(proxies.source.to(pair.source)),
    destination: settingsOf(proxies.destination.to(pair.destination)),
    ...(silenceMs !== undefined && { silenceMs }),
    onEvent: (event) => events.push(event),
  })
  const walsender = async () => {
    const [row] = await pair.source.sql(
      'select active_pid as pid from pg_replication_slots where slot_name = $1',
      [options.slot],
    )
    return row?.pid
  }
  const connects = () => events.filter(({ type }) => type === 'follow_connected').length
  return { pair, proxies, follower, events, walsender, connects }
}

function rows(source: TestDatabase, first: number, count: number) {
  return source.sql(
    `insert into t select g, repeat(md5(g::text), 30) from generate_series(${first}, ${first + count - 1}) g`,
  )
}

async function end({ source, destination }: Record<'source' | 'destination', SlowWay>) {
  await source[Symbol.asyncDispose]()
  await destination[Symbol.asyncDispose]()
}

test.concurrent('a destination that stands still: the source is held up, but stays', async () => {
  const { pair, proxies, follower, walsender, connects } = await behindProxies()
  await rows(pair.source, 0, 10)
  while (follower.status.rows < 10) await Bun.sleep(20)
  const before = await walsender()
  proxies.destination.stall()
  await rows(pair.source, 10, 20_000)
  await Bun.sleep(2.5 * timeout)
  expect(follower.status.rows).toBeLessThan(20_000)
  proxies.destination.flow()
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
  expect(before).toBeNumber()
  expect(connects()).toBe(1)
  await end(proxies)
})

test.concurrent('either end stands still again and again: nothing is sent in halves', async () => {
  const { pair, proxies, follower, connects } = await behindProxies()
  for (let round = 0; round < 12; round++) {
    const proxy = round % 4 === 3 ? proxies.source : proxies.destination
    proxy.stall()
    await rows(pair.source, round * 4000, 4000)
    await Bun.sleep(20 * (round % 5))
    proxy.flow()
  }
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
  expect(connects()).toBe(1)
  await end(proxies)
})

test.concurrent('a source that stands still for longer than it waits itself: connected anew', async () => {
  const { pair, proxies, follower, connects } = await behindProxies(1500)
  await rows(pair.source, 0, 10)
  while (follower.status.rows < 10) await Bun.sleep(20)
  proxies.source.stall()
  await rows(pair.source, 10, 5000)
  while (follower.status.phase !== 'waiting' && follower.status.phase !== 'connecting') await Bun.sleep(20)
  proxies.source.flow()
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
  expect(connects()).toBeGreaterThan(1)
  await end(proxies)
})

test.concurrent('a destination that is gone without a word is noticed, and its session does not stand in the way', async () => {
  const { pair, proxies, follower, events, connects } = await behindProxies(1500)
  await rows(pair.source, 0, 10)
  while (follower.status.rows < 10) await Bun.sleep(20)
  proxies.destination.stall()
  await rows(pair.source, 10, 5000)
  const lost = () => events.find((event) => event.type === 'follow_waiting')
  while (!lost()) await Bun.sleep(20)
  expect(lost()).toMatchObject({ error: { message: expect.stringContaining('nothing was heard for') } })
  // Its connections of before stay as they are: only new ones move.
  proxies.destination.forget()
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
  expect(connects()).toBeGreaterThan(1)
  await end(proxies)
})

test.concurrent('a destination that waits for a lock is no dead one', async () => {
  const { pair, proxies, follower, events } = await behindProxies(4000)
  const other = pair.destination.connect()
  await other.unsafe('begin; lock table t')
  await rows(pair.source, 0, 10)
  await Bun.sleep(7000)
  expect(follower.status.rows).toBe(0)
  await other.unsafe('commit')
  await other.end()
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
  // A busy machine may have kept the source from saying anything.
  const lost = events.filter((event) => event.type === 'follow_waiting').map(({ error }) => error.message)
  expect(lost.filter((message) => message.includes('destination'))).toEqual([])
  await end(proxies)
})

describe('cut in the midst of a message', () => {
  for (const side of ['source', 'destination'] as const) {
    test.concurrent(`on the way to the ${side}, again and again`, async () => {
      const { pair, proxies, follower, connects } = await behindProxies()
      for (let round = 0; round < 6; round++) {
        await rows(pair.source, round * 3000, 3000)
        proxies[side].cut(round % 3 === 2 ? 'now' : 'within')
        await rows(pair.source, 100_000 + round, 1)
        while (follower.status.phase !== 'streaming') await Bun.sleep(20)
      }
      await arrival(follower, pair.source)
      expect(await compareFollowed(pair)).toEqual([])
      expect(connects()).toBeGreaterThan(2)
      await end(proxies)
    })
  }
})

test.concurrent('a slow way: every piece is late, and nothing is taken for lost', async () => {
  const { pair, proxies, follower, connects } = await behindProxies(10_000)
  for (const proxy of Object.values(proxies)) proxy.delay(150)
  for (let round = 0; round < 5; round++) await rows(pair.source, round * 1000, 1000)
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
  expect(connects()).toBe(1)
  await end(proxies)
})
