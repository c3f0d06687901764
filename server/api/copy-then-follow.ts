// The copy with which following begins, as a job like any other: its log, its history, its progress.
import type { FollowOptions } from '../../shared/follow-options.ts'
import { FollowRun } from '../follow/follow-run.ts'
import type { FollowServices } from '../follow/request.ts'
import type { Migration } from '../migrate/request.ts'
import { Cancelled, errorInfo } from '../postgres/errors.ts'
import type { Work } from './job.ts'

export interface CopyThenFollow {
  work: Work
  /** To be asked when the job has been started; throws what kept it from beginning. */
  begun(): FollowRun
}

export function copyThenFollow(follow: FollowOptions, services: FollowServices): CopyThenFollow {
  let run: FollowRun | undefined
  let problem: unknown
  return {
    async work(migration) {
      try {
        const copied = Promise.withResolvers<void>()
        run = begin(migration, follow, services, copied.resolve)
        // The job is over when the rows are there; what follows is not its matter.
        await Promise.race([copied.promise, told(run, migration, copied.promise)])
      } catch (error) {
        problem = error
        throw error
      }
    },
    begun() {
      if (run) return run
      throw problem ?? new Error('the job did not begin')
    },
  }
}

function begin(
  migration: Migration,
  follow: FollowOptions,
  services: FollowServices,
  copied: () => void,
): FollowRun {
  const { memory, signal, ...request } = migration
  return FollowRun.clone(
    {
      ...request,
      follow,
      runMemory: memory,
      onEvent(event) {
        migration.onEvent(event)
        if (event.type === 'finished') copied()
      },
      confirm: (plan) => migration.confirm(plan),
    },
    // Who cancels the job cancels the copy; afterwards the job's signal is silent.
    { ...services, signal: AbortSignal.any([services.signal, signal]) },
  )
}

/** One that ends before its copy began has no event for that. */
async function told(run: FollowRun, migration: Migration, copied: Promise<void>): Promise<void> {
  const { status, error } = await run.done
  if ((await Promise.race([copied, Promise.resolve('not')])) !== 'not') return
  const why = error ?? (status === 'failed' ? new Error('following ended without a reason') : new Cancelled())
  migration.onEvent({
    type: 'finished',
    at: Date.now(),
    status: status === 'failed' ? 'failed' : 'cancelled',
    error: errorInfo(why),
  })
}
