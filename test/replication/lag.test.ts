import { expect, test } from 'bun:test'
import { Lag } from '../../server/replication/stream/lag.ts'

test('a stream without unapplied changes has no lag, for any time without changes', () => {
  const lag = new Lag()
  lag.knowEnd(1001n, 5_000)
  expect(lag.milliseconds(1001n, false, 3_605_000)).toBe(0)
})

test('the lag starts at the newest moment up to which everything is applied, not at the last change', () => {
  const lag = new Lag()
  lag.knowEnd(1001n, 5_000)
  expect(lag.milliseconds(1001n, false, 5_100)).toBe(0)
  // An hour without changes, then many at once.
  lag.knowEnd(1001n, 3_605_000)
  lag.knowEnd(9_000_001n, 3_606_000)
  expect(lag.milliseconds(500_000n, false, 3_606_500)).toBe(1_500)
  lag.knowEnd(9_500_001n, 3_607_000)
  expect(lag.milliseconds(9_000_001n, false, 3_607_200)).toBe(1_200)
  expect(lag.milliseconds(9_500_001n, true, 3_607_200)).toBe(200)
  expect(lag.milliseconds(9_500_001n, false, 3_607_200)).toBe(0)
})

test('a stream that was never up to date has no start of its lag', () => {
  const lag = new Lag()
  lag.knowEnd(1001n, 5_000)
  expect(lag.milliseconds(500n, false, 6_000)).toBeUndefined()
})

test('a record that continues on the next page causes no lag', () => {
  const lag = new Lag()
  lag.knowEnd(0x2d0a000n, 5_000)
  expect(lag.milliseconds(0x2d09eb8n, false, 15_000)).toBe(0)
  lag.knowEnd(0x4d0a000n, 16_000)
  expect(lag.milliseconds(0x2d09eb8n, false, 17_000)).toBe(12_000)
})

test('with a lag of days not every moment is kept, and the lag stays correct', () => {
  const lag = new Lag()
  lag.knowEnd(1n, 0)
  expect(lag.milliseconds(1n, false, 0)).toBe(0)
  for (let second = 1; second <= 200_000; second++) lag.knowEnd(BigInt(second) * 10_001n, second * 1000)
  const age = lag.milliseconds(100_000n * 10_001n, false, 200_000_000) as number
  expect(age).toBeGreaterThanOrEqual(100_000_000)
  expect(age).toBeLessThan(101_000_000)
})
