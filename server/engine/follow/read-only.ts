// A side that is left is made read-only for as long as the user wants: the database's default, and an end to
// the sessions that began before it.
import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'
import { Session } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import { ownMark } from '../run-lock.ts'

/** Tells what it takes to undo it before it is done. */
export async function makeReadOnly(
  settings: ConnectionSettings,
  onBefore: (before: string | null) => void,
): Promise<{ before: string | null }> {
  await using session = await Session.open(settings)
  const before = await readReadOnlyDefault(session)
  onBefore(before)
  await session.execute(
    `alter database ${quoteIdentifier(settings.database)} set default_transaction_read_only = on`,
  )
  return { before }
}

export async function undoReadOnly(settings: ConnectionSettings, before: string | null): Promise<void> {
  await using session = await Session.open(settings)
  const database = quoteIdentifier(settings.database)
  await session.execute(
    before === null
      ? `alter database ${database} reset default_transaction_read_only`
      : `alter database ${database} set default_transaction_read_only = ${quoteLiteral(before)}`,
  )
}

export interface OtherSession {
  pid: number
  user: string | null
  application: string
}

/** Those that people and programs have in this database: not ours, not the server's own. */
export async function readOtherSessions(session: Session): Promise<OtherSession[]> {
  return await session.query<OtherSession>(`
    select pid, usename as "user", application_name as application
      from pg_catalog.pg_stat_activity
     where datname = pg_catalog.current_database()
       and backend_type = 'client backend'
       and application_name <> ${quoteLiteral(session.settings.applicationName)}
       and not pg_catalog.starts_with(application_name, ${quoteLiteral(ownMark)})
     order by pid`)
}

/** Says how many are still there afterwards: of roles that ours may not end. */
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
  for (let attempt = 0; attempt < 50; attempt++) {
    const there = new Set((await readOtherSessions(session)).map(({ pid }) => pid))
    if (others.every(({ pid }) => refused.has(pid) || !there.has(pid))) break
    await Bun.sleep(100)
  }
  return { ended, left: others.filter(({ pid }) => refused.has(pid)) }
}

export async function readReadOnlyDefault(session: Session): Promise<string | null> {
  const [row] = await session.query<{ setting: string }>(`
    select substr(setting, length('default_transaction_read_only=') + 1) as setting
      from pg_catalog.pg_db_role_setting s
      join pg_catalog.pg_database d on d.oid = s.setdatabase,
           unnest(s.setconfig) setting
     where d.datname = pg_catalog.current_database()
       and s.setrole = 0
       and setting like 'default_transaction_read_only=%'`)
  return row?.setting ?? null
}
