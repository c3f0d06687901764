// One database of a fleet: its states, what leads from one to the next, and what is to be done because of it. Pure:
// `next` alone changes the state, and whoever executes the effects owns exactly one attempt, or one run, at a time.

/** For an attempt. While it rests between two attempts a database has no turn: others get it. */
export type Turn =
  | { turn: 'queued' }
  /** The attempt has not shown yet that no other process works on the database. */
  | { turn: 'taken' }
  | { turn: 'resting'; retryAt: number }

type Queued = Exclude<Turn, { turn: 'resting' }>

export type DatabaseState =
  | ({ at: 'waiting' } & Queued)
  | { at: 'preflight' }
  | { at: 'schema' }
  | { at: 'copying' }
  /** A run of this process follows it: what that run reports is shown. */
  | { at: 'following' }
  /** The run is ended, so that the database is tried again. */
  | { at: 'restarting' }
  /** Copied once; `missing`: what could not be copied. */
  | { at: 'copied'; missing?: string | undefined }
  | { at: 'switched' }
  | { at: 'returned' }
  /** What the move made is being removed; its run, if there is one, is ended. */
  | { at: 'completing'; before: CompletableState }
  | { at: 'complete' }
  /** Another process works on it: this one takes over when that one ends. */
  | ({ at: 'elsewhere'; error: unknown } & Turn)
  /** It failed for a reason that passes. */
  | ({ at: 'retrying'; error: unknown } & Turn)
  | ProblemState
  /** Nothing is started before somebody resumes it. */
  | { at: 'paused' }

/** `isEnded`: nothing of its move is left, so that it can only be marked complete or copied again. */
interface ProblemState {
  at: 'problem'
  error: unknown
  isEnded?: boolean | undefined
}

export type CompletableState =
  | { at: 'following' }
  | { at: 'copied'; missing?: string | undefined }
  | { at: 'switched' }
  | { at: 'returned' }
  | { at: 'complete' }
  | ProblemState

export type DatabaseEvent =
  /** The attempt that was queued may begin. */
  | { type: 'turn_taken' }
  /** The pause between two attempts is over. */
  | { type: 'due' }
  /** It is this process's now. */
  | { type: 'begun' }
  | { type: 'schema' }
  | { type: 'rows' }
  /** Its rows are there. */
  | { type: 'followed' }
  | { type: 'copied'; missing?: string | undefined }
  | { type: 'switched' }
  | { type: 'returned' }
  | { type: 'completed' }
  | { type: 'failed'; error: unknown; why: Failure; retryAt: number }
  /** Somebody wants it tried again now. */
  | { type: 'retry_asked' }
  /** Somebody marks it complete. */
  | { type: 'complete_asked' }
  | { type: 'complete_failed' }
  /** The run that was to end has ended. */
  | { type: 'run_ended' }
  | { type: 'paused' }
  | { type: 'resumed' }

/** `busy`: another process has it. `passing`: it is worth another attempt. `ended`: nothing is left of its move. */
export type Failure = 'busy' | 'passing' | 'lasting' | 'ended'

export type DatabaseEffect =
  /** Once the one before has ended, and in a turn of its own. */
  | { type: 'attempt' }
  /** Until it is `due`. */
  | { type: 'rest'; until: number }
  | { type: 'end_run' }
  /** On the destination, for other processes. */
  | { type: 'mark'; as: 'switched' | 'returned' }

export interface Step {
  state: DatabaseState
  effects: DatabaseEffect[]
}

/** With the effect that leads on from it. */
export const firstStep: Step = { state: { at: 'waiting', turn: 'queued' }, effects: [{ type: 'attempt' }] }

type At = DatabaseState['at']

/** While an attempt is under way, or waits for its turn. */
const inAttempt: readonly At[] = ['waiting', 'elsewhere', 'retrying', 'preflight', 'schema', 'copying']
const beforeAttempt: readonly At[] = ['waiting', 'elsewhere', 'retrying']
/** A kill after the last step may have left any of these to be found again. */
const ends: readonly At[] = [...inAttempt, 'following']

const from: Record<DatabaseEvent['type'], readonly At[]> = {
  turn_taken: beforeAttempt,
  due: ['elsewhere', 'retrying'],
  begun: beforeAttempt,
  schema: ['preflight'],
  rows: ['preflight', 'schema'],
  followed: inAttempt,
  copied: inAttempt,
  switched: ends,
  returned: ends,
  completed: [...inAttempt, 'completing'],
  failed: ends,
  retry_asked: ['elsewhere', 'retrying', 'problem', 'following', 'copied'],
  complete_asked: ['following', 'copied', 'switched', 'returned', 'complete', 'problem'],
  complete_failed: ['completing'],
  run_ended: ['restarting'],
  paused: beforeAttempt,
  resumed: ['paused'],
}

