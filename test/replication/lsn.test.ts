import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { bytesBetween, parseLsn, showLsn } from '../../server/replication/stream/lsn.ts'

test('a position is the same after being shown and read', () => {
  fc.assert(fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (lsn) => parseLsn(showLsn(lsn)) === lsn))
})

test('positions look as PostgreSQL shows them', () => {
  expect(showLsn(0x16b374d848n)).toBe('16/B374D848')
  expect(() => parseLsn('16')).toThrow()
})

test('what is behind is no bytes away', () => {
  expect(bytesBetween(5n, 3n)).toBe(0)
})
