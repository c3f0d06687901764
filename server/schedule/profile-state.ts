// Whether the profile of a schedule is still the one that was chosen, and confirmed.
import { createHash } from 'node:crypto'
import type { Profile } from '../../shared/api.ts'
import { say } from '../../shared/say.ts'
import type { Schedule } from '../../shared/schedule-api.ts'
import { UsageError } from '../postgres/errors.ts'
import { resolveSettings } from '../postgres/resolve-settings.ts'
import { describeSettings } from '../postgres/settings.ts'
import type { ProfileMark, StoredSchedule } from '../store/schedules.ts'

export function markOf({ request }: Pick<Profile, 'request'>): ProfileMark {
  return { request: hash(request), ends: hash([request.source, request.destination]) }
}

export function profileState(
  { profile: chosen }: Pick<StoredSchedule, 'profile'>,
  profile: Profile | undefined,
): Schedule['profile_state'] {
  if (!profile) return 'deleted'
  const present = markOf(profile)
  if (present.ends !== chosen.ends) return 'ends_changed'
  return present.request === chosen.request ? 'same' : 'changed'
}

/** A run may drop or empty something: the confirmation holds for the profile as it was. */
export function mayDestroy(schedule: StoredSchedule, profile: Profile | undefined): boolean {
  return schedule.confirmation !== undefined && profileState(schedule, profile) === 'same'
}

/** It would be reported as a success every night, and copy nothing. */
export function refuseDryRun({ name, request }: Pick<Profile, 'name' | 'request'>) {
  if (request.options?.dryRun) {
    throw new UsageError(
      say`profile "${name}" is a dry run, which copies nothing: save it without that option first`,
    )
  }
}

/** For display, without passwords. */
export function endsOf({ request }: Pick<Profile, 'request'>): { source: string; destination: string } {
  return {
    source: describeSettings(resolveSettings(request.source)),
    destination: describeSettings(resolveSettings(request.destination)),
  }
}

function hash(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex')
}

/** The same text for the same content, whatever the order of its keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  )
}
