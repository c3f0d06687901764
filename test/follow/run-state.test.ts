// The states of a run: the next state for each event in each state, and how states are shown.
import { expect, test } from 'bun:test'
import {
  type ActiveState,
  hasRows,
  next,
  type RunEvent,
  type RunState,
  shownState,
  stageOf,
} from '../../server/follow/run-state.ts'

const error = { message: 'no' }
const streams = 'running' as const
const active = {
  preflight: { at: 'preflight', streams },
  schema: { at: 'schema', streams },
  copying: { at: 'copying', streams },
  catching_up: { at: 'catching_up', streams },
  recopying: { at: 'recopying', streams },
  streaming: { at: 'streaming', streams },
  switching_over: { at: 'switching_over', before: { at: 'streaming' }, streams },
  switched_over: { at: 'switched_over', to: 'destination', streams },
} as const satisfies Record<ActiveState['at'], ActiveState>
type Name = keyof typeof active
const names = Object.keys(active) as Name[]
const states: RunState[] = [
  ...Object.values(active),
  { at: 'stopped', before: active.streaming },
  { at: 'failed', before: active.streaming, error },
]

const everywhere = (to: (state: ActiveState) => RunState) =>
  Object.fromEntries(names.map((name) => [name, to(active[name])]))
const inCopy = (to: RunState, ...others: Name[]) =>
  Object.fromEntries(
    (['preflight', 'schema', 'copying'] as const)
      .filter((name) => !others.includes(name))
      .map((name) => [name, to]),
  )
const switching = (before: Name) =>
  ({
    at: 'switching_over',
    before: { at: before, ...(before === 'switched_over' && { to: 'destination' }) },
    streams,
  }) as RunState

/** In states that are not listed, an event changes nothing. */
const table: [event: RunEvent, leads: Partial<Record<Name, RunState>>][] = [
  [{ type: 'preflight_began' }, inCopy(active.preflight, 'preflight')],
  [{ type: 'schema_began' }, inCopy(active.schema, 'schema')],
  [{ type: 'rows_began' }, inCopy(active.copying, 'copying')],
  [{ type: 'follow_began', with: 'changes' }, inCopy(active.catching_up)],
  [{ type: 'follow_began', with: 'native_copy' }, inCopy(active.copying, 'copying')],
  [{ type: 'follow_began', with: 'way_back' }, inCopy(active.switched_over)],
  [{ type: 'rows_copied' }, { copying: active.catching_up }],
  [{ type: 'caught_up' }, { catching_up: active.streaming }],
  [{ type: 'recopy_began' }, { catching_up: active.recopying, streaming: active.recopying }],
  [{ type: 'recopy_ended' }, { recopying: active.catching_up }],
  [
    { type: 'switchover_began' },
    {
      catching_up: switching('catching_up'),
      streaming: switching('streaming'),
      switched_over: switching('switched_over'),
    },
  ],
  [{ type: 'switchover_undone' }, { switching_over: active.streaming }],
  [{ type: 'handed_over', to: 'destination', again: false }, { switching_over: active.switched_over }],
  [
    { type: 'handed_over', to: 'source', again: false },
    { switching_over: { at: 'switched_over', to: 'source', streams } },
  ],
  [{ type: 'handed_over', to: 'source', again: true }, { switching_over: active.catching_up }],
  [
    { type: 'streams_changed', streams: 'conflict' },
    everywhere((state) => ({ ...state, streams: 'conflict' })),
  ],
  [{ type: 'streams_changed', streams: 'running' }, {}],
  [{ type: 'conflict_decided' }, {}],
  [{ type: 'server_awaited', error }, everywhere((state) => ({ ...state, awaits: error }))],
  [{ type: 'server_reached' }, {}],
  [{ type: 'stopped' }, everywhere((before) => ({ at: 'stopped', before }))],
  [{ type: 'failed', error }, everywhere((before) => ({ at: 'failed', before, error }))],
]

const labelled = table.map(
  ([event, leads]) =>
    [
      Object.values(event)
        .filter((one) => typeof one !== 'object')
        .join(' '),
      event,
      leads,
    ] as const,
)

test.each(labelled)(
  '%s: leads on from where it can happen, and changes nothing elsewhere',
  (_, event, leads) => {
    for (const state of states) {
      const expected = state.at in leads ? leads[state.at as Name] : undefined
      if (expected) expect(next(state, event)).toEqual(expected)
      else expect(next(state, event)).toBe(state)
    }
  },
)

test('the state of the streams, and an awaited server, stay when the state of the move changes', () => {
  const state: RunState = { at: 'catching_up', streams: 'paused', awaits: error }
  expect(next(state, { type: 'caught_up' })).toEqual({ ...state, at: 'streaming' })
  expect(next(state, { type: 'server_reached' })).toEqual({ at: 'catching_up', streams: 'paused' })
  expect(next(state, { type: 'server_awaited', error })).toBe(state)
  const conflict: RunState = { at: 'streaming', streams: 'conflict' }
  expect(next(conflict, { type: 'conflict_decided' })).toEqual(active.streaming)
})

test('a failed switchover returns to the state before it', () => {
  for (const name of ['catching_up', 'streaming', 'switched_over'] as const) {
    const during = next(active[name], { type: 'switchover_began' })
    expect(next(during, { type: 'switchover_undone' })).toEqual(active[name])
  }
})

test('views show the stage of the move and its state', () => {
  expect(states.map((state) => [state.at, stageOf(state), shownState(state), hasRows(state)])).toEqual([
    ['preflight', 'preflight', 'running', false],
    ['schema', 'schema', 'running', false],
    ['copying', 'copy', 'running', false],
    ['catching_up', 'catchup', 'running', true],
    ['recopying', 'catchup', 'running', true],
    ['streaming', 'streaming', 'running', true],
    ['switching_over', 'switchover', 'running', false],
    ['switched_over', 'done', 'running', true],
    ['stopped', 'streaming', 'stopped', true],
    ['failed', 'streaming', 'failed', true],
  ])
  expect(shownState({ ...active.streaming, streams: 'conflict' })).toBe('conflict')
  expect(shownState({ ...active.preflight, awaits: error })).toBe('waiting')
  expect(hasRows({ ...active.preflight, awaits: error })).toBe(true)
})
