// The states of the shares of a table: the table is whole or absent in every case.
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { next } from '../../server/copy/share-machine.ts'
import {
  type Effect,
  newTask,
  type Phase,
  type Share,
  type ShareState,
  type TaskEvent,
  type TaskState,
  wantsMoreOf,
  wantsWorker,
} from '../../server/copy/share-state.ts'

const error = new Error('no')
const states = [
  'offered',
  'copying',
  'copied',
  'preparing',
  'prepared',
  'commit requested',
  'committing',
  'withdrawing',
  'stopping',
  'rolling back',
] as const satisfies ShareState[]

/** The possible states of a share whose table has failed. */
const ending = states.filter((state) => !['offered', 'copying', 'copied', 'prepared'].includes(state))

const share = (state: ShareState, ...parts: number[]): Share => ({ state, parts, commitsItself: false })

/** `a` has the first part; `b` copies the second, so that the task does not proceed by itself. */
function withShare(state: ShareState, phase: Phase = 'copying'): TaskState {
  const shares = new Map([
    ['a', share(state, 0)],
    ['b', share(phase === 'copying' ? 'copying' : 'stopping', 1)],
  ])
  return { ...newTask(2), phase, waiting: [], shares, failure: phase === 'failing' ? error : undefined }
}

/** What happens to `a` and to the phase, and what has to be done with `a`. */
function outcomeOf(before: TaskState, event: TaskEvent): string {
  const { task, effects } = next(before, event)
  if (task === before) return '-'
  const { shares, waiting, committed, uncertain, phase } = task
  const places = { waiting, committed, uncertain }
  const [place = 'nowhere'] = Object.entries(places).flatMap(([name, parts]) =>
    parts.includes(0) ? name : [],
  )
  const ofA = effects.flatMap((effect) => ('share' in effect && effect.share === 'a' ? `, ${effect.do}` : []))
  return `${shares.get('a')?.state ?? place}${phase === before.phase ? '' : `, ${phase}`}${ofA.join('')}`
}

const events = {
  taken: { type: 'taken' },
  'given back': { type: 'given back' },
  copied: { type: 'copied' },
  prepared: { type: 'prepared' },
  'commit began': { type: 'commit began' },
  committed: { type: 'committed' },
  'rolled back': { type: 'rolled back' },
  released: { type: 'released', error },
  lost: { type: 'lost' },
  'worker died': { type: 'worker died', error },
  uncertain: { type: 'uncertain', error },
  refused: { type: 'refused', error },
  blocked: { type: 'blocked', error },
  cancelled: { type: 'cancelled', error },
} as const

const anywhere = (outcome: string) => Object.fromEntries(states.map((state) => [state, outcome]))

/** Nothing happens in states that are not listed. */
const whileCopying: Record<keyof typeof events, Partial<Record<ShareState, string>>> = {
  taken: { offered: 'copying', withdrawing: 'stopping, stop' },
  'given back': {
    copying: 'offered',
    prepared: 'offered',
    stopping: 'withdrawing, stop',
    'rolling back': 'withdrawing, stop',
  },
  copied: { copying: 'copied', stopping: 'copied' },
  prepared: {
    offered: 'prepared',
    copying: 'prepared',
    preparing: 'prepared',
    withdrawing: 'stopping, stop',
  },
  'commit began': { copying: 'committing', 'commit requested': 'committing', stopping: 'committing' },
  committed: anywhere('committed'),
  'rolled back': { withdrawing: 'waiting', stopping: 'waiting', 'rolling back': 'waiting' },
  released: { ...anywhere('waiting, restarting'), 'commit requested': 'waiting, failing' },
  lost: anywhere('waiting'),
  'worker died': { ...anywhere('waiting'), committing: 'uncertain, failing' },
  uncertain: anywhere('uncertain, failing'),
  refused: anywhere('waiting, failing'),
  blocked: anywhere('waiting, restarting'),
  cancelled: anywhere('waiting, failing'),
}

