// Starts a run for the command line, the page and a fleet: its number, its records, the confirmation of what it
// destroys, and its end.

import type { MigrationEvent } from '../../shared/event.ts'
import type { ProgressFold } from '../../shared/fold.ts'
import type { Copiers } from '../copy/task.ts'
import { migrate } from '../migrate/migrate.ts'
import type { Plan } from '../migrate/plan/types.ts'
import type { MigrationResult, RunRequest } from '../migrate/request.ts'
import { errorInfo, PgtrekError } from '../postgres/errors.ts'
import { NoMemory } from '../store/run-memory.ts'
import { tellMistake } from '../system/output.ts'
import { type Confirmation, isConfirmed } from './confirmation.ts'
import { Journal, type Records, type Say } from './journal.ts'

export interface RunOptions extends Records {
  /** Default: a new number. */
  id?: string | undefined
  signal: AbortSignal
  confirmed: Confirmation
  /** Copies through the workers of a queue; without it threads of this process copy. */
  copiers?: Copiers | undefined
  /** Waits for another run on the same objects instead of being refused. */
  wait?: boolean | undefined
  /** Dry runs are recorded too, although they cannot be continued. */
  remembersDryRuns?: boolean | undefined
  /** Warnings about the request. */
  warnings?: readonly string[] | undefined
  onEvent: (event: MigrationEvent) => void
  onPlan?: ((plan: Plan) => void) | undefined
  /** Reports messages that are not events: about settings, the store and the log file. */
  say: Say
}

export interface Run {
  readonly id: string
  readonly progress: ProgressFold
  /** Resolves after the last event. Never rejects. */
  readonly done: Promise<MigrationResult>
}

export function newRunId(): string {
  return crypto.randomUUID().slice(0, 8)
}

/**
 * The run starts in the next turn of the event loop, so that the caller has it before its first event. Throws if it
 * cannot start.
 */
export function startRun(request: RunRequest, options: RunOptions): Run {
  const { id = newRunId(), signal, confirmed, copiers, wait, warnings = [], onPlan } = options
  const { dryRun, resume } = request.options
  const journal = new Journal(id, options)
  try {
    // A dry run only shows what --resume would do.
    const earlier = dryRun && resume ? options.store?.unfinished(request) : undefined
    const remembers = !dryRun || options.remembersDryRuns === true
    const recorded = remembers ? journal.begin(id, request) : new NoMemory()
    const memory = dryRun ? new NoMemory(earlier) : recorded
    const onEvent = (event: MigrationEvent) => {
      journal.event(event)
      options.onEvent(event)
    }
    const carryOut = async (): Promise<MigrationResult> => {
      await Promise.resolve()
      journal.warn(request, warnings)
      try {
        return await migrate({
          ...request,
          ...{ run: id, memory, signal, copiers, wait, onEvent },
          onPlan: (plan) => onPlan?.(plan),
          confirm: (plan) => isConfirmed(plan, confirmed),
        })
      } catch (error) {
        // Failures are reported as events: any other error is a bug.
        if (!(error instanceof PgtrekError)) tellMistake(error)
        onEvent({ type: 'finished', at: Date.now(), status: 'failed', error: errorInfo(error) })
        return { status: 'failed', error }
      }
    }
    const done = carryOut().finally(() => {
      journal.end(id)
      journal[Symbol.dispose]()
    })
    return { id, progress: journal.progress, done }
  } catch (error) {
    journal[Symbol.dispose]()
    throw error
  }
}
