// What is due, missed and caught up, by the time of the last decision.
import { expect, test } from 'bun:test'
import { decide } from '../../server/schedule/decide.ts'
import { timetableOf } from '../../server/schedule/timing.ts'

const hour = 3_600_000
const table = timetableOf({ cron: '0 * * * *' }, 'UTC', 0)
const start = Date.parse('2026-11-28T00:30Z')
const on = (now: number, onMissed: 'skip' | 'once' = 'skip') =>
  decide({ table, checked: start, now: start + now, onMissed })

test.each([
  ['before the next due time', on(29 * 60_000), undefined],
  ['at it', on(hour / 2), { checked: start + hour / 2, due: { at: start + hour / 2, trigger: 'due' } }],
  [
    'a minute after it',
    on(hour / 2 + 60_000),
    { checked: start + hour / 2, due: { at: start + hour / 2, trigger: 'due' } },
  ],
  [
    'later, it is missed',
    on(hour / 2 + 60_001),
    { checked: start + hour / 2, missed: { last: start + hour / 2, count: 1 } },
  ],
  [
    'several are missed',
    on(3 * hour),
    { checked: start + 2.5 * hour, missed: { last: start + 2.5 * hour, count: 3 } },
  ],
  [
    'several are caught up once',
    on(3 * hour, 'once'),
    {
      checked: start + 2.5 * hour,
      missed: { last: start + 1.5 * hour, count: 2 },
      due: { at: start + 2.5 * hour, trigger: 'caught_up' },
    },
  ],
  [
    'the last one is on time, the others are missed',
    on(2.5 * hour + 5),
    {
      checked: start + 2.5 * hour,
      missed: { last: start + 1.5 * hour, count: 2 },
      due: { at: start + 2.5 * hour, trigger: 'due' },
    },
  ],
])('%s', (_, decision, expected) => {
  // The table is of states that differ in their properties.
  expect(decision as unknown).toEqual(expected)
})

test('a year of missed minutes is found at once, and reported as many', () => {
  const minutely = timetableOf({ cron: '* * * * *' }, 'UTC', 0)
  const decision = decide({
    table: minutely,
    checked: start,
    now: start + 365 * 24 * hour + 65_000,
    onMissed: 'skip',
  })
  expect(decision?.missed?.count).toBe(1_000)
})
