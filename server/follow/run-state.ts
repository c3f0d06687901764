// The states of a run, and the events that lead from one to the next. Only `next` changes the state. Views show it, and
// subscribers get each transition.
import type { ErrorInfo } from '../../shared/error-info.ts'
import type { FollowStage, FollowState } from '../../shared/follow-view.ts'

/** What the streams do, in any state of the move. Of two streams the one counts that needs attention most. */
export type StreamsState = 'running' | 'paused' | 'waiting' | 'conflict'

/** A switchover begins in one of these states, and returns to it when it fails. */
export type FollowedState =
  /** The rows are copied; changes since the snapshot are being applied. */
  | { at: 'catching_up' }
  | { at: 'streaming' }
  /** The application belongs on `to`; with `keep_reverse` changes flow from there. */
  | { at: 'switched_over'; to: 'source' | 'destination' }

export type ActiveState = (
  | { at: 'preflight' }
  | { at: 'schema' }
  | { at: 'copying' }
  | FollowedState
  /** Some tables are copied again; the others are followed. */
  | { at: 'recopying' }
  | { at: 'switching_over'; before: FollowedState }
) & {
  streams: StreamsState
  /** A server does not answer, before anything streams. */
  awaits?: ErrorInfo | undefined
}

export type RunState =
  | ActiveState
  /** `pgtrek follow` continues. */
  | { at: 'stopped'; before: ActiveState }
  | { at: 'failed'; before: ActiveState; error: ErrorInfo }

export type RunEvent =
  /** A copy begins, or begins again with another engine. */
  | { type: 'preflight_began' }
  | { type: 'schema_began' }
  | { type: 'rows_began' }
  /** Streams are about to start: of the changes since the copy, of a subscription that copies, or of the way back. */
  | { type: 'follow_began'; with: 'changes' | 'native_copy' | 'way_back' }
  /** A subscription has copied all rows. */
  | { type: 'rows_copied' }
  | { type: 'caught_up' }
  | { type: 'recopy_began' }
  | { type: 'recopy_ended' }
  | { type: 'switchover_began' }
  /** Everything is as it was before. */
  | { type: 'switchover_undone' }
  /** `again`: after a return, followed as in the beginning. */
  | { type: 'handed_over'; to: 'source' | 'destination'; again: boolean }
  | { type: 'streams_changed'; streams: StreamsState }
  /** A conflict was decided: the stream connects again. */
  | { type: 'conflict_decided' }
  | { type: 'server_awaited'; error: ErrorInfo }
  | { type: 'server_reached' }
  | { type: 'stopped' }
  | { type: 'failed'; error: ErrorInfo }

export interface RunTransition {
  event: RunEvent
  before: RunState
  after: RunState
}

export const firstState: RunState = { at: 'preflight', streams: 'running' }

type At = ActiveState['at']
const anywhere: readonly At[] = [
  'preflight',
  'schema',
  'copying',
  'catching_up',
  'recopying',
  'streaming',
  'switching_over',
  'switched_over',
]
const inCopy: readonly At[] = ['preflight', 'schema', 'copying']

const from: Record<RunEvent['type'], readonly At[]> = {
  preflight_began: inCopy,
  schema_began: inCopy,
  rows_began: inCopy,
  follow_began: inCopy,
  rows_copied: ['copying'],
  caught_up: ['catching_up'],
  recopy_began: ['catching_up', 'streaming'],
  recopy_ended: ['recopying'],
  switchover_began: ['catching_up', 'streaming', 'switched_over'],
  switchover_undone: ['switching_over'],
  handed_over: ['switching_over'],
  streams_changed: anywhere,
  conflict_decided: anywhere,
  server_awaited: anywhere,
  server_reached: anywhere,
  stopped: anywhere,
  failed: anywhere,
}

/** Returns the same state when the event changes nothing. */
export function next(state: RunState, event: RunEvent): RunState {
  if (state.at === 'stopped' || state.at === 'failed' || !from[event.type].includes(state.at)) return state
  const { streams, awaits } = state
  const live = { streams, ...(awaits && { awaits }) }
  switch (event.type) {
    case 'preflight_began':
      return state.at === 'preflight' ? state : { ...live, at: 'preflight' }
    case 'schema_began':
      return state.at === 'schema' ? state : { ...live, at: 'schema' }
    case 'rows_began':
      return state.at === 'copying' ? state : { ...live, at: 'copying' }
    case 'follow_began':
      if (event.with === 'way_back') return { ...live, at: 'switched_over', to: 'destination' }
      if (event.with === 'changes') return { ...live, at: 'catching_up' }
      return state.at === 'copying' ? state : { ...live, at: 'copying' }
    case 'rows_copied':
    case 'recopy_ended':
      return { ...live, at: 'catching_up' }
    case 'caught_up':
      return { ...live, at: 'streaming' }
    case 'recopy_began':
      return { ...live, at: 'recopying' }
    case 'switchover_began':
      return { ...live, at: 'switching_over', before: followedState(state) }
    case 'switchover_undone':
      return state.at === 'switching_over' ? { ...live, ...state.before } : state
    case 'handed_over':
      return event.again ? { ...live, at: 'catching_up' } : { ...live, at: 'switched_over', to: event.to }
    case 'streams_changed':
      return state.streams === event.streams ? state : { ...state, streams: event.streams }
    case 'conflict_decided':
      return state.streams === 'conflict' ? { ...state, streams: 'running' } : state
    case 'server_awaited':
      return state.awaits?.message === event.error.message ? state : { ...state, awaits: event.error }
    case 'server_reached': {
      const { awaits: _, ...rest } = state
      return state.awaits ? rest : state
    }
    case 'stopped':
      return { at: 'stopped', before: state }
    case 'failed':
      return { at: 'failed', before: state, error: event.error }
  }
}

function followedState(state: ActiveState): FollowedState {
  if (state.at === 'switched_over') return { at: 'switched_over', to: state.to }
  return { at: state.at === 'streaming' ? 'streaming' : 'catching_up' }
}

const stages: Record<At, FollowStage> = {
  preflight: 'preflight',
  schema: 'schema',
  copying: 'copy',
  catching_up: 'catchup',
  recopying: 'catchup',
  streaming: 'streaming',
  switching_over: 'switchover',
  switched_over: 'done',
}

/** How far the move as a whole has come. */
export function stageOf(state: RunState): FollowStage {
  return stages[state.at === 'stopped' || state.at === 'failed' ? state.before.at : state.at]
}

/** What the run is doing now, in any stage. */
export function shownState(state: RunState): FollowState {
  if (state.at === 'stopped' || state.at === 'failed') return state.at
  return state.awaits ? 'waiting' : state.streams
}

/** The rows are copied, or the run waits for a server. */
export function hasRows(state: RunState): boolean {
  return ['catchup', 'streaming', 'done'].includes(stageOf(state)) || shownState(state) === 'waiting'
}
