// The state machine of one database of a fleet: states, events, and effects. Pure: only `next` changes the state. The
// executor of the effects owns at most one attempt or one run at a time.

/** The turn of an attempt. While a database rests between two attempts, its turn is free for others. */
export type Turn =
  | { turn: 'queued' }
  /** The attempt has not checked yet whether another process works on the database. */
  | { turn: 'taken' }
  | { turn: 'resting'; retryAt: number }

type Queued = Exclude<Turn, { turn: 'resting' }>

export type DatabaseState =
  | ({ at: 'waiting' } & Queued)
  | { at: 'preflight' }
  | { at: 'schema' }
  | { at: 'copying' }
  /** A run of this process follows it; the view shows the state of that run. */
  | { at: 'following' }
  /** The run is being stopped before another attempt. */
  | { at: 'restarting' }
  /** Copied once; `missing`: what could not be copied. */
  | { at: 'copied'; missing?: string | undefined }
  | { at: 'switched' }
  | { at: 'returned' }
  /** What the move has created is being dropped; its run, if there is one, is being stopped. */
  | { at: 'completing'; before: CompletableState }
  | { at: 'complete' }
  /** Another process works on it; attempts continue until that process ends. */
  | ({ at: 'elsewhere'; error: unknown } & Turn)
  /** It failed for a reason that may pass. */
  | ({ at: 'retrying'; error: unknown } & Turn)
  | ProblemState
  /** Nothing is started until a user resumes it. */
  | { at: 'paused' }

/** `isEnded`: nothing of its move is left on the servers, so it can only be marked complete or copied again. */
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
  /** The queued attempt may start. */
  | { type: 'turn_taken' }
  /** The pause between two attempts is over. */
  | { type: 'due' }
  /** No other process works on the database: the attempt starts its preflight. */
  | { type: 'started' }
  | { type: 'schema' }
  | { type: 'rows' }
  /** Its rows are copied, and changes are applied. */
  | { type: 'followed' }
  | { type: 'copied'; missing?: string | undefined }
  | { type: 'switched' }
  | { type: 'returned' }
  | { type: 'completed' }
  | { type: 'failed'; error: unknown; why: Failure; retryAt: number }
  /** A user requests another attempt now. */
  | { type: 'retry_requested' }
  /** A user marks it complete. */
  | { type: 'complete_requested' }
  | { type: 'complete_failed' }
  /** The run that was being stopped has ended. */
  | { type: 'run_ended' }
  | { type: 'paused' }
  | { type: 'resumed' }

/**
 * `busy`: another process works on it. `passing`: another attempt may succeed. `ended`: nothing of its move is left.
 */
export type Failure = 'busy' | 'passing' | 'lasting' | 'ended'

export type DatabaseEffect =
  /** Starts an attempt after the previous one has ended, in its own turn. */
  | { type: 'attempt' }
  /** Waits until the event `due`. */
  | { type: 'rest'; until: number }
  | { type: 'end_run' }
  /** Records the state on the destination, for other processes. */
  | { type: 'mark'; as: 'switched' | 'returned' }

export interface Step {
  state: DatabaseState
  effects: DatabaseEffect[]
}

/** The initial state, with the effect that starts the first attempt. */
export const firstStep: Step = { state: { at: 'waiting', turn: 'queued' }, effects: [{ type: 'attempt' }] }

type At = DatabaseState['at']

/** While an attempt runs or waits for its turn. */
const inAttempt: readonly At[] = ['waiting', 'elsewhere', 'retrying', 'preflight', 'schema', 'copying']
const beforeAttempt: readonly At[] = ['waiting', 'elsewhere', 'retrying']
/** After a kill, an attempt may find any of these results on the servers. */
const ends: readonly At[] = [...inAttempt, 'following']

const from: Record<DatabaseEvent['type'], readonly At[]> = {
  turn_taken: beforeAttempt,
  due: ['elsewhere', 'retrying'],
  started: beforeAttempt,
  schema: ['preflight'],
  rows: ['preflight', 'schema'],
  followed: inAttempt,
  copied: inAttempt,
  switched: ends,
  returned: ends,
  completed: [...inAttempt, 'completing'],
  failed: ends,
  retry_requested: ['elsewhere', 'retrying', 'problem', 'following', 'copied'],
  complete_requested: ['following', 'copied', 'switched', 'returned', 'complete', 'problem'],
  complete_failed: ['completing'],
  run_ended: ['restarting'],
  paused: beforeAttempt,
  resumed: ['paused'],
}

/** Returns the same state without effects if the event does not apply to it. */
export function next(state: DatabaseState, event: DatabaseEvent): Step {
  const unchanged: Step = { state, effects: [] }
  if (!from[event.type].includes(state.at)) return unchanged
  switch (event.type) {
    case 'turn_taken':
      return 'turn' in state && state.turn === 'queued' ? only(taken(state)) : unchanged
    case 'due':
      return 'retryAt' in state ? again({ at: state.at, error: state.error, turn: 'queued' }) : unchanged
    case 'started':
      return 'turn' in state && state.turn === 'taken' ? only({ at: 'preflight' }) : unchanged
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
      // If an attempt has found it on the servers, the mark exists already.
      return state.at === 'following'
        ? { state: { at: event.type }, effects: [{ type: 'mark', as: event.type }] }
        : only({ at: event.type })
    case 'completed':
      return only({ at: 'complete' })
    case 'failed':
      return failed(event)
    case 'retry_requested':
      return retried(state)
    case 'complete_requested':
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

/** Keeps the error that caused the attempt, so that the view shows it. */
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
      // An attempt is queued or running already.
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

/** Following starts again if it was stopped for this. */
function uncompleted(state: DatabaseState): Step {
  if (state.at !== 'completing') return only(state)
  return state.before.at === 'following' ? again({ at: 'waiting', turn: 'queued' }) : only(state.before)
}

/** Nothing more happens without a request of a user. */
export function isSettled({ at }: DatabaseState): boolean {
  return ['copied', 'switched', 'returned', 'complete', 'problem'].includes(at)
}