describe.each(Object.keys(whileCopying) as (keyof typeof events)[])('a share: %s', (name) => {
  const event: TaskEvent = { ...events[name], share: 'a' }

  test.each(states)('while it is %s', (state) => {
    expect(outcomeOf(withShare(state), event)).toBe(whileCopying[name][state] ?? '-')
  })

  test.each(ending)('while it is %s and the table has failed: nothing of it is copied again', (state) => {
    const { task } = next(withShare(state, 'failing'), event)
    expect(task.phase).toBe('failing')
    expect(task.failure).toBe(error)
    expect(wantsWorker(task) || wantsMoreOf(task, 'a') || wantsMoreOf(task, 'b')).toBe(false)
    const left = task.shares.get('a')?.state
    expect(left).not.toBeOneOf(['offered', 'copying', 'copied', 'prepared'])
  })

  test('of a worker that has nothing of the table: nothing happens', () => {
    const before = withShare('copying')
    expect(next(before, { ...event, share: 'c' }).task).toBe(before)
  })
})

test('while a table restarts, only a refusal by a server or an uncertain commit ends it', () => {
  const ends = Object.entries(events).filter(([, event]) => {
    const { task } = next(withShare('stopping', 'restarting'), { ...event, share: 'a' })
    return task.phase === 'failing'
  })
  expect(ends.map(([name]) => name)).toEqual(['uncertain', 'refused'])
})

const phases = ['copying', 'asking', 'failed while asking', 'restarting', 'failing', 'ended'] as const
const answers: [TaskEvent['type'], TaskEvent, Record<Phase, string>][] = [
  [
    'agreed',
    { type: 'agreed' },
    {
      copying: '-',
      asking: 'copying: commit a, commit b',
      'failed while asking': 'failing: roll back a, roll back b',
      restarting: '-',
      failing: '-',
      ended: '-',
    },
  ],
  [
    'vetoed',
    { type: 'vetoed', error },
    {
      copying: '-',
      asking: 'failing: roll back a, roll back b',
      'failed while asking': 'failing: roll back a, roll back b',
      restarting: '-',
      failing: '-',
      ended: '-',
    },
  ],
  [
    'failed',
    { type: 'failed', error },
    {
      copying: 'failing: roll back a, roll back b',
      asking: 'failed while asking: ',
      'failed while asking': '-',
      restarting: 'failing: roll back a, roll back b',
      failing: '-',
      ended: '-',
    },
  ],
  [
    'abandoned',
    { type: 'abandoned', error },
    {
      copying: 'ended: settle',
      asking: 'ended: settle',
      'failed while asking': 'ended: settle',
      restarting: 'ended: settle',
      failing: 'ended: settle',
      ended: '-',
    },
  ],
]

describe.each(answers)('a table whose shares are prepared: %s', (_, event, expected) => {
  test.each(phases)('while it is %s', (phase) => {
    const state = phase === 'failing' ? 'rolling back' : 'prepared'
    const shares = new Map([
      ['a', share(state, 0)],
      ['b', share(state, 1)],
    ])
    const before: TaskState = { ...newTask(2, { asks: true }), phase, waiting: [], shares }
    const { task, effects } = next(before, event)
    expect(task === before ? '-' : `${task.phase}: ${inWords(effects)}`).toBe(expected[phase])
  })
})

function inWords(effects: readonly Effect[]): string {
  return effects.map((effect) => ('share' in effect ? `${effect.do} ${effect.share}` : effect.do)).join(', ')
}

/** The effects of each event in turn. */
function story(task: TaskState, steps: readonly TaskEvent[]): { done: string[]; task: TaskState } {
  let state = task
  const done = steps.map((event) => {
    const { task: after, effects } = next(state, event)
    state = after
    return inWords(effects)
  })
  return { done, task: state }
}

const begins = (id: string, part: number, commitsItself = false): TaskEvent => ({
  ...{ type: 'handed out', part, commitsItself },
  share: id,
})
const did = (
  type: 'copied' | 'prepared' | 'committed' | 'lost' | 'rolled back' | 'commit began',
  id: string,
) => ({
  type,
  share: id,
})
const fails = (type: 'blocked' | 'refused' | 'cancelled' | 'uncertain' | 'worker died', id: string) => ({
  ...{ type, error },
  share: id,
})

