import { expect, test } from 'bun:test'
import { failureOf, next, type WriteEvent, type WriteState } from '../../server/store/write-state.ts'

const writing: WriteState = { at: 'writing' }
const full: WriteState = { at: 'failing', since: 10, reason: 'full', missed: 3 }

test.each<[string, WriteState, WriteEvent, WriteState]>([
  [
    'the first failure begins it',
    writing,
    { type: 'failed', now: 10, reason: 'full' },
    { at: 'failing', since: 10, reason: 'full', missed: 0 },
  ],
  [
    'another failure keeps its beginning and what was missed',
    full,
    { type: 'failed', now: 20, reason: 'read-only' },
    { at: 'failing', since: 10, reason: 'read-only', missed: 3 },
  ],
  ['what is missed is counted', full, { type: 'missed', count: 4 }, { ...full, missed: 4 }],
  ['nothing is missed while it is written', writing, { type: 'missed', count: 4 }, writing],
  ['a write that works ends it', full, { type: 'written' }, writing],
  ['a write that works changes nothing otherwise', writing, { type: 'written' }, writing],
])('%s', (_, state, event, after) => {
  expect(next(state, event)).toEqual(after)
})

test('views show since when, why, and how many writes are missing', () => {
  expect(failureOf(writing)).toBeUndefined()
  expect(failureOf(full)).toEqual({ since: 10, reason: 'full', missed: 3 })
})
