// Up to which position changes are applied, stored on the destination in the same transactions as the changes: in a
// replication origin where the role may use one, otherwise in a table of ours. From 16 on an origin also advances
// when its transaction fails while it commits, which would lose that transaction. There the origin only marks our
// writes, and the table holds the position.
// https://www.postgresql.org/docs/current/replication-origins.html
import { say } from '../../../shared/say.ts'
import { dropEmptySchema } from '../../coordination/own-schema.ts'
import { PgtrekError, ServerError } from '../../postgres/errors.ts'
import { quoteLiteral } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { retryWhile } from '../../system/poll.ts'
import { type Lsn, noLsn, parseLsn, showLsn } from '../stream/lsn.ts'

export type PositionKind = 'origin' | 'table'

/** How a transaction stores its position. The parameters are the position and the time, as text. */
export interface Position {
  kind: PositionKind
  name: string
  lsn: Lsn
  storeSql: string
  /** Removes rows of older positions. To be run from time to time, with the position as parameter. */
  tidySql?: string | undefined
  /** The first statement of each transaction, which marks it as ours where it has no origin. */
  markSql?: string | undefined
  /**
   * Statements that transfer the position to another session: `give` in the one that holds it, then `take` in the
   * other.
   */
  transfer?: { give: string; take: string } | undefined
}

/** From this version on, rows are counted in the server's statistics as soon as their position is committed. */
export const countsAtCommitSince = 15

/** Otherwise the session counts them when it has been idle for some seconds. */
const countNow = 'pg_catalog.pg_stat_force_next_flush()'

/** The prefix of the message that marks our transactions where they cannot have an origin. */
export const echoPrefix = 'pgtrek_origin'

/** The prefix of all our origins, on every server. */
export const originPrefix = 'pgtrek_'

/** Another session applies under the same name, or the session of a killed process has not ended yet. */
export class PositionBusy extends PgtrekError {}
export class PositionMissing extends PgtrekError {}

const objectInUse = '55006'
/** How long a session that used a position may take to end. */
const endPatienceMs = 5000
const table = 'pgtrek.position'

/** Whether a failed transaction leaves the origin unchanged. */
export function isOriginSafe(major: number): boolean {
  return major < 16
}

export function originName(name: string): string {
  return originPrefix + name
}

/** Which kind the role of this session can use. */
export async function positionKindFor(session: Session): Promise<PositionKind> {
  // Before 13 the functions require a superuser, even with the privilege. From 18 on origins have a limit of their
  // own.
  const limit = session.major >= 18 ? 'max_active_replication_origins' : 'max_replication_slots'
  const { may } = await session.one<{ may: boolean }>(`
    select (select count(*) from pg_catalog.pg_replication_origin) < current_setting('${limit}')::int
       and (r.rolsuper or (${session.major >= 13} and (
             select bool_and(pg_catalog.has_function_privilege(p.oid, 'execute'))
               from pg_catalog.pg_proc p
              where p.pronamespace = 'pg_catalog'::regnamespace
                and p.proname in ('pg_replication_origin_create', 'pg_replication_origin_advance',
                                  'pg_replication_origin_oid', 'pg_replication_origin_progress',
                                  'pg_replication_origin_session_setup', 'pg_replication_origin_xact_setup',
                                  'pg_replication_origin_session_progress', 'pg_replication_origin_drop')
           ))) as may
      from pg_catalog.pg_roles r
     where r.rolname = current_user`)
  return may ? 'origin' : 'table'
}

/** Without waiting for the disk, the destination could lose the start of a move in a crash. */
const onDisk = 'set local synchronous_commit = on'

