// With a network that is slow, hangs or breaks, following continues, or detects it and connects again.
import { describe, expect, test } from 'bun:test'
import { Follower } from '../../server/replication/apply/follower.ts'
import type { FollowEvent, FollowStatus } from '../../shared/follow.ts'
import { eventually } from '../../tools/eventually.ts'
import { isLong } from '../../tools/long.ts'
import { arrival, compareFollowed, link, reaches, settingsOf } from '../../tools/moves/following.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { startProxy } from '../../tools/servers/proxy.ts'

interface Wishes {
  silenceMs?: number
  /** A walsender ends after this time without an answer. */
  senderTimeoutMs?: number
}

async function behindProxies({ silenceMs, senderTimeoutMs = 60_000 }: Wishes = {}) {
  const [from, to] = [await cluster(15), await cluster(17)]
  const pair = { source: await from.createDatabase(), destination: await to.createDatabase() }
  await pair.source.sql(`alter database ${pair.source.name} set wal_sender_timeout = '${senderTimeoutMs}ms'`)
  for (const side of [pair.source, pair.destination])
    await side.sql('create table t (id int primary key, v text)')
  const proxies = { source: await startProxy(from), destination: await startProxy(to) }
  const options = await link(pair)
  const events: FollowEvent[] = []
  // On a busy machine a server may need longer to answer than a small limit allows.
  const follower = await eventually('the follower to start', () =>
    Follower.start({
      ...options,
      source: settingsOf(proxies.source.to(pair.source)),
      destination: settingsOf(proxies.destination.to(pair.destination)),
      silenceMs,
      onEvent: (event) => events.push(event),
    }),
  )
  return {
    ...{ pair, proxies, follower },
    connects: () => events.filter(({ type }) => type === 'follow_connected').length,
    /** Why connections were lost. */
    losses: () => events.filter((event) => event.type === 'follow_waiting').map(({ error }) => error.message),
    walsender: () => walsenderOf(pair.source, options.slot),
    async [Symbol.asyncDispose]() {
      await follower.stop().catch(() => {})
      for (const proxy of Object.values(proxies)) await proxy[Symbol.asyncDispose]()
    },
  }
}

type Stand = Awaited<ReturnType<typeof behindProxies>>

interface Walsender {
  pid: number
  /** When the last answer that it has received was sent. */
  answeredAt: number
  /** By the server's clock. */
  now: number
}

async function walsenderOf(source: TestDatabase, slot: string): Promise<Walsender | undefined> {
  const [row] = await source.sql<Walsender>(
    `select pid, extract(epoch from reply_time)::float8 * 1000 as "answeredAt",
            extract(epoch from clock_timestamp())::float8 * 1000 as now
       from pg_stat_replication
      where pid = (select active_pid from pg_replication_slots where slot_name = $1)`,
    [slot],
  )
  return row
}

function rows(source: TestDatabase, first: number, count: number) {
  return source.sql(
    `insert into t select g, repeat(md5(g::text), 30) from generate_series(${first}, ${first + count - 1}) g`,
  )
}

/** Short, but long enough for a busy machine. */
const senderTimeoutMs = 3000

const tenRows = ({ rows }: FollowStatus) => rows === 10

