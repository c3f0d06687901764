// What the routes share: made once when the server starts.
import type { Conn } from '../../shared/api.ts'
import { type ConnectionSettings, resolveSettings } from '../postgres/settings.ts'
import { withoutPassword } from '../postgres/without-password.ts'
import type { History } from '../store/history.ts'
import type { RunLog } from '../store/log.ts'
import type { Profiles } from '../store/profiles.ts'
import type { RunStore } from '../store/runs.ts'
import { ApiFailure } from './errors.ts'
import type { Fleet } from './fleets.ts'
import type { Follows } from './follows.ts'
import type { Jobs } from './jobs.ts'

export interface Services {
  store: RunStore
  history: History
  log: RunLog
  profiles: Profiles
  jobs: Jobs
  follows: Follows
  /** Where this process works on one. */
  fleet?: Fleet | undefined
  /** Hooks may run commands of this machine. */
  allowCommands: boolean
  /** How long browsing waits for a table that somebody has locked exclusively. */
  lockTimeoutMs?: number | undefined
}

export interface ResolvedEnd {
  settings: ConnectionSettings
  /** Without password: what may be stored and shown. */
  shown: Conn
}

export async function resolveConn(
  conn: Conn,
  { profiles }: Pick<Services, 'profiles'>,
): Promise<ResolvedEnd> {
  if (!('profile' in conn)) {
    return { settings: resolveSettings(conn), shown: withoutPassword(conn).connection }
  }
  const kept = await profiles.connection(conn.profile, conn.side)
  if (!kept) throw new ApiFailure('not_found', `there is no profile "${conn.profile}"`)
  const settings = resolveSettings(kept.connection)
  if (kept.password !== undefined) settings.password = kept.password
  return { settings, shown: kept.connection }
}
