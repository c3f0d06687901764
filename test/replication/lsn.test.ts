import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { bytesBetween, parseLsn, showLsn } from '../../server/replication/stream/lsn.ts'

test('a position is read back unchanged from its text', () => {
  fc.assert(fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (lsn) => parseLsn(showLsn(lsn)) === lsn))
})

test('positions are written as PostgreSQL writes them', () => {
  expect(showLsn(0x16b374d848n)).toBe('16/B374D848')
  expect(() => parseLsn('16')).toThrow()
})

test('the distance to an earlier position is 0 bytes', () => {
  expect(bytesBetween(5n, 3n)).toBe(0)
})
