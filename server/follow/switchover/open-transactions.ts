// Transactions that have written and have not ended. What they commit after the sentinel would be on the old primary
// only. They are found by columns that every role may read.

import { formatCount, formatDuration } from '../../../shared/format.ts'
import { say } from '../../../shared/say.ts'
import { pause } from '../../copy/pause.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import { quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { describeSettings } from '../../postgres/settings.ts'

export interface OpenTransaction {
  /** Identifies the transaction. */
  key: string
  words: string
}

const checkEveryMs = 100
const mostNamed = 10

/**
 * Without autovacuum, which has no user and changes no rows. `exceptOurs` excludes sessions of pgtrek: with both
 * directions at once one of them applies changes of the other side here.
 */
export async function readOpenTransactions(
  session: Session,
  { exceptOurs = false }: { exceptOurs?: boolean } = {},
): Promise<OpenTransaction[]> {
  const ours = exceptOurs ? `and application_name <> ${quoteLiteral(session.settings.applicationName)}` : ''
  const running = await session.query<{
    key: string
    pid: number
    user: string | null
    application: string | null
    since: string | null
    state: string | null
    query: string | null
  }>(`
    select pid || ' ' || backend_xid::text as key, pid, usename as user, application_name as application,
           pg_catalog.to_char(xact_start, 'YYYY-MM-DD HH24:MI:SS TZ') as since, state,
           pg_catalog.left(query, 100) as query
      from pg_catalog.pg_stat_activity
     where datname = pg_catalog.current_database()
       and backend_xid is not null
       and usesysid is not null
       and pid <> pg_catalog.pg_backend_pid()
       ${ours}
     order by xact_start nulls last, pid`)
  const prepared = await session.query<{ key: string; gid: string; user: string; since: string }>(`
    select transaction::text as key, gid, owner as user,
           pg_catalog.to_char(prepared, 'YYYY-MM-DD HH24:MI:SS TZ') as since
      from pg_catalog.pg_prepared_xacts
     where database = pg_catalog.current_database()
     order by prepared, gid`)
  return [
    ...running.map(({ key, pid, user, application, since, state, query }) => ({
      key,
      words: say`process ${pid} of ${user ?? say`a dropped role`} (${application || say`no application name`})${
        state === null
          ? say`, details not visible to our role`
          : say`, ${state}, since ${since}, last statement: ${query?.replaceAll(/\s+/g, ' ').trim()}`
      }`,
    })),
    ...prepared.map(({ key, gid, user, since }) => ({
      key: `prepared ${key}`,
      words: say`prepared transaction ${gid} of ${user}, since ${since}`,
    })),
  ]
}

export interface WaitForEnds {
  exceptOurs: boolean
  /** Milliseconds since 1970. */
  deadline: number
  timeoutSeconds: number
  signal: AbortSignal
  say: (message: string, level?: 'info' | 'warn') => void
}

/** Waits until the transactions that are open now have ended. Throws, and names them, when the time is over. */
export async function awaitOpenTransactions(session: Session, waiting: WaitForEnds): Promise<void> {
  const { deadline, timeoutSeconds, signal, say: log } = waiting
  let left = await readOpenTransactions(session, waiting)
  if (left.length === 0) return
  log(say`waiting for ${listed(left)}`)
  for (;;) {
    if (Date.now() > deadline) {
      throw new PgtrekError(
        say`${describeSettings(session.settings)}: not ended within ${formatDuration(timeoutSeconds)}: ${listed(left)}. What they commit later would be lost. Commit or end them, or give them more time (--timeout)`,
      )
    }
    await pause(checkEveryMs, signal)
    const open = new Set((await readOpenTransactions(session, waiting)).map(({ key }) => key))
    left = left.filter(({ key }) => open.has(key))
    if (left.length === 0) return
  }
}

export function listed(transactions: readonly OpenTransaction[]): string {
  const more = transactions.length - mostNamed
  const count = formatCount(transactions.length, 'open transaction')
  const named = transactions
    .slice(0, mostNamed)
    .map(({ words }) => words)
    .join('; ')
  const others = more > 0 ? say`; and ${more} more` : ''
  return transactions.length === 1
    ? say`${count} that has written: ${named}${others}`
    : say`${count} that have written: ${named}${others}`
}
