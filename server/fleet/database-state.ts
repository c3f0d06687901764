// The states of one database of a fleet, and what leads from one to the next. Everything else asks `next`.
import type { FleetState } from '../../shared/fleet.ts'
import type { FollowView } from '../../shared/follow-view.ts'

export type DatabaseState =
  /** For its turn. */
  | { at: 'waiting' }
  | { at: 'preflight' }
  | { at: 'schema' }
  | { at: 'copying' }
  /** A run of this process follows it: what that run reports is shown. */
  | { at: 'following' }
  /** Copied once; `missing`: what could not be copied. */
  | { at: 'copied'; missing?: string | undefined }
  | { at: 'switched' }
  | { at: 'returned' }
  | { at: 'complete' }
  /** Another process works on it: this one takes over when that one ends. */
  | { at: 'elsewhere'; error: unknown; retryAt?: number | undefined }
  /** It failed for a reason that passes. Without `retryAt` an attempt is under way. */
  | { at: 'retrying'; error: unknown; retryAt?: number | undefined }
  /** `isEnded`: nothing of its move is left, so that it can only be marked complete or copied anew. */
  | { at: 'problem'; error: unknown; isEnded?: boolean | undefined }
  /** Nothing is begun before somebody resumes it. */
  | { at: 'paused' }

export type DatabaseEvent =
  /** An attempt begins, which may still find another process at work. */
  | { type: 'tried' }
  /** It is this process's now. */
  | { type: 'begun' }
  | { type: 'schema' }
  | { type: 'rows' }
  | { type: 'followed' }
  | { type: 'copied'; missing?: string | undefined }
  | { type: 'switched' }
  | { type: 'returned' }
  | { type: 'completed' }
  | { type: 'failed'; error: unknown; why: Failure; retryAt: number }
  /** Somebody wants it tried again now. */
  | { type: 'asked' }
  | { type: 'paused' }
  | { type: 'resumed' }

/** `busy`: another process has it. `passing`: it is worth another attempt. `ended`: nothing is left of its move. */
export type Failure = 'busy' | 'passing' | 'lasting' | 'ended'

type At = DatabaseState['at']

/** While an attempt is under way. */
const inAttempt: readonly At[] = ['waiting', 'elsewhere', 'retrying', 'preflight', 'schema', 'copying']
/** Nothing is under way, and something may be begun. */
const atRest: readonly At[] = ['waiting', 'elsewhere', 'retrying', 'problem']
/** A kill after the last step may have left any of these to be found again. */
const ends: readonly At[] = [...inAttempt, 'following']

const from: Record<DatabaseEvent['type'], readonly At[]> = {
  tried: inAttempt,
  begun: ['waiting', 'elsewhere', 'retrying'],
  schema: ['preflight'],
  rows: ['preflight', 'schema'],
  followed: inAttempt,
  copied: inAttempt,
  switched: ends,
  returned: ends,
  completed: [...ends, 'copied', 'switched', 'returned', 'problem', 'complete'],
  failed: ends,
  asked: [...atRest, 'following'],
  paused: ['waiting', 'elsewhere', 'retrying'],
  resumed: ['paused'],
}

/** What does not lead on from a state leaves it as it is. */
export function next(state: DatabaseState, event: DatabaseEvent): DatabaseState {
  // What could not be copied may be tried again, whatever was.
  if (state.at === 'copied' && state.missing !== undefined && event.type === 'asked') return { at: 'waiting' }
  if (!from[event.type].includes(state.at)) return state
  switch (event.type) {
    case 'tried':
      return 'retryAt' in state ? { at: state.at, error: state.error } : state
    case 'begun':
      return { at: 'preflight' }
    case 'schema':
      return { at: 'schema' }
    case 'rows':
      return { at: 'copying' }
    case 'followed':
      return { at: 'following' }
    case 'copied':
      return { at: 'copied', ...(event.missing !== undefined && { missing: event.missing }) }
    case 'switched':
      return { at: 'switched' }
    case 'returned':
      return { at: 'returned' }
    case 'completed':
      return { at: 'complete' }
    case 'failed':
      return failed(event)
    case 'asked':
    case 'resumed':
      return { at: 'waiting' }
    case 'paused':
      return { at: 'paused' }
  }
}

function failed({ error, why, retryAt }: Extract<DatabaseEvent, { type: 'failed' }>): DatabaseState {
  switch (why) {
    case 'busy':
      return { at: 'elsewhere', error, retryAt }
    case 'passing':
      return { at: 'retrying', error, retryAt }
    case 'ended':
      return { at: 'problem', error, isEnded: true }
    case 'lasting':
      return { at: 'problem', error }
  }
}

type Seen = Pick<FollowView, 'stage' | 'state' | 'direction' | 'failed_tables' | 'ready' | 'switchover'>

/** As people see it. */
export function shownState(state: DatabaseState, follow: Seen | undefined): FleetState {
  switch (state.at) {
    case 'copied':
      return state.missing === undefined ? 'synced' : 'problem'
    case 'switched':
      return 'done'
    case 'following':
      return follow ? followedState(follow) : 'catchup'
    default:
      return state.at
  }
}

function followedState(follow: Seen): FleetState {
  if (follow.stage === 'switchover') return 'switchover'
  if (follow.state === 'conflict') return 'problem'
  if (follow.state === 'waiting') return 'retrying'
  if (follow.stage === 'done') return follow.switchover?.options.back ? 'returned' : 'done'
  if (follow.state === 'paused') return 'paused'
  if (follow.failed_tables.length > 0) return 'problem'
  if (follow.ready.green) return 'ready'
  return follow.stage === 'streaming' ? 'synced' : 'catchup'
}

/** Switched over, and changes flow back: it can return. */
export function flowsBack(state: DatabaseState, follow: Seen | undefined): boolean {
  return state.at === 'following' && follow?.stage === 'done' && follow.direction === 'back'
}

/** Nothing is lost when slots and publications go. */
export function mayComplete(state: DatabaseState, follow: Seen | undefined): boolean {
  if (state.at === 'problem') return state.isEnded === true
  if (state.at === 'following') return follow?.stage === 'done'
  return ['copied', 'switched', 'returned', 'complete'].includes(state.at)
}
