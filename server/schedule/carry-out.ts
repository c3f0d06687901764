// One due time, from its entry in the store to its end: waits for this process to be free, runs the profile with
// retries, reports the outcome, and deletes older runs of the schedule.
import { messageOf } from '../../shared/message-of.ts'
import type { EntryReason, EntryState } from '../../shared/schedule-api.ts'
import { DestinationBusy } from '../coordination/run-lock.ts'
import type { MigrationResult } from '../migrate/request.ts'
import { PgtrekError, PlanRefused } from '../postgres/errors.ts'
import { forgetRuns } from '../store/forget-runs.ts'
import type { Profiles } from '../store/profiles.ts'
import type { ScheduleStore, StoredSchedule } from '../store/schedules.ts'
import { tellMistake } from '../system/output.ts'
import type { Clock } from './clock.ts'
import { mayDestroy, profileState, refuseDryRun } from './profile-state.ts'
import { timetableOf } from './timing.ts'

export interface Started {
  id: string
  /** Never rejects. */
  done: Promise<MigrationResult>
  cancel(): void
}

export interface RunChoice {
  profile: string
  /** What the run drops and empties is confirmed. */
  confirmed: boolean
  /** Continues the run with this number, if it is the last one between these databases. */
  after: string | undefined
}

/** What runs in this process. There is one run at a time. */
export interface Runner {
  /** What runs now, in words. */
  busy(): string | undefined
  /** Undefined if something else has been started meanwhile. Throws if the run cannot start. */
  start(choice: RunChoice): Promise<Started | undefined>
}

export interface CarryOutContext {
  schedules: ScheduleStore
  profiles: Profiles
  runner: Runner
  clock: Clock
  signal: AbortSignal
}

export interface Outcome {
  state: EntryState
  reason?: EntryReason
  message: string
}

const betweenLooksMs = 1_000
const minuteMs = 60_000

/** Records the outcome and returns it. */
export async function carryOut(name: string, entry: number, context: CarryOutContext): Promise<Outcome> {
  const { schedules } = context
  let outcome: Outcome
  try {
    outcome = await attempts(name, entry, context)
  } catch (error) {
    if (!(error instanceof PgtrekError)) tellMistake(error)
    outcome = { state: 'failed', reason: 'cannot_start', message: messageOf(error) }
  }
  schedules.finish(entry, outcome.state, outcome.reason, outcome.message)
  const keep = schedules.find(name)?.definition.keep_runs
  if (keep) forgetRuns(schedules.database, schedules.oldRuns(name, keep))
  schedules.forgetEntries(name)
  return outcome
}

async function attempts(name: string, entry: number, context: CarryOutContext): Promise<Outcome> {
  const { schedules, profiles, runner, clock, signal } = context
  const first = schedules.find(name)
  const start = clock.now()
  const patience = first && nextDue(first, start)
  let last: string | undefined
  for (let attempt = 0; ; ) {
    const stored = schedules.find(name)
    if (!stored)
      return { state: 'cancelled', reason: 'schedule_removed', message: 'the schedule was removed' }
    if (signal.aborted) return stopped
    const { definition } = stored
    const profile = profiles.find(definition.profile)
    const refusal = refusalOf(stored, profileState(stored, profile))
    if (refusal) return refusal
    // It may have been changed since the schedule was saved.
    if (profile) refuseDryRun(profile)
    const busy = runner.busy()
    const started = busy
      ? undefined
      : await runner.start({
          profile: definition.profile,
          confirmed: mayDestroy(stored, profile),
          after: last,
        })
    if (!started) {
      if (patience !== undefined && attempt === 0 && clock.now() >= patience) {
        const message = `${busy ?? 'another run'} was still running in this process when the next run was due`
        return { state: 'skipped', reason: 'process_busy', message }
      }
      await clock.pause(betweenLooksMs, signal)
      continue
    }
    schedules.attempt(started.id, name, entry)
    schedules.progress(entry, 'running', `run ${started.id}`)
    const result = await finished(started, signal)
    last = started.id
    const outcome = outcomeOf(result, definition.success)
    attempt++
    if (outcome.state !== 'failed' || attempt > definition.retries || signal.aborted) return outcome
    const pause = definition.retry_minutes
    schedules.progress(
      entry,
      'retrying',
      `attempt ${attempt} of ${definition.retries + 1} has failed: ${outcome.message}. The next one starts after ${pause} min`,
    )
    await clock.pause(pause * minuteMs, signal)
  }
}

const stopped: Outcome = { state: 'cancelled', reason: 'stopped', message: 'pgtrek was stopped' }

async function finished({ done, cancel }: Started, signal: AbortSignal): Promise<MigrationResult> {
  const stop = () => cancel()
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await done
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function nextDue({ definition: { timing, zone }, anchor }: StoredSchedule, now: number): number {
  return timetableOf(timing, zone, anchor).next(now)
}

function refusalOf(
  { definition }: StoredSchedule,
  state: ReturnType<typeof profileState>,
): Outcome | undefined {
  const profile = `profile "${definition.profile}"`
  if (state === 'deleted') {
    const message = `${profile} was deleted: choose another one, or remove the schedule`
    return { state: 'refused', reason: 'profile_deleted', message }
  }
  if (state === 'ends_changed') {
    const message = `${profile} has another source or destination than when the schedule was saved: check it, and save the schedule again`
    return { state: 'refused', reason: 'ends_changed', message }
  }
  return undefined
}

/** What counts as a success is the choice of the schedule. */
export function outcomeOf(
  { status, error }: MigrationResult,
  success: 'complete' | 'with_failures',
): Outcome {
  const words = error === undefined ? '' : messageOf(error)
  switch (status) {
    case 'completed':
      return { state: 'succeeded', message: 'completed' }
    case 'completed_with_failures': {
      const message = words || 'finished with failures: see the run'
      return success === 'with_failures' && error === undefined
        ? { state: 'succeeded', message }
        : { state: 'failed', reason: 'run_failed', message }
    }
    case 'cancelled':
      return { state: 'cancelled', reason: 'stopped', message: 'the run was cancelled' }
    case 'failed':
      // Another attempt helps only if the plan was refused because another run was busy with the destination.
      return error instanceof PlanRefused && !(error instanceof DestinationBusy)
        ? { state: 'refused', reason: 'plan_refused', message: words }
        : { state: 'failed', reason: 'run_failed', message: words || 'the run has failed' }
  }
}
