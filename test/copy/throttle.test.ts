// The rate that all workers keep together.
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { sharedClock, Throttle, ThrottledFlow } from '../../server/postgres/copy-throttle.ts'
import { cluster } from '../support/clusters.ts'
import { byRest, copying, failureOf, rowsOf } from '../support/copying.ts'

// Servers have to start.
setDefaultTimeout(120_000)

describe('a throttle', () => {
  test('gives out no more than its rate, to whoever asks', () => {
    const clock = sharedClock()
    const several = [1, 2, 3].map(() => new Throttle(1_000_000, clock))
    const started = process.hrtime.bigint() / 1000n
    const turns = Array.from({ length: 30 }, (_, turn) => several[turn % 3]?.reserve(10_000) ?? 0n)
    // 300,000 bytes are 0.3 s, and each has its own time.
    expect(turns.at(-1)).toBeGreaterThanOrEqual(started + 300_000n)
    for (const [index, turn] of turns.entries()) {
      if (index > 0) expect(turn - (turns[index - 1] ?? 0n)).toBeGreaterThanOrEqual(10_000n)
    }
  })

  test('hands on all bytes in their order, in small pieces', async () => {
    const chunks = [Buffer.alloc(100_000, 'a'), Buffer.from('b'), Buffer.alloc(50_000, 'c')]
    const passed: Buffer[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const flow = new ThrottledFlow(
      new Throttle(1_000_000, sharedClock()),
      (bytes) => passed.push(bytes),
      () => {
        if (!flow.isBusy) resolve()
      },
    )
    for (const chunk of chunks) flow.push(chunk)
    await promise
    expect(Buffer.concat(passed).equals(Buffer.concat(chunks))).toBe(true)
    expect(Math.max(...passed.map((piece) => piece.length))).toBeLessThanOrEqual(20_000)
  })

  test('stops at once', async () => {
    let passed = 0
    const flow = new ThrottledFlow(
      new Throttle(1000, sharedClock()),
      (bytes) => {
        passed += bytes.length
      },
      () => {},
    )
    flow.push(Buffer.alloc(10_000))
    flow.stop()
    const before = passed
    await Bun.sleep(100)
    expect(passed).toBe(before)
    expect(flow.isBusy).toBe(false)
  })
})

async function pair(value: string) {
  const server = await cluster(15)
  const [source, destination] = [await server.createDatabase(), await server.createDatabase()]
  const schema = 'create table t (id int primary key, v text)'
  await source.sql(`${schema}; insert into t ${value}`)
  await destination.sql(schema)
  return { source, destination }
}

const t = { table: 'public.t', columns: ['id', 'v'] }

test.each([1, 4])('%d workers together stay under the rate, from its first second on', async (workers) => {
  const { source, destination } = await pair(`select i, repeat('x', 1000) from generate_series(1, 4000) i`)
  const rate = 2_000_000
  await using work = await copying(source, destination, workers, { maxBytesPerSecond: rate })
  const started = performance.now()
  const samples: [seconds: number, bytes: number][] = []
  const { bytes } = await work.run(rowsOf({ ...t, conditions: byRest('id', workers) }), {
    onProgress: (_, moved) => samples.push([(performance.now() - started) / 1000, moved]),
  })
  const seconds = (performance.now() - started) / 1000
  expect(bytes / seconds).toBeLessThan(rate)
  // Progress is told late, never early: no sample may be ahead of the rate by more than a slice for each worker.
  for (const [at, moved] of samples) expect(moved).toBeLessThanOrEqual(at * rate + rate / 10)
  // It rises all the time, by no more than what the rate lets through between two reports.
  expect(samples.filter(([, moved]) => moved > 0 && moved < bytes).length).toBeGreaterThan(3)
})

test('no worker starves beside another', async () => {
  const { source, destination } = await pair(`select i, repeat('x', 1000) from generate_series(1, 3000) i`)
  await destination.sql('create table other (like t)')
  await source.sql('create table other as select * from t')
  await using work = await copying(source, destination, 2, { maxBytesPerSecond: 2_000_000 })
  const both = ['public.t', 'public.other'].map(async (table) => {
    const started = performance.now()
    let halfway = 0
    await work.run(rowsOf({ ...t, table }), {
      onProgress(moved) {
        if (moved >= 1500) halfway ||= performance.now() - started
      },
    })
    return { halfway, end: performance.now() - started }
  })
  const [one, other] = await Promise.all(both)
  // Each has half of the rate: neither is done before the other has come far.
  expect(one?.halfway).toBeLessThan(other?.end ?? 0)
  expect(other?.halfway).toBeLessThan(one?.end ?? 0)
})

test('rows of many megabytes pass, merged or not', async () => {
  const { source, destination } = await pair(
    `select i, repeat(md5(i::text), 1000000) from generate_series(1, 2) i`,
  )
  await using work = await copying(source, destination, 1, { maxBytesPerSecond: 60_000_000 })
  expect((await work.run(rowsOf({ ...t, conditions: ['id = 1'] }))).rows).toBe(1)
  expect((await work.run(rowsOf({ ...t, merge: {} }))).rows).toBe(1)
  const [row] = await destination.sql<{ n: number }>('select sum(length(v))::int as n from t')
  expect(row?.n).toBe(64_000_000)
})

test('a slow run is cancelled at once', async () => {
  const { source, destination } = await pair(`select i, repeat('x', 1000) from generate_series(1, 4000) i`)
  await using work = await copying(source, destination, 2, { maxBytesPerSecond: 10_000 })
  const running = failureOf(work.run(rowsOf({ ...t, conditions: byRest('id', 2) })))
  await Bun.sleep(500)
  const started = performance.now()
  await work.pool.cancel()
  expect(await running).toMatchObject({ name: 'Cancelled' })
  expect(performance.now() - started).toBeLessThan(5000)
  expect(await destination.sql('select from t')).toHaveLength(0)
})
