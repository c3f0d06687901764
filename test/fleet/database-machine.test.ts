// The state machine of one database of a fleet: the next state and the effects for each event in each state.
import { expect, test } from 'bun:test'
import {
  type DatabaseEffect,
  type DatabaseEvent,
  type DatabaseState,
  firstStep,
  isSettled,
  next,
} from '../../server/fleet/database-machine.ts'

const error = new Error('no')
const other = new Error('other')

/** Every state, in every form that events distinguish. */
const states = {
  queued: { at: 'waiting', turn: 'queued' },
  taken: { at: 'waiting', turn: 'taken' },
  preflight: { at: 'preflight' },
  schema: { at: 'schema' },
  copying: { at: 'copying' },
  following: { at: 'following' },
  restarting: { at: 'restarting' },
  copied: { at: 'copied' },
  copied_in_part: { at: 'copied', missing: 'a table' },
  switched: { at: 'switched' },
  returned: { at: 'returned' },
  completing_followed: { at: 'completing', before: { at: 'following' } },
  completing: { at: 'completing', before: { at: 'switched' } },
  complete: { at: 'complete' },
  elsewhere: { at: 'elsewhere', error, turn: 'resting', retryAt: 1 },
  elsewhere_queued: { at: 'elsewhere', error, turn: 'queued' },
  elsewhere_taken: { at: 'elsewhere', error, turn: 'taken' },
  retrying: { at: 'retrying', error, turn: 'resting', retryAt: 1 },
  retrying_queued: { at: 'retrying', error, turn: 'queued' },
  retrying_taken: { at: 'retrying', error, turn: 'taken' },
  problem: { at: 'problem', error },
  problem_ended: { at: 'problem', error, isEnded: true },
  paused: { at: 'paused' },
} as const satisfies Record<string, DatabaseState>
type Name = keyof typeof states
const names = Object.keys(states) as Name[]

type Change = [state: DatabaseState, ...effects: DatabaseEffect[]]
const attempt: DatabaseEffect = { type: 'attempt' }
const beforeAttempt = names.filter((name) => 'turn' in states[name])
const inAttempt: readonly Name[] = [...beforeAttempt, 'preflight', 'schema', 'copying']
const ends: readonly Name[] = [...inAttempt, 'following']

const all = (from: readonly Name[], ...changes: Change): Partial<Record<Name, Change>> =>
  Object.fromEntries(from.map((name) => [name, changes]))
const completing = (
  ...from: ('copied' | 'copied_in_part' | 'switched' | 'returned' | 'complete' | 'problem_ended')[]
) =>
  Object.fromEntries(from.map((name) => [name, [{ at: 'completing', before: states[name] }]])) as Partial<
    Record<Name, Change>
  >
const fails = (why: 'busy' | 'passing' | 'lasting' | 'ended'): DatabaseEvent => ({
  ...{ type: 'failed', why },
  error: other,
  retryAt: 2,
})
const rest: DatabaseEffect = { type: 'rest', until: 2 }

