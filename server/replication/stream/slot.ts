// The replication slot on the source, which keeps the changes until they are safe on the destination.
// https://www.postgresql.org/docs/current/logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS
import { say } from '../../../shared/say.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'
import { Session, type SessionOptions } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import { pollUntil } from '../../system/poll.ts'
import { type Lsn, parseLsn, showLsn } from './lsn.ts'

/** Changes are lost or may be incomplete: rows have to be copied again. */
export class SlotUnusable extends PgtrekError {}

export interface CreatedSlot {
  name: string
  /** Changes that are committed after this position are in the stream, those before it in the snapshot. */
  consistentPoint: Lsn
  /** For `set transaction snapshot`, as long as the session below is open and idle. */
  snapshot: string
  session: Session
}

/**
 * Waits for the transactions that are open on the source. The caller closes the session, and a temporary slot with
 * it.
 */
export async function createSlot(
  source: ConnectionSettings,
  name: string,
  { temporary = false, ...options }: SessionOptions & { temporary?: boolean } = {},
): Promise<CreatedSlot> {
  const session = await Session.open(source, { ...options, replication: true })
  const abandon = () => session.destroy()
  options.signal?.addEventListener('abort', abandon, { once: true })
  try {
    const row = await session.one<{ consistent_point: string; snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)}${temporary ? ' TEMPORARY' : ''} LOGICAL pgoutput EXPORT_SNAPSHOT`,
    )
    return { name, consistentPoint: parseLsn(row.consistent_point), snapshot: row.snapshot_name, session }
  } catch (error) {
    session.destroy()
    options.signal?.throwIfAborted()
    throw error
  } finally {
    options.signal?.removeEventListener('abort', abandon)
  }
}

export interface PreparedTransaction {
  gid: string
  owner: string
  database: string
  since: string
}

/** Of all databases: a new slot waits until each of them is committed or rolled back. */
export function readPrepared(session: Session) {
  return session.query<PreparedTransaction>(`
    select gid, owner, database, prepared::timestamp(0)::text as since
      from pg_catalog.pg_prepared_xacts
     order by prepared, gid`)
}

/** The transactions of sessions that a new slot has to wait for, oldest first. */
export function readSlotBlockers(session: Session) {
  return session.query<{ pid: number; user: string; application: string; since: string; query: string }>(`
    select pid,
           usename                as "user",
           application_name       as application,
           xact_start::text       as since,
           left(query, 200)       as query
      from pg_catalog.pg_stat_activity
     where backend_xid is not null
       and pid <> pg_catalog.pg_backend_pid()
     order by xact_start`)
}

export interface SlotState {
  name: string
  plugin: string
  database: string
  active: boolean
  activePid: number | null
  /** Changes that were committed before this position are not sent any more. */
  confirmed: Lsn | undefined
  /** The log that the source keeps for the slot. */
  retainedBytes: number
  /** Why the server has invalidated the slot, in words. Undefined for a valid one. */
  lost: string | undefined
  /** The server will soon invalidate the slot. */
  endangered: boolean
  /**
   * After this much log the server may invalidate the slot. Undefined without such a limit, or if it is not reported.
   */
  safeBytes: number | undefined
}

export async function readSlot(session: Session, name: string): Promise<SlotState | undefined> {
  const known = {
    walStatus: session.major >= 13 ? 'wal_status' : "case when restart_lsn is null then 'lost' end",
    reason: session.major >= 17 ? 'invalidation_reason' : 'null',
    conflicting: session.major >= 16 ? 'coalesce(conflicting, false)' : 'false',
    safe: session.major >= 13 ? 'safe_wal_size::float8' : 'null::float8',
  }
  const [row] = await session.query<{
    plugin: string
    database: string
    active: boolean
    pid: number | null
    confirmed: string | null
    retained: number | null
    walStatus: string | null
    reason: string | null
    conflicting: boolean
    safe: number | null
  }>(`
    select plugin,
           database,
           active,
           active_pid                 as pid,
           confirmed_flush_lsn::text  as confirmed,
           case when pg_catalog.pg_is_in_recovery() then null
                else (pg_catalog.pg_current_wal_lsn() - restart_lsn)::float8 end as retained,
           ${known.walStatus}         as "walStatus",
           ${known.reason}            as reason,
           ${known.conflicting}       as conflicting,
           ${known.safe}              as safe
      from pg_catalog.pg_replication_slots
     where slot_name = ${quoteLiteral(name)}`)
  if (!row) return undefined
  const lost = row.reason ?? (row.conflicting ? 'conflict' : row.walStatus === 'lost' ? 'wal_removed' : null)
  return {
    name,
    plugin: row.plugin,
    database: row.database,
    active: row.active,
    activePid: row.pid,
    confirmed: row.confirmed === null ? undefined : parseLsn(row.confirmed),
    retainedBytes: row.retained ?? 0,
    lost: lost === null ? undefined : (reasons[lost] ?? lost),
    endangered: row.walStatus === 'unreserved',
    safeBytes: row.safe ?? undefined,
  }
}

const reasons: Record<string, string> = {
  wal_removed: say`the log it needs has been removed (max_slot_wal_keep_size)`,
  rows_removed: say`rows of the catalog that it needs have been removed`,
  wal_level_insufficient: say`wal_level was not logical for a while`,
  idle_timeout: say`it was not used for longer than idle_replication_slot_timeout`,
  conflict: say`it was in conflict with recovery`,
}

/** Throws unless the slot still has every change since the position. */
export async function checkSlot(session: Session, name: string, position: Lsn): Promise<SlotState> {
  const again = say`Nothing was changed. Start again with a new slot and a new copy of the rows.`
  const slot = await readSlot(session, name)
  if (!slot) {
    throw new SlotUnusable(
      say`the source has no replication slot ${name}: changes since ${showLsn(position)} are lost. ${again}`,
    )
  }
  if (slot.plugin !== 'pgoutput' || slot.database !== session.settings.database) {
    throw new SlotUnusable(
      say`the slot ${name} is a different one: of plugin ${slot.plugin} in database ${slot.database}`,
    )
  }
  if (slot.lost)
    throw new SlotUnusable(say`the source has invalidated the slot ${name}: ${slot.lost}. ${again}`)
  const end = await readEnd(session)
  if (end !== undefined && position > end) {
    throw new SlotUnusable(
      say`the destination has changes up to ${showLsn(position)}, but the log of the source ends at ${showLsn(end)}: the source is an older state, or another server. ${again}`,
    )
  }
  if (slot.confirmed !== undefined && slot.confirmed > position) {
    throw new SlotUnusable(
      say`the slot ${name} has been read up to ${showLsn(slot.confirmed)}, but the destination has changes only up to ${showLsn(position)}: another client used the slot, or the destination is an older state. ${again}`,
    )
  }
  return slot
}

/** Unknown on a standby, whose log comes from another server. */
async function readEnd(session: Session): Promise<Lsn | undefined> {
  const { lsn } = await session.one<{ lsn: string | null }>(
    'select case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_current_wal_flush_lsn()::text end as lsn',
  )
  return lsn === null ? undefined : parseLsn(lsn)
}

/** Another process reads from the slot. */
export class SlotInUse extends PgtrekError {}

/**
 * A slot of another database is not dropped. A process that reads from it is waited for, and ended only if the caller
 * knows that it is its own. True when the slot was dropped.
 */
export async function dropSlot(
  session: Session,
  name: string,
  { isOurs = false }: { isOurs?: boolean } = {},
): Promise<boolean> {
  const slot = await readSlot(session, name)
  if (!slot || slot.database !== session.settings.database) return false
  if (slot.activePid !== null && isOurs) {
    await session.query(`select pg_catalog.pg_terminate_backend(${slot.activePid})`)
  }
  await waitForReader(session, name)
  await session.query(`select pg_catalog.pg_drop_replication_slot(${quoteLiteral(name)})`)
  return true
}

const readerPatienceMs = 5000

/** Throws `SlotInUse` when the process does not end in time. */
export async function waitForReader(session: Session, name: string): Promise<void> {
  const slot = await pollUntil(
    () => readSlot(session, name),
    (found) => !found?.active,
    { everyMs: 100, withinMs: readerPatienceMs },
  )
  if (slot?.active) throw new SlotInUse(await describeReader(session, slot))
}

async function describeReader(session: Session, { name, activePid }: SlotState): Promise<string> {
  const [reader] = await session.query<{ application: string; user: string; address: string | null }>(`
    select application_name as application, usename as "user", pg_catalog.host(client_addr) as address
      from pg_catalog.pg_stat_activity
     where pid = ${activePid ?? 0}`)
  const who = reader
    ? `"${reader.application}" of role ${reader.user}${reader.address ? ` from ${reader.address}` : ''}`
    : say`a process that this role may not see`
  return say`the replication slot ${name} is in use by ${who} (server process ${activePid}): stop that process first. The slot was not dropped`
}
