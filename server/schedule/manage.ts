// Schedules as users save, see and remove them.
import type { Profile } from '../../shared/api.ts'
import { sides } from '../../shared/constants.ts'
import { messageOf } from '../../shared/message-of.ts'
import type {
  PreviewBody,
  Schedule,
  ScheduleBody,
  ScheduleDefinition,
  ScheduleDetails,
} from '../../shared/schedule-api.ts'
import { UsageError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { Profiles } from '../store/profiles.ts'
import type { ScheduleStore, StoredSchedule } from '../store/schedules.ts'
import type { Seal } from '../store/seal.ts'
import { endsOf, markOf, mayDestroy, profileState, refuseDryRun } from './profile-state.ts'
import { timetableOf, upcoming } from './timing.ts'

export interface ManageContext {
  schedules: ScheduleStore
  profiles: Profiles
  seal: Seal
  now: () => number
  /** The settings with which a run of the profile connects. */
  settingsOf(profile: string, side: (typeof sides)[number]): Promise<ConnectionSettings>
}

const previewed = 5
const usualKept = 30
const mostEntriesShown = 200

/** Creates the schedule, or replaces it. Throws a UsageError with what to do. */
export async function putSchedule(
  name: string,
  body: ScheduleBody,
  context: ManageContext,
): Promise<Schedule> {
  const { schedules, profiles, now } = context
  const profile = profiles.find(body.profile)
  if (!profile) {
    throw new UsageError(
      `no profile is named "${body.profile}": save one on the page first, under Connections`,
    )
  }
  refuseDryRun(profile)
  const before = schedules.find(name)
  const at = now()
  timetableOf(body.timing, body.zone, at)
  await refuseWithoutPasswords(profile, context)
  const { definition, webhook } = await withWebhook(name, body, before, context)
  const isSameTiming = before && Bun.deepEquals(before.definition.timing, definition.timing)
  const stored: StoredSchedule = {
    ...{ name, definition, webhook, profile: markOf(profile) },
    confirmation: body.confirmed ? { at, destination: endsOf(profile).destination } : undefined,
    anchor: isSameTiming ? before.anchor : at,
    checked: at,
  }
  schedules.put(stored)
  if (before?.webhook && before.webhook !== webhook) await context.seal.forget(before.webhook)
  return showSchedule(stored, context)
}

export function showSchedule(stored: StoredSchedule, { schedules, profiles, now }: ManageContext): Schedule {
  const { name, definition, confirmation } = stored
  const profile = profiles.find(definition.profile)
  const ends = profile ? endsOf(profile) : { source: null, destination: null }
  const [last = null] = schedules.entries(name, 1)
  const next = definition.enabled
    ? timetableOf(definition.timing, definition.zone, stored.anchor).next(Math.max(now(), stored.checked))
    : undefined
  return {
    ...{ name, ...definition, ...ends },
    profile_state: profileState(stored, profile),
    confirmation: confirmation
      ? { at: new Date(confirmation.at).toISOString(), destination: confirmation.destination }
      : null,
    confirmation_void: confirmation !== undefined && !mayDestroy(stored, profile),
    next_at: next === undefined ? null : new Date(next).toISOString(),
    last,
  }
}

export function showDetails(stored: StoredSchedule, context: ManageContext): ScheduleDetails {
  return {
    ...showSchedule(stored, context),
    entries: context.schedules.entries(stored.name, mostEntriesShown),
  }
}

/** Throws a UsageError for an expression or a zone that is not valid. */
export function preview({ timing, zone }: PreviewBody, now: number): string[] {
  return upcoming(timetableOf(timing, zone, now), now, previewed).map((at) => new Date(at).toISOString())
}

export async function removeSchedule(name: string, { schedules, seal }: ManageContext): Promise<boolean> {
  const stored = schedules.find(name)
  if (!stored || !schedules.remove(name)) return false
  if (stored.webhook) await seal.forget(stored.webhook)
  return true
}

/** A schedule has nobody who could enter a password. Where there is none, the server must not need one. */
async function refuseWithoutPasswords({ name, kept }: Profile, { settingsOf }: ManageContext) {
  for (const side of sides) {
    if (kept[side]) continue
    const settings = await settingsOf(name, side)
    try {
      await using _ = await Session.open(settings, {})
    } catch (error) {
      if (settings.password) continue
      throw new UsageError(
        `profile "${name}" has no stored password for its ${side}, none comes from the environment, and without one it cannot connect (${messageOf(error)}). Save the profile with its passwords, or give the password in ~/.pgpass or PGPASSWORD to the process that runs schedules`,
      )
    }
  }
}

async function withWebhook(
  name: string,
  body: ScheduleBody,
  before: StoredSchedule | undefined,
  { seal }: ManageContext,
): Promise<Pick<StoredSchedule, 'definition' | 'webhook'>> {
  const definition: ScheduleDefinition = {
    profile: body.profile,
    timing: body.timing,
    zone: body.zone,
    enabled: body.enabled ?? true,
    retries: body.retries ?? 0,
    retry_minutes: body.retry_minutes ?? 5,
    on_missed: body.on_missed ?? 'skip',
    keep_runs: body.keep_runs === undefined ? usualKept : body.keep_runs,
    success: body.success ?? 'complete',
    notify: null,
  }
  const { notify } = body
  if (!notify) return { definition, webhook: undefined }
  const shape = { format: notify.format ?? 'json', on: notify.on ?? ['problem'] }
  if (notify.url !== undefined) {
    if (!URL.canParse(notify.url)) throw new UsageError('the URL for notifications is not valid')
    const webhook = await seal.close(`schedule ${name}`, notify.url, webhookBond(name))
    return { definition: { ...definition, notify: { host: new URL(notify.url).host, ...shape } }, webhook }
  }
  const known = before?.definition.notify
  if (!before?.webhook || !known) throw new UsageError('give the URL for notifications: none is stored')
  return { definition: { ...definition, notify: { host: known.host, ...shape } }, webhook: before.webhook }
}

/** The stored URL can only be opened for this schedule. */
export function webhookBond(name: string): string {
  return JSON.stringify(['webhook of schedule', name])
}
