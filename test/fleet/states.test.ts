// What leads a database of a fleet from one state to the next, and how each state is shown.
import { expect, test } from 'bun:test'
import {
  type DatabaseEvent,
  type DatabaseState,
  flowsBack,
  mayComplete,
  next,
  shownState,
} from '../../server/fleet/database-state.ts'
import type { FleetState } from '../../shared/fleet.ts'

const error = new Error('no')
const states = {
  waiting: { at: 'waiting' },
  preflight: { at: 'preflight' },
  schema: { at: 'schema' },
  copying: { at: 'copying' },
  following: { at: 'following' },
  copied: { at: 'copied' },
  switched: { at: 'switched' },
  returned: { at: 'returned' },
  complete: { at: 'complete' },
  elsewhere: { at: 'elsewhere', error, retryAt: 1 },
  retrying: { at: 'retrying', error, retryAt: 1 },
  problem: { at: 'problem', error },
  paused: { at: 'paused' },
} as const satisfies Record<string, DatabaseState>
type At = keyof typeof states

const fails = (why: 'busy' | 'passing' | 'lasting' | 'ended'): DatabaseEvent => ({
  ...{ type: 'failed', error, why },
  retryAt: 2,
})
const inAttempt = ['waiting', 'elsewhere', 'retrying', 'preflight', 'schema', 'copying'] as const
const ends = [...inAttempt, 'following'] as const

const table: [what: string, event: DatabaseEvent, from: readonly At[], to: DatabaseState][] = [
  ['begun', { type: 'begun' }, ['waiting', 'elsewhere', 'retrying'], { at: 'preflight' }],
  ['schema', { type: 'schema' }, ['preflight'], { at: 'schema' }],
  ['rows', { type: 'rows' }, ['preflight', 'schema'], { at: 'copying' }],
  ['followed', { type: 'followed' }, inAttempt, { at: 'following' }],
  ['copied', { type: 'copied' }, inAttempt, { at: 'copied' }],
  ['copied in part', { type: 'copied', missing: 'a' }, inAttempt, { at: 'copied', missing: 'a' }],
  ['switched', { type: 'switched' }, ends, { at: 'switched' }],
  ['returned', { type: 'returned' }, ends, { at: 'returned' }],
  [
    'completed',
    { type: 'completed' },
    [...ends, 'copied', 'switched', 'returned', 'problem', 'complete'],
    { at: 'complete' },
  ],
  ['busy', fails('busy'), ends, { at: 'elsewhere', error, retryAt: 2 }],
  ['passing', fails('passing'), ends, { at: 'retrying', error, retryAt: 2 }],
  ['lasting', fails('lasting'), ends, { at: 'problem', error }],
  ['ended', fails('ended'), ends, { at: 'problem', error, isEnded: true }],
  [
    'asked',
    { type: 'asked' },
    ['waiting', 'elsewhere', 'retrying', 'problem', 'following'],
    { at: 'waiting' },
  ],
  ['paused', { type: 'paused' }, ['waiting', 'elsewhere', 'retrying'], { at: 'paused' }],
  ['resumed', { type: 'resumed' }, ['paused'], { at: 'waiting' }],
]

test.each(table)(
  '%s: leads on from where it can happen, and changes nothing elsewhere',
  (_, event, from, to) => {
    for (const at of Object.keys(states) as At[]) {
      const after = next(states[at], event)
      if (from.includes(at)) expect(after).toEqual(to)
      else expect(after).toBe(states[at])
    }
  },
)

test('an attempt ends the pause before it, and says still why it is made', () => {
  expect(next(states.retrying, { type: 'tried' })).toEqual({ at: 'retrying', error })
  expect(next(states.elsewhere, { type: 'tried' })).toEqual({ at: 'elsewhere', error })
  for (const at of ['waiting', 'problem', 'paused', 'complete'] as const) {
    expect(next(states[at], { type: 'tried' })).toBe(states[at])
  }
})

const run = { stage: 'streaming', state: 'running', direction: 'forward', failed_tables: [] } as const
const ready = { green: false, reasons: [], lag_bytes: 0, lag_seconds: 0, for_seconds: 0 }
type Seen = NonNullable<Parameters<typeof shownState>[1]>

const followed: [expected: FleetState, follow: Partial<Seen>, back: boolean, complete: boolean][] = [
  ['catchup', { stage: 'catchup' }, false, false],
  ['synced', {}, false, false],
  ['ready', { ready: { ...ready, green: true } }, false, false],
  ['paused', { state: 'paused' }, false, false],
  ['retrying', { state: 'waiting' }, false, false],
  ['problem', { state: 'conflict' }, false, false],
  ['problem', { failed_tables: [{ schema: 'a', name: 'b', error: 'c' }] }, false, false],
  ['switchover', { stage: 'switchover' }, false, false],
  ['done', { stage: 'done', direction: 'back' }, true, true],
  ['problem', { stage: 'done', direction: 'back', state: 'conflict' }, true, true],
]

test.each(followed)('a database that is followed is shown as %s: %p', (expected, follow, back, complete) => {
  const seen = { ...run, ready, ...follow } as Seen
  expect(shownState(states.following, seen)).toBe(expected)
  expect(flowsBack(states.following, seen)).toBe(back)
  expect(mayComplete(states.following, seen)).toBe(complete)
})

test('without a run of its own it is shown as what it is in', () => {
  const shown = Object.values(states).map((state) => [state.at, shownState(state, undefined)])
  expect(shown.filter(([at, state]) => at !== state)).toEqual([
    ['following', 'catchup'],
    ['copied', 'synced'],
    ['switched', 'done'],
  ])
  expect(shownState({ at: 'copied', missing: 'a table' }, undefined)).toBe('problem')
  const complete = Object.values(states).filter((state) => mayComplete(state, undefined))
  expect(complete.map(({ at }) => at)).toEqual(['copied', 'switched', 'returned', 'complete'])
  expect(mayComplete({ at: 'problem', error, isEnded: true }, undefined)).toBe(true)
})

test('a database that was copied in part can be tried again, one that was copied whole cannot', () => {
  expect(next({ at: 'copied', missing: 'a table' }, { type: 'asked' })).toEqual({ at: 'waiting' })
  expect(next(states.copied, { type: 'asked' })).toBe(states.copied)
})
