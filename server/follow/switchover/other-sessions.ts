// The sessions that people and programs have in a database. A role that is neither a superuser nor a member of
// pg_read_all_stats does not see all of other roles' sessions: what is hidden counts as somebody else's.

import { sessionNamePrefix } from '../../coordination/session-name.ts'
import { quoteLiteral } from '../../postgres/quote.ts'
import { Session } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'

export interface OtherSession {
  pid: number
  user: string | null
  application: string
  /** None over a socket of its own machine, or where the role may not see it. */
  address: string | null
}

const lookEveryMs = 100

/** Not ours, not a server process, not a walsender, not a subscription. */
function isOther({ settings }: Session): string {
  return `a.datname = pg_catalog.current_database()
       and a.usename is not null
       and coalesce(a.backend_type, 'client backend') = 'client backend'
       and coalesce(a.application_name, '') <> ${quoteLiteral(settings.applicationName)}
       and not pg_catalog.starts_with(coalesce(a.application_name, ''), ${quoteLiteral(sessionNamePrefix)})
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

/** `left`: those that our role may not end. */
export async function endOtherSessions(
  settings: ConnectionSettings,
): Promise<{ ended: number; left: OtherSession[] }> {
  await using session = await Session.open(settings)
  let ended = 0
  const refused = new Set<number>()
  // A pool connects again at once; what connects now is read-only.
  const others = await readOtherSessions(session)
  for (const { pid } of others) {
    try {
      await session.query(`select pg_catalog.pg_terminate_backend(${pid})`)
      ended++
    } catch {
      // The role may not: it is named below.
      refused.add(pid)
    }
  }
  let there = new Set<number>()
  for (let attempt = 0; attempt < 50; attempt++) {
    there = new Set((await readOtherSessions(session)).map(({ pid }) => pid))
    if (others.every(({ pid }) => refused.has(pid) || !there.has(pid))) break
    await Bun.sleep(lookEveryMs)
  }
  return { ended, left: others.filter(({ pid }) => there.has(pid)) }
}