/** Stores the position to start at: that of the snapshot whose rows were copied. It replaces an older one. */
export async function createPosition(
  session: Session,
  name: string,
  lsn: Lsn,
  kind?: PositionKind,
): Promise<PositionKind> {
  const chosen = kind ?? (await positionKindFor(session))
  await dropPosition(session, name)
  const [text, origin] = [quoteLiteral(showLsn(lsn)), quoteLiteral(originName(name))]
  // Rows are inserted, never updated: with a key, old versions that are visible to an open snapshot would slow down
  // every update. A publication of all tables refuses deletes from a table without replica identity.
  const identity = (await hasTable(session)) ? '' : `alter table ${table} replica identity full;`
  const row = `
    create schema if not exists pgtrek;
    create table if not exists ${table} (name text not null, lsn pg_catalog.pg_lsn not null, time timestamptz);
    ${identity}
    insert into ${table} (name, lsn) values (${quoteLiteral(name)}, ${text});`
  const mark = `
    select pg_catalog.pg_replication_origin_create(${origin});
    select pg_catalog.pg_replication_origin_advance(${origin}, ${text});`
  const needsRow = chosen === 'table' || !isOriginSafe(session.major)
  await session.execute(`${onDisk}; ${needsRow ? row : ''} ${chosen === 'origin' ? mark : ''}`)
  return chosen
}

/** The stored position; undefined when the destination has none of this name. */
export async function readPosition(
  session: Session,
  name: string,
): Promise<{ kind: PositionKind; lsn: Lsn } | undefined> {
  const origin = quoteLiteral(originName(name))
  const [known] = await session.query(`select from pg_catalog.pg_replication_origin where roname = ${origin}`)
  if (known && isOriginSafe(session.major)) {
    const row = await session.one<{ lsn: string | null }>(
      `select pg_catalog.pg_replication_origin_progress(${origin}, true)::text as lsn`,
    )
    return { kind: 'origin', lsn: row.lsn === null ? noLsn : parseLsn(row.lsn) }
  }
  const lsn = (await hasTable(session)) ? await readRow(session, name) : noLsn
  if (known) return { kind: 'origin', lsn }
  return lsn === noLsn ? undefined : { kind: 'table', lsn }
}

async function readRow(session: Session, name: string): Promise<Lsn> {
  const [row] = await session.query<{ lsn: string }>(
    `select lsn::text as lsn from ${table} where name = ${quoteLiteral(name)} order by ${table}.lsn desc limit 1`,
  )
  return row ? parseLsn(row.lsn) : noLsn
}

/** The table is dropped with its last row, the schema when it is empty. Returns what was dropped, in words. */
export async function dropPosition(session: Session, name: string): Promise<string[]> {
  const known = await readPosition(session, name)
  const dropped: string[] = []
  if (known?.kind === 'origin') {
    await dropOrigin(session, name)
    dropped.push(say`replication origin ${originName(name)}`)
  }
  if (!(await hasTable(session))) return dropped
  const rows = await session.query(`delete from ${table} where name = ${quoteLiteral(name)} returning 1`)
  if (rows.length > 0) dropped.push(`position ${name}`)
  const { left } = await session.one<{ left: number }>(`select count(*)::int as left from ${table}`)
  if (left > 0) return dropped
  await session.execute(`drop table ${table}`)
  return [...dropped, `table ${table}`, ...(await dropEmptySchema(session))]
}

/** The session that used it may need a moment to end. */
async function dropOrigin(session: Session, name: string) {
  const isInUse = (error: unknown) => error instanceof ServerError && error.sqlstate === objectInUse
  const drop = `select pg_catalog.pg_replication_origin_drop(${quoteLiteral(originName(name))})`
  await retryWhile(isInUse, () => session.query(drop), { everyMs: 50, withinMs: endPatienceMs })
}

/**
 * Until the session ends, no other session can apply under this name. An earlier one, and its helpers, may need a moment
 * to end.
 */
export async function holdPosition(session: Session, name: string, signal?: AbortSignal): Promise<Position> {
  const isBusy = (error: unknown) => error instanceof PositionBusy
  return await retryWhile(isBusy, () => takePosition(session, name), {
    ...{ everyMs: 50, withinMs: endPatienceMs, signal },
  })
}

async function takePosition(session: Session, name: string): Promise<Position> {
  const known = await readPosition(session, name)
  if (!known) {
    throw new PositionMissing(
      say`the destination has no record of which changes are applied (no position ${name}): copy the rows again, under the snapshot of a new slot`,
    )
  }
  const position: Position =
    known.kind === 'origin'
      ? await holdOrigin(session, name)
      : { kind: 'table', markSql: markSqlOf(name), ...(await holdRow(session, name)) }
  if (position.lsn === noLsn) throw new PositionMissing(say`the position ${name} has never been set`)
  return position
}

