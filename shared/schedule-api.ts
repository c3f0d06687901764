// Schedules as they cross the wire: what a user chooses, what the server shows, and the past runs.
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { oneOf } from './one-of.ts'

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const strict = { additionalProperties: false }

/** The longest interval is a week: for longer ones there are cron expressions. */
export const longestIntervalMinutes = 7 * 24 * 60

export const ScheduleTiming = Type.Union([
  Type.Object({ cron: Type.String({ maxLength: 200, description: '0 3 * * 1-5' }) }, strict),
  Type.Object({ every_minutes: Type.Integer({ minimum: 1, maximum: longestIntervalMinutes }) }, strict),
])
export type ScheduleTiming = Static<typeof ScheduleTiming>

const Zone = Type.String({ maxLength: 100, description: 'Europe/Berlin' })

export const scheduleNotices = ['problem', 'done'] as const
const webhookFormats = ['teams', 'slack', 'json'] as const

export const ScheduleName = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '^[^\\u0000-\\u001f/]+$',
})

const chosen = {
  profile: Type.String(),
  timing: ScheduleTiming,
  /** An IANA time zone. */
  zone: Zone,
  enabled: Type.Boolean({ default: true }),
  /** After a run that has failed. */
  retries: Type.Integer({ minimum: 0, maximum: 10, default: 0 }),
  retry_minutes: Type.Integer({ minimum: 1, maximum: 24 * 60, default: 5 }),
  /** What happens to a run that was due while no process ran schedules. */
  on_missed: Type.Union(oneOf(['skip', 'once'] as const).anyOf, { default: 'skip' }),
  /** Older runs of this schedule are deleted from the history; null keeps all. */
  keep_runs: nullable(Type.Integer({ minimum: 1, maximum: 10_000 })),
  /** `with_failures`: a run that has ended although some objects have failed counts as a success too. */
  success: Type.Union(oneOf(['complete', 'with_failures'] as const).anyOf, { default: 'complete' }),
}

/** What a user has chosen, without secrets. */
export const ScheduleDefinition = Type.Object({
  ...chosen,
  notify: nullable(
    Type.Object({
      /** Of the webhook. Its URL is a secret. */
      host: Type.String(),
      format: oneOf(webhookFormats),
      on: Type.Array(oneOf(scheduleNotices)),
    }),
  ),
})
export type ScheduleDefinition = Static<typeof ScheduleDefinition>

export const ScheduleBody = Type.Object(
  {
    profile: chosen.profile,
    timing: chosen.timing,
    zone: chosen.zone,
    enabled: Type.Optional(chosen.enabled),
    retries: Type.Optional(chosen.retries),
    retry_minutes: Type.Optional(chosen.retry_minutes),
    on_missed: Type.Optional(chosen.on_missed),
    /** Default: 30. */
    keep_runs: Type.Optional(chosen.keep_runs),
    success: Type.Optional(chosen.success),
    notify: Type.Optional(
      nullable(
        Type.Object(
          {
            /** A webhook. When it is left out, the stored one is kept. */
            url: Type.Optional(Type.String({ pattern: '^https?://[^/]+', maxLength: 4_000 })),
            format: Type.Optional(oneOf(webhookFormats)),
            on: Type.Optional(Type.Array(oneOf(scheduleNotices))),
          },
          strict,
        ),
      ),
    ),
    /** Each run may drop or empty the objects of the selection on the destination. */
    confirmed: Type.Optional(Type.Boolean({ default: false })),
  },
  strict,
)
export type ScheduleBody = Static<typeof ScheduleBody>

export const entryStates = [
  /** Another run of this process has to end first. */
  'waiting',
  'running',
  /** Failed, and waits for the next attempt. */
  'retrying',
  'succeeded',
  'failed',
  /** Nothing was changed: the run is not confirmed, or its profile is not the one that was chosen. */
  'refused',
  'cancelled',
  /** Its process was killed. */
  'interrupted',
  /** It was due while something else ran. */
  'skipped',
  /** It was due while no process ran schedules. */
  'missed',
] as const

export const entryReasons = [
  'previous_runs',
  'process_busy',
  'no_process',
  'process_died',
  'stopped',
  'profile_deleted',
  'ends_changed',
  'plan_refused',
  'cannot_start',
  'run_failed',
  'schedule_removed',
] as const

export const ScheduleEntry = Type.Object({
  id: Type.Integer(),
  due_at: Type.String(),
  /** `caught_up`: later than it was due; `by_hand`: not by the schedule. */
  trigger: oneOf(['due', 'caught_up', 'by_hand'] as const),
  state: oneOf(entryStates),
  reason: nullable(oneOf(entryReasons)),
  /** What happened, in words. */
  message: Type.String(),
  /** For `missed`: how many due times, up to `due_at`. */
  count: Type.Integer(),
  /** The migrations of its attempts, in order. */
  runs: Type.Array(Type.String()),
  started_at: nullable(Type.String()),
  finished_at: nullable(Type.String()),
})
export type ScheduleEntry = Static<typeof ScheduleEntry>
export type EntryState = ScheduleEntry['state']
export type EntryReason = NonNullable<ScheduleEntry['reason']>

/** `ends_changed`: another source or destination than the one that was chosen. No run starts. */
export const profileStates = ['same', 'changed', 'ends_changed', 'deleted'] as const

export const Schedule = Type.Composite([
  Type.Object({ name: Type.String() }),
  ScheduleDefinition,
  Type.Object({
    /** Of the profile, without passwords; null when it is deleted. */
    source: nullable(Type.String()),
    destination: nullable(Type.String()),
    profile_state: oneOf(profileStates),
    /** Each run may drop or empty objects of the destination; null: such a run is refused. */
    confirmation: nullable(Type.Object({ at: Type.String(), destination: Type.String() })),
    /** The confirmation was given for an earlier state of the profile, and does not hold. */
    confirmation_void: Type.Boolean(),
    next_at: nullable(Type.String()),
    /** The latest entry: running, or the last outcome. */
    last: nullable(ScheduleEntry),
  }),
])
export type Schedule = Static<typeof Schedule>

export const ScheduleDetails = Type.Composite([Schedule, Type.Object({ entries: Type.Array(ScheduleEntry) })])
export type ScheduleDetails = Static<typeof ScheduleDetails>

export const PreviewBody = Type.Object({ timing: ScheduleTiming, zone: Zone }, strict)
export type PreviewBody = Static<typeof PreviewBody>

export const Preview = Type.Object({
  /** The next five due times. */
  next: Type.Array(Type.String()),
})
