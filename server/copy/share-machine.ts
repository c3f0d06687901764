// The rules of share-state.ts: the next state of a task and its shares after an event, and the effects of the change.
import {
  areIdle,
  type Effect,
  isAborting,
  type Share,
  type ShareState,
  type TaskEvent,
  type TaskState,
  wantsMoreOf,
  wantsWorker,
} from './share-state.ts'

/** Deadlocks and lock timeouts are often over a moment later. */
const mostRestarts = 3

/** An event that cannot happen in a state does not change it. */
export function next(before: TaskState, event: TaskEvent): { task: TaskState; effects: Effect[] } {
  const reacted = react(before, event)
  if (reacted === before) return { task: before, effects: [] }
  const task = proceed(reacted)
  return { task, effects: effectsOf(before, task) }
}

type Answer = 'taken' | 'given back' | 'copied' | 'prepared' | 'commit began'

/** The ledger of workers on other machines is read from time to time: states between two reads are skipped. */
const answers: Record<Answer, Partial<Record<ShareState, ShareState>>> = {
  taken: { offered: 'copying', withdrawing: 'stopping' },
  // The next worker finds that its commit was requested already.
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
      return fail(uncertainOutcome(task, id, share), event.error)
    case 'worker died':
      return share.state === 'committing'
        ? fail(uncertainOutcome(task, id, share), event.error)
        : notCopied(task, id, share)
    case 'rolled back':
      return isAborting(share) ? notCopied(task, id, share) : task
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

/** The transitions without an event, when no answer of a worker is missing. */
function proceed(task: TaskState): TaskState {
  switch (task.phase) {
    case 'asking':
    case 'failed while asking':
    case 'ended':
      return task
    case 'failing':
      return task.shares.size > 0 ? abort(task) : { ...task, phase: 'ended' }
    case 'restarting':
      return task.shares.size > 0 ? abort(task) : proceed({ ...task, phase: 'copying' })
    case 'copying': {
      if (task.waiting.length > 0 || !areIdle(task)) return task
      const { shares, asks } = task
      if (shares.size === 0) return { ...task, phase: 'ended' }
      // With a single transaction for the table no check before the commit is necessary.
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

/** The request to the worker of a share when the share enters a state. */
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

/** Copies again what is not committed. */
function restart(task: TaskState): TaskState {
  return task.phase === 'copying' ? { ...task, phase: 'restarting' } : task
}

/** Failures of workers that are stopped for a restart do not count. */
function unlessRestarting(task: TaskState, otherwise: (task: TaskState) => TaskState): TaskState {
  return task.phase === 'restarting' ? task : otherwise(task)
}

/** A requested commit is not withdrawn: it ends by itself. */
function abort(task: TaskState): TaskState {
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

function notCopied(task: TaskState, id: string, { parts }: Share): TaskState {
  return without(task, id, { waiting: [...parts, ...task.waiting] })
}

function uncertainOutcome(task: TaskState, id: string, { parts }: Share): TaskState {
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