async function holdOrigin(session: Session, name: string): Promise<Position> {
  const take = `select pg_catalog.pg_replication_origin_session_setup(${quoteLiteral(originName(name))})`
  try {
    await session.query(take)
  } catch (error) {
    if ((error as { sqlstate?: string }).sqlstate !== objectInUse) throw error
    throw new PositionBusy(say`another session is applying changes as ${name}`, { cause: error })
  }
  const transfer = { give: 'select pg_catalog.pg_replication_origin_session_reset()', take }
  if (!isOriginSafe(session.major)) return { kind: 'origin', transfer, ...(await holdRow(session, name)) }
  // Read now, when no other session can advance it any more.
  const { lsn } = await session.one<{ lsn: string | null }>(
    'select pg_catalog.pg_replication_origin_session_progress(true)::text as lsn',
  )
  return {
    kind: 'origin',
    name,
    lsn: lsn === null ? noLsn : parseLsn(lsn),
    storeSql: `select pg_catalog.pg_replication_origin_xact_setup($1::pg_catalog.pg_lsn, $2::timestamptz)${session.major >= countsAtCommitSince ? `, ${countNow}` : ''}`,
    transfer,
  }
}

async function holdRow(
  session: Session,
  name: string,
): Promise<Pick<Position, 'name' | 'lsn' | 'storeSql' | 'tidySql'>> {
  const literal = quoteLiteral(name)
  const busy = () => new PositionBusy(say`another session is applying changes as ${name}`)
  if (!(await tryLock(session, `pgtrek position ${name}`))) throw busy()
  // The helper of a killed session could still commit.
  if (!(await tryLock(session, helperLock(name)))) throw busy()
  await session.query(`select pg_catalog.pg_advisory_unlock(${lockKey(helperLock(name))})`)
  // Read now: a killed session may have committed once more before its lock was released.
  const lsn = (await hasTable(session)) ? await readRow(session, name) : noLsn
  const tidySql = `delete from ${table} where name = ${literal} and lsn < $1::pg_catalog.pg_lsn`
  if (lsn !== noLsn) await session.query(tidySql.replace('$1', quoteLiteral(showLsn(lsn))))
  return {
    name,
    lsn,
    storeSql: `insert into ${table} (name, lsn, time) values (${literal}, $1::pg_catalog.pg_lsn, $2::timestamptz)${session.major >= countsAtCommitSince ? ` returning ${countNow}` : ''}`,
    tidySql,
  }
}

/** Without an origin each transaction has to mark itself as ours. */
const markSqlOf = (name: string) =>
  `select pg_catalog.pg_logical_emit_message(true, '${echoPrefix}', ${quoteLiteral(name)})`

/** Lets a second session store the position of the session that holds it. */
export async function helpWithPosition(session: Session, { tidySql, name }: Position): Promise<void> {
  if (!tidySql) return
  if (await tryLock(session, helperLock(name))) return
  throw new PositionBusy(say`another session is applying changes as ${name}`)
}

const helperLock = (name: string) => `pgtrek helper ${name}`
const lockKey = (text: string) => `pg_catalog.hashtextextended(${quoteLiteral(text)}, 0)`

async function tryLock(session: Session, text: string): Promise<boolean> {
  const { held } = await session.one<{ held: boolean }>(
    `select pg_catalog.pg_try_advisory_lock(${lockKey(text)}) as held`,
  )
  return held
}

/** Whether a stream to this server has no origin. */
export async function hasTablePositions(session: Session): Promise<boolean> {
  if (!(await hasTable(session))) return false
  const { some } = await session.one<{ some: boolean }>(`select exists (select from ${table}) as some`)
  return some
}

async function hasTable(session: Session): Promise<boolean> {
  const { there } = await session.one<{ there: boolean }>(
    `select pg_catalog.to_regclass('${table}') is not null as there`,
  )
  return there
}
