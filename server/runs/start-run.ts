// Starts a run for everybody who starts one, command line, page and fleet alike: what it is called, where it is written
// down, who confirms what it destroys, and how it ends.

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
  /** Default: a new one. */
  id?: string | undefined
  signal: AbortSignal
  confirmed: Confirmation
  /** Workers of a queue; without it threads of this process copy. */
  copiers?: Copiers | undefined
  /** For the end of another run on the same objects, instead of being refused. */
  wait?: boolean | undefined
  /** A dry run has its place among the runs, too, though none can go on with it. */
  remembersDryRuns?: boolean | undefined
  /** What was found in what the run was started with. */
  warnings?: readonly string[] | undefined
  onEvent: (event: MigrationEvent) => void
  onPlan?: ((plan: Plan) => void) | undefined
  /** What is no event of the run: about its settings, its store, its log file. */
  say: Say
}

export interface Run {
  readonly id: string
  readonly progress: ProgressFold
  /** Never rejects, and comes after the event of the end. */
  readonly done: Promise<MigrationResult>
}

export function newRunId(): string {
  return crypto.randomUUID().slice(0, 8)
}

/** Begins in the next turn, so that whoever starts it has it before the first event. Throws where it cannot begin. */
export function startRun(request: RunRequest, options: RunOptions): Run {
  const { id = newRunId(), signal, confirmed, copiers, wait, warnings = [], onPlan } = options
  const { dryRun, resume } = request.options
  const journal = new Journal(id, options)
  try {
    // A dry run only shows what --resume would do.
    const earlier = dryRun && resume ? options.store?.unfinished(request) : undefined
    const remembers = !dryRun || options.remembersDryRuns === true
    const begun = remembers ? journal.begin(id, request) : new NoMemory()
    const memory = dryRun ? new NoMemory(earlier) : begun
    const onEvent = (event: MigrationEvent) => {
      journal.event(event)
      options.onEvent(event)
    }
    const carryOut = async (): Promise<MigrationResult> => {
      await Promise.resolve()
      for (const warning of [...warnings, ...request.source.warnings, ...request.destination.warnings]) {
        journal.say('warn', warning)
      }
      try {
        return await migrate({
          ...request,
          ...{ run: id, memory, signal, copiers, wait, onEvent },
          onPlan: (plan) => onPlan?.(plan),
          confirm: (plan) => isConfirmed(plan, confirmed),
        })
      } catch (error) {
        // Failures come as events: whatever else comes here is a mistake of ours.
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