/** The same state, and no effect, where the event leads nowhere. */
export function next(state: DatabaseState, event: DatabaseEvent): Step {
  const nowhere: Step = { state, effects: [] }
  if (!from[event.type].includes(state.at)) return nowhere
  switch (event.type) {
    case 'turn_taken':
      return 'turn' in state && state.turn === 'queued' ? only(taken(state)) : nowhere
    case 'due':
      return 'retryAt' in state ? again({ at: state.at, error: state.error, turn: 'queued' }) : nowhere
    case 'begun':
      return 'turn' in state && state.turn === 'taken' ? only({ at: 'preflight' }) : nowhere
    case 'schema':
      return only({ at: 'schema' })
    case 'rows':
      return only({ at: 'copying' })
    case 'followed':
      return only({ at: 'following' })
    case 'copied':
      return only({ at: 'copied', ...(event.missing !== undefined && { missing: event.missing }) })
    case 'switched':
    case 'returned':
      // An attempt that finds it on the servers has marked it.
      return state.at === 'following'
        ? { state: { at: event.type }, effects: [{ type: 'mark', as: event.type }] }
        : only({ at: event.type })
    case 'completed':
      return only({ at: 'complete' })
    case 'failed':
      return failed(event)
    case 'retry_asked':
      return retried(state)
    case 'complete_asked':
      return completing(state)
    case 'complete_failed':
      return uncompleted(state)
    case 'run_ended':
      return again({ at: 'waiting', turn: 'queued' })
    case 'paused':
      return only({ at: 'paused' })
    case 'resumed':
      return again({ at: 'waiting', turn: 'queued' })
  }
}

function only(state: DatabaseState): Step {
  return { state, effects: [] }
}

function again(state: DatabaseState): Step {
  return { state, effects: [{ type: 'attempt' }] }
}

/** Why the attempt is made is still shown. */
function taken(state: DatabaseState): DatabaseState {
  if (state.at !== 'elsewhere' && state.at !== 'retrying') return { at: 'waiting', turn: 'taken' }
  return { at: state.at, error: state.error, turn: 'taken' }
}

function failed({ error, why, retryAt }: Extract<DatabaseEvent, { type: 'failed' }>): Step {
  switch (why) {
    case 'busy':
    case 'passing':
      return {
        state: { at: why === 'busy' ? 'elsewhere' : 'retrying', error, turn: 'resting', retryAt },
        effects: [{ type: 'rest', until: retryAt }],
      }
    case 'ended':
      return only({ at: 'problem', error, isEnded: true })
    case 'lasting':
      return only({ at: 'problem', error })
  }
}

function retried(state: DatabaseState): Step {
  switch (state.at) {
    case 'following':
      return { state: { at: 'restarting' }, effects: [{ type: 'end_run' }] }
    case 'copied':
      return state.missing === undefined ? only(state) : again({ at: 'waiting', turn: 'queued' })
    case 'elsewhere':
    case 'retrying':
      // An attempt is made already.
      return state.turn === 'resting'
        ? again({ at: 'waiting', turn: 'queued' })
        : only({ at: 'waiting', turn: state.turn })
    default:
      return again({ at: 'waiting', turn: 'queued' })
  }
}

function completing(state: DatabaseState): Step {
  switch (state.at) {
    case 'following':
      return { state: { at: 'completing', before: state }, effects: [{ type: 'end_run' }] }
    case 'problem':
      return only(state.isEnded ? { at: 'completing', before: state } : state)
    case 'copied':
    case 'switched':
    case 'returned':
    case 'complete':
      return only({ at: 'completing', before: state })
    default:
      return only(state)
  }
}

/** What was followed is followed again. */
function uncompleted(state: DatabaseState): Step {
  if (state.at !== 'completing') return only(state)
  return state.before.at === 'following' ? again({ at: 'waiting', turn: 'queued' }) : only(state.before)
}

/** Nothing more becomes of it unless somebody asks for it. */
export function isSettled({ at }: DatabaseState): boolean {
  return ['copied', 'switched', 'returned', 'complete', 'problem'].includes(at)
}
