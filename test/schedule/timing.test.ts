// When schedules are due, also when the clocks change.
import { describe, expect, test } from 'bun:test'
import { timetableOf, upcoming } from '../../server/schedule/timing.ts'

const at = (iso: string) => Date.parse(iso)
const iso = (times: number[]) => times.map((time) => new Date(time).toISOString().replace(':00.000Z', 'Z'))
const next = (cron: string, zone: string, after: string, count: number) =>
  iso(upcoming(timetableOf({ cron }, zone, 0), at(after), count))

// Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00.
test('a fixed time that does not exist is due an hour later by the clock, once', () => {
  expect(next('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00Z', 3)).toEqual([
    '2026-03-28T01:30Z',
    '2026-03-29T01:30Z',
    '2026-03-30T00:30Z',
  ])
})

test('a fixed time that occurs twice is due once, at its first occurrence', () => {
  const expected = ['2026-10-25T00:30Z', '2026-10-26T01:30Z']
  expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', 2)).toEqual(expected)
  expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30Z', 1)).toEqual(expected.slice(1))
  expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-25T01:00Z', 1)).toEqual(expected.slice(1))
})

test('every hour is every hour of elapsed time, none twice and none left out', () => {
  for (const start of ['2026-03-28T20:30Z', '2026-10-24T20:30Z']) {
    const times = upcoming(timetableOf({ cron: '0 * * * *' }, 'Europe/Berlin', 0), at(start), 12)
    expect(times).toEqual(times.map((_, index) => at(start) + (index * 60 + 30) * 60_000))
  }
  const quarters = upcoming(
    timetableOf({ cron: '*/15 * * * *' }, 'Australia/Lord_Howe', 0),
    at('2026-04-04T12:00Z'),
    40,
  )
  expect(
    quarters.every((time, index) => index === 0 || time - (quarters[index - 1] ?? 0) === 15 * 60_000),
  ).toBe(true)
})

test('times between are found from within the changes, and backwards', () => {
  for (const cron of ['0 * * * *', '30 2 * * *', '*/20 1-4 * * *', '15 3 * * 0']) {
    for (const zone of ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'UTC']) {
      for (const day of [
        '2026-03-07T20:00Z',
        '2026-03-28T20:00Z',
        '2026-10-24T20:00Z',
        '2026-10-31T20:00Z',
      ]) {
        const table = timetableOf({ cron }, zone, 0)
        const all = upcoming(table, at(day), 30)
        expect([...new Set(all)].sort((one, other) => one - other)).toEqual(all)
        const [first = 0, last = 0] = [all[0], all[9]]
        for (let time = at(day); time < Math.min(last, at(day) + 16 * 3_600_000); time += 23 * 60_000) {
          expect([cron, zone, time, table.next(time)]).toEqual([
            cron,
            zone,
            time,
            all.find((one) => one > time) ?? 0,
          ])
        }
        expect(table.last(first - 1, last)).toBe(last)
        expect(table.last(last, last)).toBeUndefined()
      }
    }
  }
})

test('an interval is counted from the creation, whatever the clocks do', () => {
  const table = timetableOf({ every_minutes: 90 }, 'Europe/Berlin', at('2026-03-28T22:10:42Z'))
  expect(iso(upcoming(table, at('2026-03-28T22:10:42Z'), 3))).toEqual([
    '2026-03-28T23:40Z',
    '2026-03-29T01:10Z',
    '2026-03-29T02:40Z',
  ])
  expect(table.last(at('2026-03-28T22:10:42Z'), at('2026-03-29T02:00Z'))).toBe(at('2026-03-29T01:10Z'))
})

test('names of days, nicknames and both kinds of days are understood', () => {
  expect(next('0 3 * * MON-FRI', 'Asia/Tokyo', '2026-11-27T20:00Z', 1)).toEqual(['2026-11-29T18:00Z'])
  expect(next('@daily', 'UTC', '2026-11-27T20:00Z', 1)).toEqual(['2026-11-28T00:00Z'])
  // As in every cron: the 13th, and each Friday.
  expect(next('0 0 13 * 5', 'UTC', '2026-11-28T00:00Z', 3)).toEqual([
    '2026-12-04T00:00Z',
    '2026-12-11T00:00Z',
    '2026-12-13T00:00Z',
  ])
})

describe('refused with the reason', () => {
  test.each([
    ['* * * * * *', 'UTC', 'must have five fields'],
    ['61 * * * *', 'UTC', 'minute'],
    ['hello', 'UTC', 'must have five fields'],
    ['*/0 * * * *', 'UTC', 'stepping'],
    ['0 0 31 2 *', 'UTC', 'no day matches it'],
    ['0 0 * * *', 'Mars/Olympus', 'not a time zone'],
    ['0 0 * * *', '+02:00', 'not a time zone'],
    ['0 0 * * *', '', 'not a time zone'],
  ])('%s in %s', (cron, zone, reason) => {
    expect(() => timetableOf({ cron }, zone, 0)).toThrow(reason)
  })
})
