// The states of a task of rows, and of the share that each worker has of it; what leads from one to the next, and what
// has to be done then. Threads of this process and workers elsewhere follow the same rules: the code that
// assigns the shares reports what happened and does what `next` returns.

/** What one worker has of a task. Nothing of it is committed as far as is known. */
export type ShareState =
  /** Workers elsewhere may take it at any moment. */
  | 'offered'
  | 'copying'
  /** Its rows are in an open transaction, which waits for the others. */
  | 'copied'
  /** The worker checks whether anything would refuse the commit. */
  | 'preparing'
  | 'prepared'
  /** The worker has been asked to commit, and has not begun as far as is known. */
  | 'commit requested'
  /** A worker that is lost from here on leaves open whether the rows are there. */
  | 'committing'
  /** It was offered and is not wanted any more: a worker may have taken it meanwhile. */
  | 'withdrawing'
  /** The worker has been asked to stop, and may have been faster. */
  | 'stopping'
  | 'rolling back'

export type Phase =
  | 'copying'
  /** All is prepared; the caller is asked whether it may be committed. */
  | 'asking'
  /** It has failed meanwhile: the caller's answer is only waited for. */
  | 'failed while asking'
  /** All that is not committed is rolled back, and copied again. */
  | 'restarting'
  /** All that is not committed is rolled back, and that is the end. */
  | 'failing'
  | 'ended'

export interface Share {
  readonly state: ShareState
  /** Places of the parts that it has, in their order. */
  readonly parts: readonly number[]
  /** The worker commits directly after the copy, without a request. */
  readonly commitsItself: boolean
}

/** Each part is in one place: it waits, a share has it, it is committed, or it is unknown whether it is. */
export interface TaskState {
  readonly phase: Phase
  readonly waiting: readonly number[]
  readonly shares: ReadonlyMap<string, Share>
  readonly committed: readonly number[]
  readonly uncertain: readonly number[]
  /** One worker does all that is left, since rows of several wait for each other. */
  readonly isAlone: boolean
  /** All parts in their order, by one worker and in one transaction. */
  readonly isTogether: boolean
  /** The caller is asked before the commit. */
  readonly asks: boolean
  /** By one worker, after its rows waited for those of another session. */
  readonly restarts: number
  /** The first one. */
  readonly failure: Error | undefined
}

type ShareEvent =
  /** A worker begins a part: its first, or another one in the same transaction. */
  | { type: 'handed out'; part: number; commitsItself: boolean }
  | { type: 'offered'; parts: readonly number[]; commitsItself: boolean }
  | { type: 'taken' }
  /** The worker that had taken it has nothing of it any more: another one may take it. */
  | { type: 'given back' }
  | { type: 'copied' }
  | { type: 'prepared' }
  | { type: 'commit began' }
  | { type: 'committed' }
  /** As it was asked for. */
  | { type: 'rolled back' }
  /** Rolled back without a request. */
  | { type: 'released'; error: Error }
  /** The connection is gone, and with it what was not committed: it was not. */
  | { type: 'lost' }
  | { type: 'worker died'; error: Error }
  /** The connection was lost at the commit, and the server could not be asked. */
  | { type: 'uncertain'; error: Error }
  /** A server rejected it: trying again would not help. */
  | { type: 'refused'; error: Error }
  /** The rows wait for those of another worker. */
  | { type: 'blocked'; error: Error }
  | { type: 'cancelled'; error: Error }

export type TaskEvent =
  | (ShareEvent & { share: string })
  /** The caller's answer before the commit. */
  | { type: 'agreed' }
  | { type: 'vetoed'; error: Error }
  /** For a reason outside of its shares. */
  | { type: 'failed'; error: Error }
  /** No answer of a worker is waited for any more. */
  | { type: 'abandoned'; error: Error }

export type Effect =
  | { do: 'prepare' | 'commit' | 'stop' | 'roll back'; share: string }
  /** Parts wait, and no worker is busy with the others. */
  | { do: 'hand out' }
  /** Ask the caller, and report its answer. */
  | { do: 'ask' }
  | { do: 'settle' }

export function newTask(parts: number, { isTogether = false, asks = false } = {}): TaskState {
  return {
    phase: 'copying',
    waiting: Array.from({ length: parts }, (_, place) => place),
    shares: new Map(),
    committed: [],
    uncertain: [],
    isAlone: isTogether,
    isTogether,
    asks,
    restarts: 0,
    failure: undefined,
  }
}

/** A worker that has nothing of the task can take a part of it. */
export function wantsWorker({ phase, waiting, isAlone, shares }: TaskState): boolean {
  return phase === 'copying' && waiting.length > 0 && (!isAlone || shares.size === 0)
}

/** The worker of this share can take another part. */
export function wantsMoreOf({ phase, waiting, shares }: TaskState, id: string): boolean {
  const share = shares.get(id)
  return phase === 'copying' && waiting.length > 0 && share !== undefined && isIdle(share)
}

/** The worker has been asked to end it without a commit. */
export function isTakenBack({ state }: Share): boolean {
  return state === 'withdrawing' || state === 'stopping' || state === 'rolling back'
}

/** Its rows are copied, and the worker waits for a request. */
export function isIdle({ state, commitsItself }: Share): boolean {
  return !commitsItself && (state === 'copied' || state === 'prepared')
}

export function areIdle({ shares }: TaskState): boolean {
  return [...shares.values()].every(isIdle)
}
