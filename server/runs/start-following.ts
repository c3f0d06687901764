// Starts a move that follows, for everybody who starts one: with its copy, or where an earlier process has ended.

import type { MigrationEvent } from '../../shared/event.ts'
import type { FollowOptions } from '../../shared/follow-options.ts'
import type { FollowLogLine, FollowView } from '../../shared/follow-view.ts'
import { type FollowResult, FollowRun } from '../follow/follow-run.ts'
import { followName } from '../follow/names.ts'
import type { FollowEnds, FollowServices } from '../follow/request.ts'
import type { RunTransition } from '../follow/run-state.ts'
import type { MigrationResult, RunRequest } from '../migrate/request.ts'
import { Cancelled, errorInfo } from '../postgres/errors.ts'
import type { FollowMemory } from '../store/follow-memory.ts'
import { isConfirmed } from './confirmation.ts'
import { Journal, type Records, type Say } from './journal.ts'
import { newRunId, type Run, type RunOptions } from './start-run.ts'

/** What following reports, and where it keeps what the next process must know. */
export interface Watched {
  memory: FollowMemory
  signal: AbortSignal
  onView?: ((view: FollowView) => void) | undefined
  /** Each line of its log once. */
  onLine?: ((line: FollowLogLine) => void) | undefined
  onTransition?: ((transition: RunTransition) => void) | undefined
}

export interface CopyAndFollowOptions extends Omit<RunOptions, 'onPlan' | 'remembersDryRuns'>, Watched {
  follow: FollowOptions
  /** Ends the move; `signal` only its copy. */
  until: AbortSignal
  /** The move's own number, where the caller has written it down already. */
  move?: string | undefined
}

export interface ContinueOptions extends Records, Watched {
  say: Say
}

export interface StartedFollowing {
  following: FollowRun
  /** Its end, when all of it is written down. Never rejects. */
  done: Promise<FollowResult>
}

export interface StartedMove extends StartedFollowing {
  /** Done when the rows are there. */
  copy: Run
}

/** Throws where it cannot begin: another process works on the same move. */
export function copyAndFollow(request: RunRequest, options: CopyAndFollowOptions): StartedMove {
  const { id = newRunId(), follow, until, signal, confirmed, copiers, wait, move, warnings = [] } = options
  const journal = new Journal(id, options)
  try {
    const copied = Promise.withResolvers<MigrationResult>()
    let isCopied = false
    const runMemory = journal.begin(id, request)
    const onEvent = (event: MigrationEvent) => {
      journal.event(event)
      if (event.type === 'finished') journal.end(id)
      options.onEvent(event)
      if (event.type !== 'finished') return
      isCopied = true
      copied.resolve({ status: event.status, ...(event.error && { error: event.error }) })
    }
    const following = FollowRun.clone(
      {
        ...request,
        ...{ follow, run: id, runMemory, copiers, wait, move, onEvent },
        confirm: (plan) => isConfirmed(plan, confirmed),
      },
      servicesOf(journal, { ...options, signal: AbortSignal.any([until, signal]) }),
    )
    for (const warning of [...warnings, ...request.source.warnings, ...request.destination.warnings]) {
      journal.say('warn', warning)
    }
    const end = async () => {
      const result = await following.done
      if (!isCopied) onEvent(endWithoutCopy(result))
      journal[Symbol.dispose]()
      return result
    }
    return { copy: { id, progress: journal.progress, done: copied.promise }, following, done: end() }
  } catch (error) {
    journal.event(endWithoutCopy({ status: 'failed', error }))
    journal.end(id)
    journal[Symbol.dispose]()
    throw error
  }
}

/** Goes on with what was begun. */
export function continueFollowing(ends: FollowEnds, options: ContinueOptions): StartedFollowing {
  const journal = new Journal(`follow-${followName(ends)}`, options)
  try {
    const following = FollowRun.continue(ends, servicesOf(journal, options))
    for (const warning of [...ends.source.warnings, ...ends.destination.warnings])
      journal.say('warn', warning)
    const done = following.done.finally(() => journal[Symbol.dispose]())
    return { following, done }
  } catch (error) {
    journal[Symbol.dispose]()
    throw error
  }
}

function servicesOf(journal: Journal, options: ContinueOptions): FollowServices {
  const { memory, signal, store, onView, onLine, onTransition } = options
  return {
    ...{ memory, signal, onView, onTransition },
    beginRun: store?.beginRun,
    onLine(line) {
      journal.line(line)
      onLine?.(line)
    },
  }
}

/** One that ends before its copy has begun has no event of its own for that. */
function endWithoutCopy({ status, error }: FollowResult): MigrationEvent {
  const isFailed = status === 'failed'
  const why = error ?? (isFailed ? new Error('following ended without a reason') : new Cancelled())
  return {
    type: 'finished',
    at: Date.now(),
    status: isFailed ? 'failed' : 'cancelled',
    error: errorInfo(why),
  }
}
