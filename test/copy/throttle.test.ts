// The rate limit of all workers together.
import { describe, expect, test } from 'bun:test'
import { microseconds, sharedClock, Throttle, ThrottledFlow } from '../../server/postgres/copy-throttle.ts'
import { within } from '../../tools/eventually.ts'
import { byRest, copying, failureOf, rowsOf } from '../../tools/moves/copying.ts'
import { cluster } from '../../tools/servers/clusters.ts'

describe('a throttle', () => {
  test('never exceeds its rate, whatever the number of callers', () => {
    const clock = sharedClock()
    const several = [1, 2, 3].map(() => new Throttle(1_000_000, clock))
    const started = microseconds()
    const turns = Array.from({ length: 30 }, (_, turn) => several[turn % 3]?.reserve(10_000) ?? 0n)
    // 300,000 bytes take 0.3 s, and each call has its own time.
    expect(turns.at(-1)).toBeGreaterThanOrEqual(started + 300_000n)
    for (const [index, turn] of turns.entries()) {
      if (index > 0) expect(turn - (turns[index - 1] ?? 0n)).toBeGreaterThanOrEqual(10_000n)
    }
  })

  test('passes on all bytes in order, in small pieces, none before its time', async () => {
    const chunks = [Buffer.alloc(100_000, 'a'), Buffer.from('b'), Buffer.alloc(50_000, 'c')]
    const passed: Buffer[] = []
    const early: bigint[] = []
    const clock = sharedClock()
    const { promise, resolve } = Promise.withResolvers<void>()
    const flow = new ThrottledFlow(
      new Throttle(1_000_000, clock),
      (bytes) => {
        passed.push(bytes)
        const ahead = turnsTaken(clock) - microseconds()
        if (ahead > 20_000n) early.push(ahead)
      },
      () => {
        if (!flow.isBusy) resolve()
      },
    )
    for (const chunk of chunks) flow.push(chunk)
    await within('the last byte', promise, undefined, () => passed.length)
    expect(early).toEqual([])
    expect(Buffer.concat(passed).equals(Buffer.concat(chunks))).toBe(true)
    expect(Math.max(...passed.map((piece) => piece.length))).toBeLessThanOrEqual(20_000)
  })

  test('stops immediately', async () => {
    const throttle = new Throttle(1_000_000, sharedClock())
    let passed = 0
    const flow = new ThrottledFlow(
      throttle,
      (bytes) => {
        passed += bytes.length
      },
      () => {},
    )
    flow.push(Buffer.alloc(100_000))
    flow.stop()
    expect(flow.isBusy).toBe(false)
    const before = passed
    // The turn of another caller is after the one that the first had taken.
    const later = Promise.withResolvers<void>()
    new ThrottledFlow(
      throttle,
      () => later.resolve(),
      () => {},
    ).push(Buffer.alloc(1000))
    await within("the other one's bytes", later.promise)
    expect(passed).toBe(before)
    expect(flow.isBusy).toBe(false)
  })

  test('gives equal shares to two callers that want more than the rate', async () => {
    const throttle = new Throttle(1_000_000, sharedClock())
    const order: string[] = []
    const flows = ['one', 'other'].map((name) => {
      const ended = Promise.withResolvers<void>()
      const flow: ThrottledFlow = new ThrottledFlow(
        throttle,
        () => order.push(name),
        () => {
          if (!flow.isBusy) ended.resolve()
        },
      )
      flow.push(Buffer.alloc(100_000))
      return ended.promise
    })
    await within('the end of both', Promise.all(flows), undefined, () => order)
    expect(order).toEqual(Array.from({ length: 5 }, () => ['one', 'other']).flat())
  })
})

/** The time at which the last byte with an assigned turn may have passed. */
function turnsTaken(clock: SharedArrayBuffer): bigint {
  return Atomics.load(new BigInt64Array(clock), 0)
}

async function pair(value: string) {
  const server = await cluster(15)
  const [source, destination] = [await server.createDatabase(), await server.createDatabase()]
  const schema = 'create table t (id int primary key, v text)'
  await source.sql(`${schema}; insert into t ${value}`)
  await destination.sql(schema)
  return { source, destination }
}

const t = { table: 'public.t', columns: ['id', 'v'] }

test.each([1, 4])('%d workers together stay below the rate, from the first second on', async (workers) => {
  const { source, destination } = await pair(`select i, repeat('x', 1000) from generate_series(1, 4000) i`)
  const rate = 4_000_000
  const clock = sharedClock()
  await using work = await copying(source, destination, workers, { maxBytesPerSecond: rate }, clock)
  const started = microseconds()
  /** The bytes of all turns since the beginning. */
  const granted = () => (Number(turnsTaken(clock) - started) * rate) / 1e6
  const samples: [moved: number, granted: number][] = []
  const { bytes } = await work.run(rowsOf({ ...t, conditions: byRest('id', workers) }), {
    onProgress: (_, moved) => samples.push([moved, granted()]),
  })
  expect(granted()).toBeGreaterThanOrEqual(bytes)
  // Progress is reported late, never early: no byte has passed without its turn.
  expect(samples.filter(([moved, granted]) => moved > granted)).toEqual([])
  // It increases all the time.
  expect(samples.filter(([moved]) => moved > 0 && moved < bytes).length).toBeGreaterThan(3)
})

test('no worker is starved by another', async () => {
  const { source, destination } = await pair(`select i, repeat('x', 1000) from generate_series(1, 2000) i`)
  await destination.sql('create table other (like t)')
  await source.sql('create table other as select * from t')
  await using work = await copying(source, destination, 2, { maxBytesPerSecond: 2_000_000 })
  const order: string[] = []
  const both = ['t', 'other'].map(async (name) => {
    await work.run(rowsOf({ ...t, table: `public.${name}` }), {
      onProgress(moved) {
        if (moved >= 500 && !order.includes(name)) order.push(name)
      },
    })
    order.push(`the end of ${name}`)
  })
  await Promise.all(both)
  // Each has half of the rate: neither ends before the other has copied most of its rows.
  expect(order.slice(0, 2).toSorted()).toEqual(['other', 't'])
})

test('rows of many megabytes are copied, with and without merging', async () => {
  const { source, destination } = await pair(
    `select i, repeat(md5(i::text), 300000) from generate_series(1, 2) i`,
  )
  await using work = await copying(source, destination, 1, { maxBytesPerSecond: 60_000_000 })
  expect((await work.run(rowsOf({ ...t, conditions: ['id = 1'] }))).rows).toBe(1)
  expect((await work.run(rowsOf({ ...t, merge: {} }))).rows).toBe(1)
  const [row] = await destination.sql<{ n: number }>('select sum(length(v))::int as n from t')
  expect(row?.n).toBe(19_200_000)
})

test('a slow run is cancelled immediately', async () => {
  const { source, destination } = await pair(`select i, repeat('x', 1000) from generate_series(1, 4000) i`)
  await using work = await copying(source, destination, 2, { maxBytesPerSecond: 10_000 })
  const flowing = Promise.withResolvers<void>()
  const running = failureOf(
    work.run(rowsOf({ ...t, conditions: byRest('id', 2) }), {
      onProgress(_, bytes) {
        if (bytes > 0) flowing.resolve()
      },
    }),
  )
  await within('the first bytes', flowing.promise)
  // Copying all of them would take seven minutes.
  await within('the end of the cancel', work.pool.cancel())
  expect(await within('the end of the copy', running)).toMatchObject({ name: 'Cancelled' })
  expect(await destination.sql('select from t')).toHaveLength(0)
})