describe('a table in parts', () => {
  test('is committed when every worker has prepared its share', () => {
    const { done, task } = story(newTask(3), [
      begins('a', 0),
      begins('b', 1),
      did('copied', 'a'),
      begins('a', 2),
      did('copied', 'b'),
      did('copied', 'a'),
      did('prepared', 'b'),
      did('prepared', 'a'),
      did('commit began', 'a'),
      did('committed', 'a'),
      did('committed', 'b'),
    ])
    expect(done.filter(Boolean)).toEqual(['prepare a, prepare b', 'commit a, commit b', 'settle'])
    expect(done.at(-1)).toBe('settle')
    expect(task).toMatchObject({ phase: 'ended', failure: undefined, committed: [0, 2, 1] })
  })

  test('is asked about once all are prepared, and again when a share was lost meanwhile', () => {
    const { done } = story(newTask(2, { asks: true }), [
      begins('a', 0),
      begins('b', 1),
      did('copied', 'a'),
      did('copied', 'b'),
      did('prepared', 'a'),
      did('prepared', 'b'),
      did('lost', 'b'),
      { type: 'agreed' },
      begins('a', 1),
      did('copied', 'a'),
      did('prepared', 'a'),
      { type: 'agreed' },
    ])
    expect(done.filter(Boolean)).toEqual([
      'prepare a, prepare b',
      'ask',
      'hand out',
      'prepare a',
      'ask',
      'commit a',
    ])
  })

  test('whose share is lost at the commit is copied again, except for what is committed', () => {
    const { done, task } = story(newTask(2), [
      begins('a', 0),
      begins('b', 1),
      did('copied', 'a'),
      did('copied', 'b'),
      did('prepared', 'a'),
      did('prepared', 'b'),
      did('commit began', 'a'),
      did('lost', 'a'),
      did('committed', 'b'),
      begins('c', 0),
      did('copied', 'c'),
      did('committed', 'c'),
    ])
    expect(done.filter(Boolean).slice(-3)).toEqual(['hand out', 'commit c', 'settle'])
    expect(task.committed).toEqual([1, 0])
  })

  test('of which one worker died in its COMMIT fails, and the others end theirs', () => {
    const { done, task } = story(newTask(2), [
      begins('a', 0),
      begins('b', 1),
      did('copied', 'a'),
      did('copied', 'b'),
      did('prepared', 'a'),
      did('prepared', 'b'),
      did('commit began', 'a'),
      fails('worker died', 'a'),
      did('committed', 'b'),
    ])
    expect(done.slice(-2)).toEqual(['', 'settle'])
    expect(task).toMatchObject({ phase: 'ended', failure: error, uncertain: [0], committed: [1] })
  })

  test('whose workers wait for each other is copied by one of them', () => {
    const { done, task } = story(newTask(3), [
      begins('a', 0),
      begins('b', 1),
      did('copied', 'b'),
      fails('blocked', 'a'),
      did('rolled back', 'b'),
      begins('a', 0),
      did('copied', 'a'),
    ])
    expect(done.filter(Boolean)).toEqual(['roll back b', 'hand out', 'hand out'])
    expect(wantsWorker(task)).toBe(false)
    expect(wantsMoreOf(task, 'a')).toBe(true)
    expect(story(task, [begins('a', 1), fails('blocked', 'a')]).task).toMatchObject({
      phase: 'ended',
      failure: error,
    })
  })
})

test('tables that are copied together in one transaction are retried three times', () => {
  const tries = Array.from({ length: 3 }, () => [begins('a', 0), fails('blocked', 'a')]).flat()
  const { done, task } = story(newTask(2, { isTogether: true }), tries)
  expect(done.filter(Boolean)).toEqual(['hand out', 'hand out', 'hand out'])
  expect(story(task, [begins('a', 0), fails('blocked', 'a')]).done).toEqual(['', 'settle'])
})

