// A network that is slow, stands still or breaks off: following goes on, or notices and connects anew.
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
  /** A walsender that hears nothing for so long ends. */
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
  // On a busy machine a server may take longer to answer than a small limit allows.
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
  /** When the answer was sent that it heard last. */
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

/** Each waits for something that takes its time, so all of them wait together. */
const waits: (Wishes & { name: string; work: (stand: Stand) => Promise<void> })[] = [
  {
    name: 'a destination that stands still: the source is held up, but stays',
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
    name: 'a source that stands still for longer than it waits itself: connected anew',
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
    name: 'a destination that is gone without a word is noticed, and its session does not stand in the way',
    silenceMs: 2000,
    async work({ pair, proxies, follower, connects, losses }) {
      await rows(pair.source, 0, 10)
      await reaches(follower, 'ten rows', tenRows)
      proxies.destination.stall()
      await rows(pair.source, 10, 5000)
      const [lost] = await eventually('the loss to be noticed', losses, ({ length }) => length > 0)
      expect(lost).toContain('no data was received for')
      // Its connections of before stay as they are: only new ones move.
      proxies.destination.forget()
      await arrival(follower, pair.source)
      expect(await compareFollowed(pair)).toEqual([])
      expect(connects()).toBeGreaterThan(1)
    },
  },
  {
    name: 'a destination that waits for a lock is no dead one',
    silenceMs: 3000,
    async work({ pair, proxies, follower, losses }) {
      const other = pair.destination.connect()
      await other.unsafe('begin; lock table t')
      const { taken, open } = proxies.destination
      await rows(pair.source, 0, 10)
      // It says nothing for so long that its server is asked, in a session of its own.
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
      // A busy machine may have kept the source from saying anything.
      expect(losses().filter((message) => message.includes('destination'))).toEqual([])
    },
  },
  {
    name: 'a slow way: every piece is late, and nothing is taken for lost',
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

test('an end that is slow, stands still, waits or is gone', async () => {
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

test('either end stands still again and again: nothing is sent in halves', async () => {
  await using stand = await behindProxies()
  const { pair, proxies, follower, connects } = stand
  for (let round = 0; round < 8; round++) {
    const proxy = round % 4 === 3 ? proxies.source : proxies.destination
    proxy.stall()
    await rows(pair.source, round * 2000, 2000)
    // From the first bytes to as many as it takes.
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

describe('cut in the midst of a message', () => {
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