/** Each waits for long, so all of them run at the same time. */
const waits: (Wishes & { name: string; work: (stand: Stand) => Promise<void> })[] = [
  {
    name: 'a destination that hangs: the source is paused, and its connection stays',
    senderTimeoutMs,
    async work({ pair, proxies, follower, walsender, connects }) {
      await rows(pair.source, 0, 10)
      await reaches(follower, 'ten rows', tenRows)
      proxies.destination.stall()
      const before = await walsender()
      await rows(pair.source, 10, 20_000)
      await eventually(
        'a walsender that is answered when it would have ended by itself',
        walsender,
        (now) =>
          now !== undefined && before !== undefined && now.answeredAt > before.now + 1.1 * senderTimeoutMs,
      )
      expect(follower.status.rows).toBe(10)
      proxies.destination.flow()
      await arrival(follower, pair.source)
      expect(await compareFollowed(pair)).toEqual([])
      expect(connects()).toBe(1)
    },
  },
  {
    name: 'a source that hangs for longer than its own timeout: connected again',
    silenceMs: 2000,
    senderTimeoutMs,
    async work({ pair, proxies, follower, connects, losses }) {
      await rows(pair.source, 0, 10)
      await reaches(follower, 'ten rows', tenRows)
      proxies.source.stall()
      await rows(pair.source, 10, 5000)
      await eventually('the loss to be noticed', losses, ({ length }) => length > 0)
      proxies.source.flow()
      await arrival(follower, pair.source)
      expect(await compareFollowed(pair)).toEqual([])
      expect(connects()).toBeGreaterThan(1)
    },
  },
  {
    name: 'a destination that disappears is detected, and its old session does not block the new one',
    silenceMs: 2000,
    async work({ pair, proxies, follower, connects, losses }) {
      await rows(pair.source, 0, 10)
      await reaches(follower, 'ten rows', tenRows)
      proxies.destination.stall()
      await rows(pair.source, 10, 5000)
      const [lost] = await eventually('the loss to be noticed', losses, ({ length }) => length > 0)
      expect(lost).toContain('no data was received for')
      // Its old connections stay open and silent. Only new ones work.
      proxies.destination.forget()
      await arrival(follower, pair.source)
      expect(await compareFollowed(pair)).toEqual([])
      expect(connects()).toBeGreaterThan(1)
    },
  },
  {
    name: 'a destination that waits for a lock does not count as lost',
    silenceMs: 3000,
    async work({ pair, proxies, follower, losses }) {
      const other = pair.destination.connect()
      await other.unsafe('begin; lock table t')
      const { taken, open } = proxies.destination
      await rows(pair.source, 0, 10)
      // It is silent for so long that its server is asked in another session.
      const asked = () => ({
        asked: proxies.destination.taken - taken,
        open: proxies.destination.open - open,
      })
      await eventually(
        'the server to be asked, and to have answered',
        asked,
        (now) => now.asked > 0 && now.open <= 0,
      )
      expect(follower.status.rows).toBe(0)
      await other.unsafe('commit')
      await other.end()
      await arrival(follower, pair.source)
      expect(await compareFollowed(pair)).toEqual([])
      // A busy machine may have kept the source from sending anything.
      expect(losses().filter((message) => message.includes('destination'))).toEqual([])
    },
  },
  {
    name: 'a slow network: every piece is late, and no connection counts as lost',
    silenceMs: 10_000,
    async work({ pair, proxies, follower, connects }) {
      for (const proxy of Object.values(proxies)) proxy.delay(150)
      for (let round = 0; round < 3; round++) await rows(pair.source, round * 1000, 1000)
      await arrival(follower, pair.source)
      expect(await compareFollowed(pair)).toEqual([])
      expect(connects()).toBe(1)
    },
  },
]

test('a server that is slow, hangs, waits or disappears', async () => {
  const stands: Stand[] = []
  try {
    for (const wishes of waits) stands.push(await behindProxies(wishes))
    const outcomes = await Promise.allSettled(stands.map((stand, index) => waits[index]?.work(stand)))
    const failures = waits.flatMap(({ name }, index) => {
      const outcome = outcomes[index]
      return outcome?.status === 'rejected' ? [new Error(name, { cause: outcome.reason })] : []
    })
    const messages = failures.map(({ message, cause }) => `${message}: ${cause}`)
    if (failures.length > 0) throw new AggregateError(failures, messages.join('\n'))
  } finally {
    for (const stand of stands) await stand[Symbol.asyncDispose]()
  }
})

test('either server hangs again and again: no transaction is applied in part', async () => {
  await using stand = await behindProxies()
  const { pair, proxies, follower, connects } = stand
  for (let round = 0; round < 8; round++) {
    const proxy = round % 4 === 3 ? proxies.source : proxies.destination
    proxy.stall()
    await rows(pair.source, round * 2000, 2000)
    // After the first bytes, and then after more and more.
    await eventually(
      'bytes that stand still',
      () => proxy.held,
      (held) => held > 50_000 * (round % 5),
    )
    proxy.flow()
  }
  await arrival(follower, pair.source)
  expect(await compareFollowed(pair)).toEqual([])
  expect(connects()).toBe(1)
})

describe('cut in the middle of a message', () => {
  for (const side of ['source', 'destination'] as const) {
    test(`on the way to the ${side}, again and again`, async () => {
      await using stand = await behindProxies()
      const { pair, proxies, follower, connects } = stand
      for (let round = 0; round < (isLong ? 6 : 3); round++) {
        const before = connects()
        await rows(pair.source, round * 3000, 3000)
        proxies[side].cut(round % 3 === 2 ? 'now' : 'within')
        await rows(pair.source, 100_000 + round, 1)
        await eventually('another connection', connects, (count) => count > before)
        await reaches(follower, 'the end of what there is', ({ phase }) => phase === 'streaming')
      }
      await arrival(follower, pair.source)
      expect(await compareFollowed(pair)).toEqual([])
    })
  }
})
