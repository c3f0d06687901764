// What the routes share, made once when the server starts.

import type { Conn, NamedEnds } from '../../shared/api.ts'
import { say } from '../../shared/say.ts'
import { isVerified, type Owner } from '../postgres/owner.ts'
import { resolveSettings } from '../postgres/resolve-settings.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import { withoutPassword } from '../postgres/without-password.ts'
import type { Scheduler } from '../schedule/scheduler.ts'
import type { History } from '../store/history.ts'
import type { RunLog } from '../store/log.ts'
import type { Profiles } from '../store/profiles.ts'
import type { RunStore } from '../store/runs.ts'
import type { ScheduleStore } from '../store/schedules.ts'
import type { Seal } from '../store/seal.ts'
import type { Comparisons } from './comparisons.ts'
import { ApiFailure } from './errors.ts'
import type { Fleet } from './fleets.ts'
import type { Follows } from './follows.ts'
import type { Jobs } from './jobs.ts'

export interface Services {
  store: RunStore
  history: History
  log: RunLog
  profiles: Profiles
  seal: Seal
  schedules: ScheduleStore
  /** Runs what is due, if this process runs schedules, and what is started by hand. */
  scheduler: Scheduler
  jobs: Jobs
  comparisons: Comparisons
  follows: Follows
  /** Set if this process runs a fleet. */
  fleet?: Fleet | undefined
  owner: Owner
  named: NamedEnds
  /** Hooks may run commands on this machine. */
  allowCommands: boolean
  /** How long browsing waits for a table that is locked exclusively. */
  lockTimeoutMs?: number | undefined
}

export interface ResolvedEnd {
  settings: ConnectionSettings
  /** Without the password: may be stored and shown. */
  shown: Conn
}

export async function resolveConn(
  conn: Conn,
  { profiles, owner }: Pick<Services, 'profiles' | 'owner'>,
): Promise<ResolvedEnd> {
  if (!('profile' in conn)) {
    return { settings: resolveSettings(conn, { owner }), shown: withoutPassword(conn).connection }
  }
  const kept = await profiles.connection(conn.profile, conn.side)
  if (!kept) throw new ApiFailure('not_found', say`no profile is named "${conn.profile}"`)
  const settings = resolveSettings(kept.connection, { owner })
  if (kept.password !== undefined) {
    settings.password = kept.password
    // Saved with the certificate that the server must present.
    settings.onlyProve = !owner.allowCleartext && !isVerified(settings)
  }
  return { settings, shown: kept.connection }
}
