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

/** A deadlock or a lock that could not be had is often over a moment later. */
const mostRestarts = 3

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

/** What cannot happen in a state leaves it as it is. */
export function next(before: TaskState, event: TaskEvent): { task: TaskState; effects: Effect[] } {
  const reacted = react(before, event)
  if (reacted === before) return { task: before, effects: [] }
  const task = proceed(reacted)
  return { task, effects: effectsOf(before, task) }
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

type Answer = 'taken' | 'given back' | 'copied' | 'prepared' | 'commit began'

/** Workers elsewhere are looked at now and then: what lies between two looks is skipped. */
const answers: Record<Answer, Partial<Record<ShareState, ShareState>>> = {
  taken: { offered: 'copying', withdrawing: 'stopping' },
  // Whoever takes it next finds that its commit was requested already.
  'given back': {
    copying: 'offered',
    prepared: 'offered',
    stopping: 'withdrawing',
    'rolling back': 'withdrawing',
  },
  copied: { copying: 'copied', stopping: 'copied' },
  prepared: { offered: 'prepared', copying: 'prepared', preparing: 'prepared', withdrawing: 'stopping' },
  'commit began': { copying: 'committing', stopping: 'committing', 'commit requested': 'committing' },
}

function react(task: TaskState, event: TaskEvent): TaskState {
  switch (event.type) {
    case 'agreed':
      return agreed(task)
    case 'vetoed':
      return vetoed(task, event.error)
    case 'failed':
      return fail(task, event.error)
    case 'abandoned':
      return task.phase === 'ended' ? task : { ...task, phase: 'ended', failure: task.failure ?? event.error }
    case 'handed out':
      return handOut(task, event.share, [event.part], 'copying', event.commitsItself)
    case 'offered':
      return handOut(task, event.share, event.parts, 'offered', event.commitsItself)
  }
  const { share: id } = event
  const share = task.shares.get(id)
  if (!share) return task
  switch (event.type) {
    case 'taken':
    case 'given back':
    case 'copied':
    case 'prepared':
    case 'commit began': {
      const state = answers[event.type][share.state]
      return state ? withShares(task, [[id, { ...share, state }]]) : task
    }
    case 'committed':
      return without(task, id, { committed: [...task.committed, ...share.parts] })
    case 'uncertain':
      return fail(leftOpen(task, id, share), event.error)
    case 'worker died':
      return share.state === 'committing'
        ? fail(leftOpen(task, id, share), event.error)
        : notCopied(task, id, share)
    case 'rolled back':
      return isTakenBack(share) ? notCopied(task, id, share) : task
    case 'lost':
      return notCopied(task, id, share)
    case 'refused':
      return fail(notCopied(task, id, share), event.error)
    case 'cancelled':
      return unlessRestarting(notCopied(task, id, share), (left) => fail(left, event.error))
    case 'blocked':
      return unlessRestarting(notCopied(task, id, share), (left) =>
        mayRestart(left)
          ? { ...restart(left), isAlone: true, restarts: left.restarts + 1 }
          : fail(left, event.error),
      )
    case 'released': {
      const left = notCopied(task, id, share)
      return share.state === 'commit requested' ? fail(left, event.error) : restart(left)
    }
  }
}

/** What follows by itself once no worker owes an answer. */
function proceed(task: TaskState): TaskState {
  switch (task.phase) {
    case 'asking':
    case 'failed while asking':
    case 'ended':
      return task
    case 'failing':
      return task.shares.size > 0 ? takeBack(task) : { ...task, phase: 'ended' }
    case 'restarting':
      return task.shares.size > 0 ? takeBack(task) : proceed({ ...task, phase: 'copying' })
    case 'copying': {
      if (task.waiting.length > 0 || !areIdle(task)) return task
      const { shares, asks } = task
      if (shares.size === 0) return { ...task, phase: 'ended' }
      // The transaction of one worker is the table: the commit itself is check enough.
      if (shares.size === 1 && !asks) return requestCommit(task)
      const unprepared = [...shares].filter(([, { state }]) => state === 'copied')
      if (unprepared.length > 0) {
        return withShares(
          task,
          unprepared.map(([id, share]) => [id, { ...share, state: 'preparing' }]),
        )
      }
      return asks ? { ...task, phase: 'asking' } : requestCommit(task)
    }
  }
}

function effectsOf(before: TaskState, after: TaskState): Effect[] {
  const effects: Effect[] = []
  for (const [share, { state }] of after.shares) {
    if (before.shares.get(share)?.state === state) continue
    const step = requestOf[state]
    if (step) effects.push({ do: step, share })
  }
  if (after.phase === 'copying' && after.waiting.length > 0 && areIdle(after))
    effects.push({ do: 'hand out' })
  if (after.phase === 'asking' && before.phase !== 'asking') effects.push({ do: 'ask' })
  if (after.phase === 'ended' && before.phase !== 'ended') effects.push({ do: 'settle' })
  return effects
}

/** What the worker of a share is asked for when it gets into a state. */
const requestOf: Partial<Record<ShareState, 'prepare' | 'commit' | 'stop' | 'roll back'>> = {
  preparing: 'prepare',
  'commit requested': 'commit',
  withdrawing: 'stop',
  stopping: 'stop',
  'rolling back': 'roll back',
}

function handOut(
  task: TaskState,
  id: string,
  parts: readonly number[],
  state: ShareState,
  commitsItself: boolean,
): TaskState {
  const share = task.shares.get(id)
  const isPossible = share ? wantsMoreOf(task, id) : wantsWorker(task)
  if (!isPossible || !parts.every((part) => task.waiting.includes(part))) {
    throw new Error(
      `parts ${parts} were assigned to a worker, but the task accepts none in its phase (${task.phase})`,
    )
  }
  const waiting = task.waiting.filter((part) => !parts.includes(part))
  const all = [...(share?.parts ?? []), ...parts]
  return withShares({ ...task, waiting }, [[id, { state, parts: all, commitsItself }]])
}

/** A share that was lost while the caller was asked is copied first. */
function agreed(task: TaskState): TaskState {
  if (task.phase === 'failed while asking') return { ...task, phase: 'failing' }
  if (task.phase !== 'asking') return task
  const copying: TaskState = { ...task, phase: 'copying' }
  return task.waiting.length > 0 ? copying : requestCommit(copying)
}

function vetoed(task: TaskState, error: Error): TaskState {
  if (task.phase === 'failed while asking') return { ...task, phase: 'failing' }
  return task.phase === 'asking' ? { ...task, phase: 'failing', failure: error } : task
}

function fail(task: TaskState, failure: Error): TaskState {
  switch (task.phase) {
    case 'copying':
    case 'restarting':
      return { ...task, phase: 'failing', failure }
    case 'asking':
      return { ...task, phase: 'failed while asking', failure }
    default:
      return task
  }
}

function mayRestart({ isAlone, isTogether, restarts }: TaskState): boolean {
  return !isAlone || (isTogether && restarts < mostRestarts)
}

/** From the beginning, as far as nothing is committed. */
function restart(task: TaskState): TaskState {
  return task.phase === 'copying' ? { ...task, phase: 'restarting' } : task
}

/** Workers that are stopped for a new beginning may fail in any way meanwhile. */
function unlessRestarting(task: TaskState, otherwise: (task: TaskState) => TaskState): TaskState {
  return task.phase === 'restarting' ? task : otherwise(task)
}

/** A commit that was requested is not taken back: it ends by itself. */
function takeBack(task: TaskState): TaskState {
  const ending: Partial<Record<ShareState, ShareState>> = {
    offered: 'withdrawing',
    copying: 'stopping',
    copied: 'rolling back',
    prepared: 'rolling back',
  }
  return withShares(
    task,
    [...task.shares].flatMap(([id, share]): [string, Share][] => {
      const state = ending[share.state]
      return state ? [[id, { ...share, state }]] : []
    }),
  )
}

function requestCommit(task: TaskState): TaskState {
  return withShares(
    task,
    [...task.shares].map(([id, share]) => [id, { ...share, state: 'commit requested' }]),
  )
}

function isIdle({ state, commitsItself }: Share): boolean {
  return !commitsItself && (state === 'copied' || state === 'prepared')
}

function areIdle({ shares }: TaskState): boolean {
  return [...shares.values()].every(isIdle)
}

function notCopied(task: TaskState, id: string, { parts }: Share): TaskState {
  return without(task, id, { waiting: [...parts, ...task.waiting] })
}

function leftOpen(task: TaskState, id: string, { parts }: Share): TaskState {
  return without(task, id, { uncertain: [...task.uncertain, ...parts] })
}

function without(task: TaskState, id: string, changed: Partial<TaskState>): TaskState {
  const shares = new Map(task.shares)
  shares.delete(id)
  return { ...task, ...changed, shares }
}

function withShares(task: TaskState, changed: readonly (readonly [string, Share])[]): TaskState {
  if (changed.length === 0) return task
  return { ...task, shares: new Map([...task.shares, ...changed]) }
}
