// The sessions that people and programs have in a database. A role that is neither a superuser nor a member of
// pg_read_all_stats does not see everything about sessions of other roles; hidden sessions count as foreign.

import { sessionNamePrefix } from '../../coordination/session-name.ts'
import { pause } from '../../copy/pause.ts'
import { quoteLiteral } from '../../postgres/quote.ts'
import { Session } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'

export interface OtherSession {
  pid: number
  user: string | null
  application: string
  /** Null for a Unix-domain socket, or when our role may not see it. */
  address: string | null
}

/** How long an ended session may take to go. */
const patienceMs = 5000
const checkEveryMs = 100

/** Excludes sessions of pgtrek, and server processes without a role. */
export function isForeign({ settings }: Session): string {
  return `a.datname = pg_catalog.current_database()
       and a.usename is not null
       and coalesce(a.application_name, '') <> ${quoteLiteral(settings.applicationName)}
       and not pg_catalog.starts_with(coalesce(a.application_name, ''), ${quoteLiteral(sessionNamePrefix)})`
}

/** Excludes sessions of pgtrek, server processes, walsenders and subscriptions. */
function isOther(session: Session): string {
  return `${isForeign(session)}
       and coalesce(a.backend_type, 'client backend') = 'client backend'
       and a.pid not in (select s.pid from pg_catalog.pg_stat_replication s where s.pid is not null)
       and a.pid not in (select s.pid from pg_catalog.pg_stat_subscription s where s.pid is not null)`
}

export async function readOtherSessions(session: Session): Promise<OtherSession[]> {
  return await session.query<OtherSession>(`
    select a.pid, a.usename as "user", coalesce(a.application_name, '') as application,
           pg_catalog.host(a.client_addr) as address
      from pg_catalog.pg_stat_activity a
     where ${isOther(session)}
     order by a.pid`)
}

/** `left`: sessions that our role may not end, or that do not end in time. */
export async function endOtherSessions(
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<{ ended: number; left: OtherSession[] }> {
  await using session = await Session.open(settings, { signal })
  let ended = 0
  const refused = new Set<number>()
  // A pool connects again at once, and its new sessions are read-only.
  const others = await readOtherSessions(session)
  for (const { pid } of others) {
    try {
      await session.query(`select pg_catalog.pg_terminate_backend(${pid})`)
      ended++
    } catch {
      // Our role may not end it: it is in `left`.
      refused.add(pid)
    }
  }
  let there = new Set<number>()
  for (const deadline = performance.now() + patienceMs; ; ) {
    there = new Set((await readOtherSessions(session)).map(({ pid }) => pid))
    const isDone = others.every(({ pid }) => refused.has(pid) || !there.has(pid))
    if (isDone || performance.now() > deadline) break
    await pause(checkEveryMs, signal)
  }
  return { ended, left: others.filter(({ pid }) => there.has(pid)) }
}
