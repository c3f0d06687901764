// Makes the old primary read-only. The database's default is for new sessions, and a session can override it (BEGIN READ
// WRITE), so each table also gets a trigger that refuses writes. CREATE TRIGGER waits for transactions that have written to
// the table, so afterwards none of them is open. Changes that the move applies pass the trigger: as a replica, or by a
// session setting where the role may not be one.

import { messageOf } from '../../../shared/message-of.ts'
import { say } from '../../../shared/say.ts'
import { showName } from '../../../shared/table-name.ts'
import { appliesSetting } from '../../catalog/own.ts'
import {
  commentSql,
  defaultSql,
  guardFunction,
  guardTrigger,
  lockSql,
  type ReadOnlyMark,
  type ReadOnlyState,
  readReadOnly,
  readReadOnlyDefault,
} from '../../catalog/read-only-state.ts'
import { dropEmptySchema } from '../../coordination/own-schema.ts'
import { PgtrekError, ServerError, sqlstate } from '../../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../../postgres/quote.ts'
import { Session } from '../../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../../postgres/settings.ts'
import { inTransaction } from '../../postgres/transaction.ts'

/**
 * Applications queue behind our lock request for a table, so it is given up after this time and repeated. Longer than
 * deadlock_timeout, after which an autovacuum worker is cancelled.
 */
const lockTimeout = "set lock_timeout = '2s'"
/** For several tables at once. Shorter than deadlock_timeout. */
const batchLockMs = 100
const tablesPerBatch = 50
const undoWithinMs = 10_000
const mostNamed = 10

interface Table {
  schema: string
  name: string
}

export interface Guarded {
  /** Tables whose writes are refused. */
  tables: number
  /** Tables protected only by the default of the database, with the reason. */
  unguarded: (Table & { reason: string })[]
}

export interface ReadOnlyRequest {
  /** The name of the move. */
  move: string
  /** The new primary, for the error message of the trigger. */
  to: string
  /** Milliseconds since 1970. */
  deadline: number
  signal: AbortSignal
  say: (message: string, level?: 'info' | 'warn') => void
}

/** Makes new sessions read-only by default. In one transaction, so that a kill leaves all of it or nothing. */
export async function setReadOnly(
  settings: ConnectionSettings,
  { move, to }: Pick<ReadOnlyRequest, 'move' | 'to'>,
): Promise<void> {
  await using session = await Session.open(settings)
  await inTransaction(session, async () => {
    await session.query(lockSql)
    const state = await readReadOnly(session)
    const isActive = state && Object.keys(state.moves).length > 0
    const before = state ? state.before : await readReadOnlyDefault(session)
    const [there] = await session.query("select from pg_catalog.pg_namespace where nspname = 'pgtrek'")
    if (!there) await session.execute('create schema pgtrek')
    if (!isActive) await session.execute(refusingFunction(settings, to))
    await session.execute(commentSql({ before, moves: { ...state?.moves, [move]: 'switching' } }))
    await session.execute(defaultSql(quoteIdentifier(settings.database), 'on'))
  })
}

/** Adds the trigger to every table that our role may add one to. Throws when a table stays locked for too long. */
export async function guardTables(
  settings: ConnectionSettings,
  { deadline, signal, say: log }: ReadOnlyRequest,
): Promise<Guarded> {
  await using session = await Session.open(settings, { signal })
  // These commits need not wait for the disk: the sentinel, which comes later, does.
  await session.execute(`${lockTimeout}; set synchronous_commit = off`)
  const guarded: Guarded = { tables: 0, unguarded: [] }
  const tables = await readTables(session)
  const open = tables.filter(({ isGuarded, mayGuard }) => !isGuarded && mayGuard)
  guarded.tables = tables.filter(({ isGuarded }) => isGuarded).length
  for (const { mayGuard, isGuarded, isExtension, schema, name } of tables) {
    if (mayGuard || isGuarded || isExtension) continue
    guarded.unguarded.push({ schema, name, reason: say`role ${settings.user} has no TRIGGER privilege` })
  }
  await eachTable(
    session,
    open,
    guardStatement,
    async ({ schema, name }, statement) => {
      const table = { schema, name }
      const outcome = await whenUnlocked(session, table, { statement, deadline, signal, say: log })
      if (outcome === undefined) guarded.tables++
      else guarded.unguarded.push({ ...table, reason: outcome })
    },
    (done) => {
      guarded.tables += done
    },
  )
  return guarded
}

