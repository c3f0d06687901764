// How each state of a database of a fleet is shown.
import { expect, test } from 'bun:test'
import type { DatabaseState } from '../../server/fleet/database-machine.ts'
import { flowsBack, mayComplete, shownState } from '../../server/fleet/database-view.ts'
import type { FleetState } from '../../shared/fleet.ts'

const error = new Error('no')
const following: DatabaseState = { at: 'following' }
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

test.each(followed)('a database that is followed is shown as %s', (expected, follow, back, complete) => {
  const seen = { ...run, ready, ...follow } as Seen
  expect(shownState(following, seen)).toBe(expected)
  expect(flowsBack(following, seen)).toBe(back)
  expect(mayComplete(following, seen)).toBe(complete)
  // Until its run has ended it is shown as before, and nothing else may be started.
  for (const state of [{ at: 'restarting' }, { at: 'completing', before: following }] as const) {
    expect(shownState(state, seen)).toBe(expected)
    expect(flowsBack(state, seen)).toBe(false)
    expect(mayComplete(state, seen)).toBe(false)
  }
})

const shown: [state: DatabaseState, shown: FleetState, mayComplete: boolean][] = [
  [{ at: 'waiting', turn: 'queued' }, 'waiting', false],
  [{ at: 'preflight' }, 'preflight', false],
  [{ at: 'schema' }, 'schema', false],
  [{ at: 'copying' }, 'copying', false],
  [{ at: 'following' }, 'catchup', false],
  [{ at: 'restarting' }, 'catchup', false],
  [{ at: 'copied' }, 'synced', true],
  [{ at: 'copied', missing: 'a table' }, 'problem', true],
  [{ at: 'switched' }, 'done', true],
  [{ at: 'returned' }, 'returned', true],
  [{ at: 'completing', before: { at: 'returned' } }, 'returned', false],
  [{ at: 'complete' }, 'complete', true],
  [{ at: 'elsewhere', error, turn: 'resting', retryAt: 1 }, 'elsewhere', false],
  [{ at: 'retrying', error, turn: 'taken' }, 'retrying', false],
  [{ at: 'problem', error }, 'problem', false],
  [{ at: 'problem', error, isEnded: true }, 'problem', true],
  [{ at: 'paused' }, 'paused', false],
]

test.each(shown.map(([state, ...rest]) => [state.at, state, ...rest] as const))(
  'without a run %s is shown as its own state',
  (_, state, expected, complete) => {
    expect(shownState(state, undefined)).toBe(expected)
    expect(mayComplete(state, undefined)).toBe(complete)
  },
)
