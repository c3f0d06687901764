// The range of a time estimate: what makes it longer, and when there is none.
import { expect, test } from 'bun:test'
import { estimateTime } from '../../shared/time-estimate.ts'

const sample = {
  ...{ schema: 'public', table: 't', seconds: 1, rows: 1000, bytes: 50e6, complete: false },
  ...{ share: 0.01, table_bytes: 10e9, round_trip_ms: 1 },
}
const work = { bytes: 100e9, workers: 4, steps: 100, maxBytesPerSecond: 0 }
const range = (changed: Partial<typeof work> = {}, read: Partial<typeof sample> = {}) => {
  const found = estimateTime({ ...sample, ...read }, { ...work, ...changed })
  if (!found) throw new Error('no estimate')
  return found
}

test('the speed is that of the table on disk, not of the bytes that were sent', () => {
  expect(range().readRate).toBe(100e6)
  // 1,000 s for one session, 250 s for four; writing takes 1.2 times as long at least.
  expect(range().least).toBeCloseTo(1 + 300 + 0.2, 0)
  expect(range().most).toBeGreaterThan(2000)
})

test('more workers make it shorter; a limit of the rate and more steps make it longer', () => {
  for (const side of ['least', 'most'] as const) {
    expect(range({ workers: 8 })[side]).toBeLessThan(range()[side])
    expect(range({ steps: 1_000_000 })[side]).toBeGreaterThan(range()[side])
    expect(range({ maxBytesPerSecond: 10e6 })[side]).toBeGreaterThanOrEqual(10_000)
  }
  expect(range({ steps: 10_000 }, { round_trip_ms: 200 }).least).toBeGreaterThan(2000)
})

test('the range is never one number', () => {
  for (const bytes of [0, 1, 1e6, 1e12]) expect(range({ bytes }).most).toBeGreaterThan(range({ bytes }).least)
})

test('without a row estimate, or when nothing was read of rows that exist, there is none', () => {
  expect(estimateTime({ ...sample, share: null }, work)).toBeUndefined()
  expect(estimateTime({ ...sample, share: 0 }, work)).toBeUndefined()
  // Empty tables: only the steps take time.
  expect(range({ bytes: 0 }, { share: 1, table_bytes: 0, complete: true }).most).toBeLessThan(10)
})