/** Part of the handover's transaction: from here on only the user makes this side writable again. */
export async function keepReadOnly(session: Session, move: string): Promise<void> {
  await session.query(lockSql)
  const state = await readReadOnly(session)
  if (!state || !(move in state.moves)) return
  const moves: Record<string, ReadOnlyMark> = { ...state.moves, [move]: 'switched_over' }
  await session.execute(commentSql({ ...state, moves }))
}

export type Undone =
  | { state: 'not_ours' }
  /** Other moves have made it read-only too. */
  | { state: 'kept'; moves: string[] }
  /** Writable. `left`: triggers that could not be dropped, and that do nothing any more. */
  | { state: 'writable'; left: string[] }

/** Makes the side writable at once, and drops triggers when their tables are not locked. */
export async function undoReadOnly(settings: ConnectionSettings, move: string): Promise<Undone> {
  await using session = await Session.open(settings)
  const state = await inTransaction(session, async () => {
    await session.query(lockSql)
    const found = await readReadOnly(session)
    if (!found) return undefined
    const { [move]: own, ...moves } = found.moves
    if (own === undefined && Object.keys(moves).length > 0) return found
    const left: ReadOnlyState = { ...found, moves }
    if (Object.keys(moves).length === 0) {
      await session.execute(permittingFunction)
      await session.execute(defaultSql(quoteIdentifier(settings.database), found.before))
    }
    await session.execute(commentSql(left))
    return left
  })
  if (!state) return { state: 'not_ours' }
  const others = Object.keys(state.moves)
  if (others.length > 0) return { state: 'kept', moves: others }
  return { state: 'writable', left: await removeGuard(session) }
}

async function removeGuard(session: Session): Promise<string[]> {
  const left: string[] = []
  await session.execute(lockTimeout)
  const deadline = Date.now() + undoWithinMs
  const tables = (await readTables(session)).filter(({ isGuarded }) => isGuarded)
  await eachTable(session, tables, dropStatement, async (table, statement) => {
    try {
      const outcome = await whenUnlocked(session, table, { statement, deadline, say() {} })
      if (outcome !== undefined) left.push(`${showName(table)} (${outcome})`)
    } catch (error) {
      left.push(`${showName(table)} (${messageOf(error)})`)
    }
  })
  if (left.length > 0) return left
  await session.execute(`drop function if exists ${guardFunction}`)
  await dropEmptySchema(session)
  return []
}

function guardStatement({ schema, name }: Table): string {
  return `create trigger ${guardTrigger} before insert or update or delete or truncate
    on ${quoteQualified(schema, name)} for each statement execute function ${guardFunction}`
}

function dropStatement({ schema, name }: Table): string {
  return `drop trigger if exists ${guardTrigger} on ${quoteQualified(schema, name)}`
}

/** Many tables in one transaction, if all of them can be locked at once; otherwise one after the other. */
async function eachTable(
  session: Session,
  tables: readonly Table[],
  statementFor: (table: Table) => string,
  alone: (table: Table, statement: string) => Promise<void>,
  onDone: (count: number) => void = () => {},
): Promise<void> {
  for (let first = 0; first < tables.length; first += tablesPerBatch) {
    const some = tables.slice(first, first + tablesPerBatch)
    try {
      const statements = some.map(statementFor).join(';\n')
      await session.execute(
        `begin read write; set local lock_timeout = '${batchLockMs}ms'; ${statements}; commit`,
      )
      onDone(some.length)
      continue
    } catch (error) {
      await session.execute('rollback').catch(() => {})
      if (!(error instanceof ServerError)) throw error
    }
    for (const table of some) await alone(table, statementFor(table))
  }
}

