// Runs of schedules are jobs of this process, as those that a user starts: the page shows them while they run, and the
// history keeps their requests and logs.
import type { RequestBody } from '../../shared/api.ts'
import { UsageError } from '../postgres/errors.ts'
import type { Runner } from '../schedule/carry-out.ts'
import { type Clock, systemClock } from '../schedule/clock.ts'
import type { ManageContext } from '../schedule/manage.ts'
import { Scheduler } from '../schedule/scheduler.ts'
import type { ScheduleStore } from '../store/schedules.ts'
import type { Seal } from '../store/seal.ts'
import { ApiFailure } from './errors.ts'
import { jobRequest } from './job-request.ts'
import { resolveConn, type Services } from './services.ts'

export type RunnerServices = Pick<Services, 'store' | 'profiles' | 'jobs' | 'owner' | 'allowCommands'>

export function runnerOf(services: RunnerServices): Runner {
  const { profiles, jobs, store } = services
  return {
    busy: () => (jobs.running === undefined ? undefined : `run ${jobs.running}`),
    async start({ profile: name, confirmed, after }) {
      const profile = profiles.find(name)
      if (!profile) throw new UsageError(`no profile is named "${name}"`)
      const body: RequestBody = {
        ...profile.request,
        source: { profile: name, side: 'source' },
        destination: { profile: name, side: 'destination' },
      }
      try {
        const request = await jobRequest({ ...body, confirmed }, services)
        const unfinished = after === undefined ? undefined : store.unfinished(request.run)
        // What the attempt before has done is not repeated.
        if (unfinished?.run === after && after !== undefined) {
          request.run.options = { ...request.run.options, resume: true }
        }
        if (jobs.isBusy) return undefined
        return jobs.startJob(request)
      } catch (error) {
        if (error instanceof ApiFailure) throw new UsageError(error.message)
        throw error
      }
    },
  }
}

export function managing(
  services: Pick<Services, 'profiles' | 'owner'> & { schedules: ScheduleStore; seal: Seal },
  clock: Pick<Clock, 'now'> = systemClock,
): ManageContext {
  const { profiles, schedules, seal } = services
  return {
    ...{ profiles, schedules, seal },
    now: () => clock.now(),
    settingsOf: async (profile, side) => (await resolveConn({ profile, side }, services)).settings,
  }
}

export function schedulerOf(
  services: RunnerServices & { schedules: ScheduleStore; seal: Seal },
  say: (level: 'info' | 'warn', message: string) => void,
  clock: Clock = systemClock,
): Scheduler {
  const { schedules, profiles, seal } = services
  return new Scheduler({ schedules, profiles, seal, clock, say, runner: runnerOf(services) })
}
