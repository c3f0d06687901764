import { expect, test } from 'bun:test'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  formatRows,
} from '../../shared/format.ts'

test.each([
  [0, '0.0 s'],
  [3.21, '3.2 s'],
  [59.94, '59.9 s'],
  [59.96, '1 min 00 s'],
  [245, '4 min 05 s'],
  [3599.7, '1 h 00 min'],
  [7380, '2 h 03 min'],
  [100_800, '1 d 04 h'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text)
})

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [536_870_912, '512 MB'],
  [1_503_238_553, '1.4 GB'],
  [1024 ** 3 - 1, '1.0 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test('counts have separators and the right plural', () => {
  expect(formatRows(1_234_567)).toBe('1,234,567')
  expect(formatCount(1, 'table')).toBe('1 table')
  expect(formatCount(1400, 'table')).toBe('1,400 tables')
  expect(formatRate(48 * 1024 * 1024)).toBe('48 MB/s')
})

test('what is nearly done is not shown as done', () => {
  expect(formatPercent(99.9)).toBe('99%')
})