interface Attempt {
  statement: string
  deadline: number
  signal?: AbortSignal
  say: ReadOnlyRequest['say']
}

/** Undefined when done; the server's message when it refuses. Throws when the table stays locked for too long. */
async function whenUnlocked(
  session: Session,
  table: Table,
  { statement, deadline, signal, say: log }: Attempt,
): Promise<string | undefined> {
  let isReported = false
  for (;;) {
    signal?.throwIfAborted()
    try {
      await session.execute(statement)
      return undefined
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      // The table was dropped, or another process has created the trigger.
      if (error.sqlstate === sqlstate.undefinedTable || error.sqlstate === sqlstate.duplicateObject)
        return undefined
      const isBusy =
        error.sqlstate === sqlstate.lockNotAvailable || error.sqlstate === sqlstate.deadlockDetected
      if (!isBusy) return error.message
      const who = say`${showName(table)} of ${describeSettings(session.settings)} is in use by ${await readHolders(session, table)}`
      if (Date.now() > deadline)
        throw new PgtrekError(say`${who}: end these transactions first, or give them more time (--timeout)`)
      if (!isReported) log(say`waiting: ${who}`, 'warn')
      isReported = true
    }
  }
}

/** The sessions that have locked a table, read after the wait. */
async function readHolders(session: Session, { schema, name }: Table): Promise<string> {
  const rows = await session.query<SessionOnTable>(`
    select distinct a.pid, a.usename as "user", a.xact_start::text as since, left(a.query, 100) as query
      from pg_catalog.pg_locks l
      join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'relation' and l.granted
       and l.mode not in ('AccessShareLock', 'RowShareLock')
       and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
       and l.relation = pg_catalog.to_regclass(${quoteLiteral(quoteQualified(schema, name))})
       and l.pid <> pg_catalog.pg_backend_pid()
     order by a.pid`)
  if (rows.length === 0) return say`a transaction that reads it, or has just ended`
  return rows.slice(0, mostNamed).map(showSession).join('; ')
}

interface SessionOnTable {
  pid: number
  user: string | null
  since: string | null
  query: string | null
}

function showSession({ pid, user, since, query }: SessionOnTable): string {
  return `process ${pid} (${[user ?? say`unknown role`, since && `since ${since}`, query].filter(Boolean).join(', ')})`
}

async function readTables(session: Session) {
  return await session.query<Table & { isGuarded: boolean; mayGuard: boolean; isExtension: boolean }>(`
    select n.nspname as schema,
           c.relname as name,
           exists (select from pg_catalog.pg_trigger t
                    where t.tgrelid = c.oid and t.tgname = '${guardTrigger}') as "isGuarded",
           pg_catalog.has_table_privilege(c.oid, 'TRIGGER') as "mayGuard",
           exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      and d.objid = c.oid and d.deptype = 'e') as "isExtension"
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p')
       and c.relpersistence <> 't'
       and n.nspname not in ('pg_catalog', 'information_schema', 'pgtrek')
     order by 1, 2`)
}

function refusingFunction({ database }: ConnectionSettings, to: string): string {
  const message = `database ${database} is read-only: pgtrek has switched it over to ${to}`
  const hint =
    'Connect the application there. "pgtrek cleanup --writable" or a switchover back makes this database writable again.'
  // Names are qualified, so that they work with every search_path.
  return `
    create or replace function ${guardFunction} returns trigger language plpgsql as ${quoteLiteral(`
begin
  if pg_catalog.current_setting('${appliesSetting}', true) operator(pg_catalog.=) 'on' then
    return null;
  end if;
  raise exception using errcode = '25006', message = ${quoteLiteral(message)}, hint = ${quoteLiteral(hint)};
end`)}`
}

const permittingFunction = `
  create or replace function ${guardFunction} returns trigger language plpgsql as 'begin return null; end'`
