// The states of a task of rows, and of the share that each worker has of it, with the events that change them and the
// effects of a change. Threads of this process and workers on other machines follow the same rules (share-machine.ts):
// the code that assigns the shares reports what happened, and carries out the effects.

/** The state of one worker's share. Nothing of it is known to be committed. */
export type ShareState =
  /** A worker on another machine may take it at any moment. */
  | 'offered'
  | 'copying'
  /** Its rows are in an open transaction, which waits for the others. */
  | 'copied'
  /** The worker checks whether anything would refuse the commit. */
  | 'preparing'
  | 'prepared'
  /** The worker has been asked to commit, and is not known to have started. */
  | 'commit requested'
  /** If the worker is lost from here on, it is unknown whether the rows are there. */
  | 'committing'
  /** The offer is being withdrawn: a worker may have taken it meanwhile. */
  | 'withdrawing'
  /** The worker has been asked to stop, and may have completed its copy before. */
  | 'stopping'
  | 'rolling back'

export type Phase =
  | 'copying'
  /** Every share is prepared; the caller is asked whether they may be committed. */
  | 'asking'
  /** The task has failed meanwhile, and waits for the caller's answer. */
  | 'failed while asking'
  /** Everything uncommitted is rolled back, and copied again. */
  | 'restarting'
  /** Everything uncommitted is rolled back, and the task ends. */
  | 'failing'
  | 'ended'

export interface Share {
  readonly state: ShareState
  /** Places of its parts, in their order. */
  readonly parts: readonly number[]
  /** The worker commits directly after the copy, without a request. */
  readonly commitsItself: boolean
}

/** Each part is in one place: waiting, in a share, committed, or uncertain. */
export interface TaskState {
  readonly phase: Phase
  readonly waiting: readonly number[]
  readonly shares: ReadonlyMap<string, Share>
  readonly committed: readonly number[]
  readonly uncertain: readonly number[]
  /** One worker copies all remaining parts, since rows of several workers wait for each other. */
  readonly isAlone: boolean
  /** All parts in their order, by one worker and in one transaction. */
  readonly isTogether: boolean
  /** The caller is asked before the commit. */
  readonly asks: boolean
  /** Restarts of a single worker, after its rows waited for those of another session. */
  readonly restarts: number
  /** The first failure. */
  readonly failure: Error | undefined
}

type ShareEvent =
  /** A worker begins a part: its first, or another one in the same transaction. */
  | { type: 'handed out'; part: number; commitsItself: boolean }
  | { type: 'offered'; parts: readonly number[]; commitsItself: boolean }
  | { type: 'taken' }
  /** The worker has given the share up; another worker may take it. */
  | { type: 'given back' }
  | { type: 'copied' }
  | { type: 'prepared' }
  | { type: 'commit began' }
  | { type: 'committed' }
  /** As requested. */
  | { type: 'rolled back' }
  /** Rolled back without a request. */
  | { type: 'released'; error: Error }
  /** The connection was lost before a commit: nothing of the share is there. */
  | { type: 'lost' }
  | { type: 'worker died'; error: Error }
  /** The connection was lost during the commit, and its outcome could not be determined. */
  | { type: 'uncertain'; error: Error }
  /** A server rejected it: another attempt would not help. */
  | { type: 'refused'; error: Error }
  /** The rows wait for rows of another worker. */
  | { type: 'blocked'; error: Error }
  | { type: 'cancelled'; error: Error }

export type TaskEvent =
  | (ShareEvent & { share: string })
  /** The caller's answer before the commit. */
  | { type: 'agreed' }
  | { type: 'vetoed'; error: Error }
  /** For a reason outside of its shares. */
  | { type: 'failed'; error: Error }
  /** The task does not wait for answers of workers any more. */
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
export function isAborting({ state }: Share): boolean {
  return state === 'withdrawing' || state === 'stopping' || state === 'rolling back'
}

/** Its rows are copied, and the worker waits for a request. */
export function isIdle({ state, commitsItself }: Share): boolean {
  return !commitsItself && (state === 'copied' || state === 'prepared')
}

export function areIdle({ shares }: TaskState): boolean {
  return [...shares.values()].every(isIdle)
}
