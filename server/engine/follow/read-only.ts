// A side that is left is made read-only for as long as the user wants: the database's default, an end to the
// sessions that began before it, and a trigger on each table, since a default can be overruled by every session.
// What was done is read from the server itself: any process can undo it, also after a kill.
import { PgtrekError, ServerError } from '../../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../../postgres/quote.ts'
import { Session } from '../../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../../postgres/settings.ts'
import { dropEmptySchema } from '../../replication/position.ts'
import { ownMark } from '../run-lock.ts'

/** Our own sessions that apply changes say so: they write also where the role may not turn triggers off. */
export const applyingSetting = 'pgtrek.applying'

const trigger = 'pgtrek_read_only'
const refusal = 'pgtrek.refuse_writes()'
/** Each transaction holds a lock on so many tables at once: a server has room for some thousand. */
const tablesAtOnce = 200
/** An application that needs what we wait for waits no longer either. */
const lockSlice = '500ms'
const retried: ReadonlySet<string> = new Set(['55P03', '40P01'])
const refused: ReadonlySet<string> = new Set(['42501', '42P01', '42809', '0A000'])

export interface ReadOnlyMark {
  /** The setting that the database had; null when it had none. */
  before: string | null
  /** The switchover that made it read-only is complete; until then whoever finds it broken off may undo it. */
  isSwitchedOver: boolean
}

/** Undefined when pgtrek has not made this database read-only. */
export async function readReadOnlyMark(session: Session): Promise<ReadOnlyMark | undefined> {
  const [row] = await session.query<{ comment: string | null }>(`
    select pg_catalog.obj_description(p.oid, 'pg_proc') as comment
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where n.nspname = 'pgtrek' and p.proname = 'refuse_writes'`)
  if (!row) return undefined
  const found = /^before: (on|off)$/m.exec(row.comment ?? '')
  return { before: found?.[1] ?? null, isSwitchedOver: /^switched over$/m.test(row.comment ?? '') }
}

function markStatement({ before, isSwitchedOver }: ReadOnlyMark): string {
  const lines = [`before: ${before ?? 'no setting'}`, isSwitchedOver ? 'switched over' : 'switching over']
  return `comment on function ${refusal} is ${quoteLiteral(lines.join('\n'))}`
}

/** From here on only a switchover back or a cleanup makes it writable. */
export async function keepReadOnly(settings: ConnectionSettings): Promise<void> {
  await using session = await Session.open(settings)
  const mark = await readReadOnlyMark(session)
  if (!mark) return
  await session.execute(`begin read write; ${markStatement({ ...mark, isSwitchedOver: true })}; commit`)
}

/** New sessions cannot write; the same transaction notes what it takes to undo it. */
export async function makeReadOnly(settings: ConnectionSettings, to: ConnectionSettings): Promise<void> {
  await using session = await Session.open(settings)
  const earlier = await readReadOnlyMark(session)
  const before = earlier ? earlier.before : await readReadOnlyDefault(session)
  const message = `This database was switched over to ${describeSettings(to)} by pgtrek, and is read-only.`
  const hint = '"pgtrek cleanup --writable" or "pgtrek switchover --back" makes it writable again.'
  await session.execute(`
    begin read write;
    create schema if not exists pgtrek;
    create or replace function ${refusal} returns trigger language plpgsql as ${quoteLiteral(`
      begin
        if coalesce(pg_catalog.current_setting('${applyingSetting}', true), '') = 'on' then return null; end if;
        raise exception using errcode = '25006', message = ${quoteLiteral(message)}, hint = ${quoteLiteral(hint)};
      end`)};
    ${markStatement({ before, isSwitchedOver: false })};
    alter database ${quoteIdentifier(settings.database)} set default_transaction_read_only = on;
    commit`)
}

export interface Guarded {
  tables: number
  /** On which our role may not create a trigger: sessions that ask for a transaction that may write can. */
  unguarded: string[]
}

/**
 * A trigger that refuses to write, on every table. Creating it waits for each transaction that has written to the
 * table, so that afterwards none is open.
 */
export async function guardTables(
  settings: ConnectionSettings,
  { deadline, signal }: { deadline: number; signal: AbortSignal },
): Promise<Guarded> {
  await using session = await Session.open(settings, { signal })
  const unguarded: string[] = []
  const tables = await readUnguarded(session)
  for (let first = 0; first < tables.length; first += tablesAtOnce) {
    const some = tables.slice(first, first + tablesAtOnce)
    const failed = await tryGuard(session, some, deadline)
    if (!failed) continue
    // One of them refused: each by itself.
    for (const table of some) {
      if (await tryGuard(session, [table], deadline)) unguarded.push(table.shown)
    }
  }
  const { count } = await session.one<{ count: number }>(
    `select count(*)::int as count from pg_catalog.pg_trigger where tgname = ${quoteLiteral(trigger)}`,
  )
  return { tables: count, unguarded }
}