/** In all states that are not listed, the event changes nothing. */
const table: [what: string, event: DatabaseEvent, changes: Partial<Record<Name, Change>>][] = [
  [
    'a turn is taken only by an attempt that is queued',
    { type: 'turn_taken' },
    {
      queued: [states.taken],
      elsewhere_queued: [states.elsewhere_taken],
      retrying_queued: [states.retrying_taken],
    },
  ],
  [
    'after a rest it queues for another turn, and still shows the error',
    { type: 'due' },
    { elsewhere: [states.elsewhere_queued, attempt], retrying: [states.retrying_queued, attempt] },
  ],
  [
    'an attempt with its turn starts',
    { type: 'started' },
    all(['taken', 'elsewhere_taken', 'retrying_taken'], states.preflight),
  ],
  ['the schema', { type: 'schema' }, { preflight: [states.schema] }],
  ['the rows', { type: 'rows' }, all(['preflight', 'schema'], states.copying)],
  ['the rows are copied', { type: 'followed' }, all(inAttempt, states.following)],
  ['copied', { type: 'copied' }, all(inAttempt, states.copied)],
  ['copied in part', { type: 'copied', missing: 'a table' }, all(inAttempt, states.copied_in_part)],
  [
    'switched over: marked if the run of this process reports it',
    { type: 'switched' },
    {
      ...all(inAttempt, states.switched),
      following: [states.switched, { type: 'mark', as: 'switched' }],
    },
  ],
  [
    'returned',
    { type: 'returned' },
    {
      ...all(inAttempt, states.returned),
      following: [states.returned, { type: 'mark', as: 'returned' }],
    },
  ],
  [
    'complete',
    { type: 'completed' },
    all([...inAttempt, 'completing', 'completing_followed'], states.complete),
  ],
  [
    'busy: it rests without a turn',
    fails('busy'),
    all(ends, { at: 'elsewhere', error: other, turn: 'resting', retryAt: 2 }, rest),
  ],
  [
    'a failure that passes: it rests without a turn',
    fails('passing'),
    all(ends, { at: 'retrying', error: other, turn: 'resting', retryAt: 2 }, rest),
  ],
  ['a failure that lasts', fails('lasting'), all(ends, { at: 'problem', error: other })],
  ['nothing of the move is left', fails('ended'), all(ends, { at: 'problem', error: other, isEnded: true })],
  [
    'a retry: at once, or as the attempt in progress; a run ends first',
    { type: 'retry_requested' },
    {
      ...all(['elsewhere', 'retrying', 'problem', 'problem_ended', 'copied_in_part'], states.queued, attempt),
      ...all(['elsewhere_queued', 'retrying_queued'], states.queued),
      ...all(['elsewhere_taken', 'retrying_taken'], states.taken),
      following: [states.restarting, { type: 'end_run' }],
    },
  ],
  ['its run has ended', { type: 'run_ended' }, { restarting: [states.queued, attempt] }],
  [
    'marked complete: a run ends first',
    { type: 'complete_requested' },
    {
      ...completing('copied', 'copied_in_part', 'switched', 'returned', 'complete', 'problem_ended'),
      following: [states.completing_followed, { type: 'end_run' }],
    },
  ],
  [
    'marking it complete failed: the state before',
    { type: 'complete_failed' },
    { completing: [states.switched], completing_followed: [states.queued, attempt] },
  ],
  ['paused before its rows are copied', { type: 'paused' }, all(beforeAttempt, states.paused)],
  ['resumed', { type: 'resumed' }, { paused: [states.queued, attempt] }],
]

test.each(table)('%s', (_, event, changes) => {
  for (const name of names) {
    const { state, effects } = next(states[name], event)
    const [expected, ...expectedEffects] = changes[name] ?? []
    if (expected)
      expect({ name, state, effects }).toEqual({ name, state: expected, effects: expectedEffects })
    else {
      expect({ name, effects }).toEqual({ name, effects: [] })
      expect(state).toBe(states[name])
    }
  }
})

test('it starts with an attempt, and is settled if nothing more happens without a request', () => {
  expect(firstStep).toEqual({ state: states.queued, effects: [attempt] })
  expect(names.filter((name) => isSettled(states[name]))).toEqual([
    'copied',
    'copied_in_part',
    'switched',
    'returned',
    'complete',
    'problem',
    'problem_ended',
  ])
})

test('an attempt that was paused starts nothing, also if it is resumed before it notices', () => {
  const paused = next(states.taken, { type: 'paused' }).state
  expect(next(paused, { type: 'started' })).toEqual({ state: paused, effects: [] })
  const { state, effects } = next(paused, { type: 'resumed' })
  expect(effects).toEqual([attempt])
  expect(next(state, { type: 'started' })).toEqual({ state, effects: [] })
})