test('a share that commits by itself gets no requests, and may complete before a stop', () => {
  const { done, task } = story(newTask(1), [
    begins('a', 0, true),
    { type: 'failed', error },
    did('commit began', 'a'),
    did('committed', 'a'),
  ])
  expect(done).toEqual(['', 'stop a', '', 'settle'])
  expect(task.committed).toEqual([0])
})

test('a job that nobody has taken is gone only when the ledger shows so after it was withdrawn', () => {
  const offer = (id: string, part: number): TaskEvent => ({
    ...{ type: 'offered', parts: [part], commitsItself: false },
    share: id,
  })
  const { done } = story(newTask(2), [
    offer('a', 0),
    offer('b', 1),
    { type: 'taken', share: 'a' },
    fails('refused', 'a'),
    { type: 'given back', share: 'b' },
    { type: 'taken', share: 'b' },
    { type: 'given back', share: 'b' },
    did('rolled back', 'b'),
  ])
  expect(done).toEqual(['', '', '', 'stop b', '', 'stop b', 'stop b', 'settle'])
})

test('a part is assigned only while it waits', () => {
  const { task } = next(newTask(2), begins('a', 0))
  expect(() => next(task, begins('b', 0))).toThrow('were assigned')
  expect(() => next(task, begins('a', 1))).toThrow('were assigned')
  expect(() => next({ ...task, phase: 'failing' }, begins('b', 1))).toThrow('were assigned')
})

test('in every case each part is in one place, and nothing is committed before everything is copied', () => {
  const names = Object.keys(events) as (keyof typeof events)[]
  const step = fc.record({
    what: fc.constantFrom(
      ...names,
      'hand out' as const,
      'agreed' as const,
      'vetoed' as const,
      'failed' as const,
    ),
    who: fc.nat(3),
  })
  const options = fc.record({
    parts: fc.integer({ min: 1, max: 4 }),
    asks: fc.boolean(),
    isTogether: fc.boolean(),
  })
  fc.assert(
    fc.property(options, fc.array(step, { maxLength: 60 }), ({ parts, ...rest }, steps) => {
      let state = newTask(parts, rest)
      let settled = 0
      for (const { what, who } of steps) {
        const id = `${who}`
        const [part] = state.waiting
        const mayTake = state.shares.has(id) ? wantsMoreOf(state, id) : wantsWorker(state)
        let event: TaskEvent
        if (what === 'hand out') {
          if (part === undefined || !mayTake) continue
          event = begins(id, part)
        } else if (what === 'agreed') event = { type: what }
        else if (what === 'vetoed' || what === 'failed') event = { type: what, error }
        // A worker commits only on request.
        else if ((what === 'committed' || what === 'commit began') && !isCommitting(state, id)) continue
        else event = { ...events[what], share: id }
        const before = state
        const { task, effects } = next(before, event)
        state = task
        const { waiting, committed, uncertain, shares } = state
        const all = [
          ...waiting,
          ...committed,
          ...uncertain,
          ...[...shares.values()].flatMap((one) => one.parts),
        ]
        expect(all.toSorted()).toEqual(Array.from({ length: parts }, (_, place) => place))
        if (effects.some((effect) => effect.do === 'commit')) {
          expect(waiting).toEqual([])
          expect([...shares.values()].every((one) => one.state === 'commit requested')).toBe(true)
          expect(state.failure).toBeUndefined()
        }
        if (effects.some((effect) => effect.do === 'settle')) settled++
        expect(settled).toBe(state.phase === 'ended' ? 1 : 0)
        if (state.phase === 'ended') {
          expect(shares.size).toBe(0)
          if (state.failure === undefined) expect(committed).toHaveLength(parts)
        }
      }
    }),
    { numRuns: 2000 },
  )
})

function isCommitting({ shares }: TaskState, id: string): boolean {
  const state = shares.get(id)?.state
  return state === 'commit requested' || state === 'committing'
}