interface Table {
  name: string
  shown: string
}

async function readUnguarded(session: Session): Promise<Table[]> {
  const rows = await session.query<{ schema: string; name: string }>(`
    select n.nspname as schema, c.relname as name
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and c.relpersistence <> 't'
       and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgtrek')
       and not exists (select from pg_catalog.pg_trigger t
                        where t.tgrelid = c.oid and t.tgname = ${quoteLiteral(trigger)})
     order by c.oid`)
  return rows.map(({ schema, name }) => ({ name: quoteQualified(schema, name), shown: `${schema}.${name}` }))
}

/** Answers the server's refusal; throws when locks are not to be had in time. */
async function tryGuard(
  session: Session,
  tables: readonly Table[],
  deadline: number,
): Promise<ServerError | undefined> {
  const statements = tables.map(
    ({ name }) =>
      `create trigger ${trigger} before insert or update or delete or truncate on ${name} for each statement execute function ${refusal}`,
  )
  for (;;) {
    try {
      await session.execute(
        ['begin read write', `set local lock_timeout = '${lockSlice}'`, ...statements, 'commit'].join('; '),
      )
      return undefined
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      await session.execute('rollback')
      if (refused.has(error.sqlstate)) return error
      if (!retried.has(error.sqlstate)) throw error
      if (Date.now() > deadline) {
        throw new PgtrekError(
          `${describeSettings(session.settings)} cannot be made read-only in time: transactions that are open hold locks on ${tables[0]?.shown}${tables.length > 1 ? ` or ${tables.length - 1} other tables` : ''}. End them, or give it more time (--timeout)`,
        )
      }
    }
  }
}

/** Undoes it; false when there was nothing of ours. Until the last step it can be tried again by anybody. */
export async function makeWritable(settings: ConnectionSettings): Promise<boolean> {
  await using session = await Session.open(settings)
  const mark = await readReadOnlyMark(session)
  if (!mark) return false
  const rows = await session.query<{ schema: string; name: string }>(`
    select n.nspname as schema, c.relname as name
      from pg_catalog.pg_trigger t
      join pg_catalog.pg_class c on c.oid = t.tgrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where t.tgname = ${quoteLiteral(trigger)}
     order by c.oid`)
  for (let first = 0; first < rows.length; first += tablesAtOnce) {
    const drops = rows
      .slice(first, first + tablesAtOnce)
      .map(({ schema, name }) => `drop trigger if exists ${trigger} on ${quoteQualified(schema, name)}`)
    await session.execute(`begin read write; ${drops.join('; ')}; commit`)
  }
  const database = quoteIdentifier(settings.database)
  await session.execute(`
    begin read write;
    drop function ${refusal};
    alter database ${database} ${
      mark.before === null
        ? 'reset default_transaction_read_only'
        : `set default_transaction_read_only = ${quoteLiteral(mark.before)}`
    };
    commit`)
  await dropEmptySchema(session)
  return true
}

export async function readOnlyMarkOf(settings: ConnectionSettings): Promise<ReadOnlyMark | undefined> {
  await using session = await Session.open(settings)
  return await readReadOnlyMark(session)
}

export interface OtherSession {
  pid: number
  user: string | null
  application: string | null
}

/**
 * Those that people and programs have in this database: not ours, not the server's own. Of sessions of other roles an
 * ordinary role sees only the process, the database and the role.
 */
export async function readOtherSessions(session: Session): Promise<OtherSession[]> {
  return await session.query<OtherSession>(`
    select pid, usename as "user", application_name as application
      from pg_catalog.pg_stat_activity
     where datname = pg_catalog.current_database()
       and usename is not null
       and coalesce(backend_type, 'client backend') = 'client backend'
       and coalesce(application_name, '') <> ${quoteLiteral(session.settings.applicationName)}
       and not pg_catalog.starts_with(coalesce(application_name, ''), ${quoteLiteral(ownMark)})
       and pid not in (select r.pid from pg_catalog.pg_stat_replication r where r.pid is not null)
       and pid not in (select s.pid from pg_catalog.pg_stat_subscription s where s.pid is not null)
     order by pid`)
}

/** Says which are still there afterwards: of roles that ours may not end. */
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

async function readReadOnlyDefault(session: Session): Promise<string | null> {
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
