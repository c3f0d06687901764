// Starts a move for the command line, the page and a fleet: with its copy, or continuing an earlier process.

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

/** What following reports, and where it keeps its state for a later process. */
export interface Watched {
  memory: FollowMemory
  signal: AbortSignal
  onView?: ((view: FollowView) => void) | undefined
  /** Called once for each line of its log. */
  onLine?: ((line: FollowLogLine) => void) | undefined
  onTransition?: ((transition: RunTransition) => void) | undefined
}

export interface CopyAndFollowOptions extends Omit<RunOptions, 'onPlan' | 'remembersDryRuns'>, Watched {
  follow: FollowOptions
  /** Ends the move; `signal` ends only its copy. */
  until: AbortSignal
  /** The number of the move, if the caller has recorded it already. */
  move?: string | undefined
}

export interface ContinueOptions extends Records, Watched {
  say: Say
}

export interface StartedFollowing {
  following: FollowRun
  /** Resolves after the end, when everything is recorded. Never rejects. */
  done: Promise<FollowResult>
}

export interface StartedMove extends StartedFollowing {
  /** Done when the rows are copied. */
  copy: Run
}

/** Throws if it cannot start: another process works on the same move. */
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
    journal.warn(request, warnings)
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

/** Continues an existing move. */
export function continueFollowing(ends: FollowEnds, options: ContinueOptions): StartedFollowing {
  const journal = new Journal(`follow-${followName(ends)}`, options)
  try {
    const following = FollowRun.continue(ends, servicesOf(journal, options))
    journal.warn(ends)
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

/** A move that ends before its copy has no event for that. */
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
