// Notices what others than the move write to followed tables of the destination: rows in the server's statistics that
// the move has not written. It costs one query at intervals, and misses what the server has not counted yet.

import type { ForeignTable, ForeignWrites } from '../../shared/foreign-writes.ts'
import { say } from '../../shared/say.ts'
import { type TableName, tableKey } from '../../shared/table-name.ts'
import type { Session } from '../postgres/session.ts'
import type { OwnWrites } from '../replication/apply/own-writes.ts'
import type { FollowRecord } from '../store/follow-memory.ts'
import { readCounts } from './comparison/unseen-writes.ts'
import { readOtherSessions } from './switchover/other-sessions.ts'

export interface ForeignWatchTimes {
  everyMs: number
  /** After this time the statistics include sessions that have ended. */
  settleMs: number
}

const defaultTimes: ForeignWatchTimes = { everyMs: 5_000, settleMs: 15_000 }

interface Known {
  /** Rows written by the move before the table was first seen. */
  ours: number
  since: number
  /** The server's count after `settleMs`. */
  base?: number
  /** Rows of others that were reported. */
  reported: number
}

/** OID on the destination -> the name that the table is followed by. */
type TablesThere = ReadonlyMap<number, TableName>

export class ForeignWatch {
  readonly #tables = new Map<number, Known>()
  #dueAt = 0

  constructor(
    readonly written: OwnWrites,
    readonly times = defaultTimes,
  ) {}

  get isDue(): boolean {
    return Date.now() >= this.#dueAt
  }

  /** Rows of others since the last check, for each table that has any; and which tables exist. */
  async check(
    destination: Session,
    tables: FollowRecord['tables'],
  ): Promise<{ found: ForeignTable[]; there: TablesThere }> {
    const startedAt = Date.now()
    const ids = new Map(
      tables.flatMap(({ schema, name, destination: oid }) =>
        oid === undefined ? [] : [[oid, { schema, name }]],
      ),
    )
    for (const oid of this.#tables.keys()) if (!ids.has(oid)) this.#tables.delete(oid)
    for (const oid of ids.keys()) {
      if (this.#tables.has(oid)) continue
      this.#tables.set(oid, { ours: this.written.of(oid).rows, since: startedAt, reported: 0 })
    }
    const { counts: counted } = await readCounts(destination, [...ids.keys()])
    const found: ForeignTable[] = []
    for (const [oid, table] of ids) {
      const rows = this.#foreign(oid, counted.get(oid) ?? 0, startedAt)
      if (rows > 0) found.push({ ...table, oid, rows })
    }
    // With many tables the query takes long: it then runs less often.
    this.#dueAt = Date.now() + Math.max(this.times.everyMs, 20 * (Date.now() - startedAt))
    const there = new Map([...ids].filter(([oid]) => counted.has(oid)))
    return { found, there }
  }

  /** Other sessions of pgtrek have written to these tables, or to any. */
  forget(tables?: FollowRecord['tables']) {
    if (!tables) return this.#tables.clear()
    for (const { destination } of tables) if (destination !== undefined) this.#tables.delete(destination)
  }

  #foreign(oid: number, counted: number, now: number): number {
    const known = this.#tables.get(oid)
    if (!known) return 0
    // The statistics were reset, or lost in a crash.
    if (known.base !== undefined && counted < known.base) {
      this.#tables.delete(oid)
      return 0
    }
    if (known.base === undefined) {
      if (now - known.since >= this.times.settleMs) known.base = counted
      return 0
    }
    const ours = this.written.of(oid).rows - known.ours
    const rows = counted - known.base - ours - known.reported
    if (rows > 0) known.reported += rows
    return rows
  }
}

/** Sessions that are writing to a followed table now come first. */
export async function nameOthers(
  destination: Session,
  { tables }: Pick<FollowRecord, 'tables'>,
): Promise<string[]> {
  const others = await readOtherSessions(destination)
  if (others.length === 0) return []
  const oids = tables.flatMap(({ destination: oid }) => oid ?? [])
  const writing = await destination.query<{ pid: number }>(`
    select distinct l.pid
      from pg_catalog.pg_locks l
      join pg_catalog.pg_database d on d.oid = l.database and d.datname = pg_catalog.current_database()
     where l.mode = 'RowExclusiveLock' and l.granted and l.relation in (${oids.join(', ') || '0'})`)
  const pids = new Set(writing.map(({ pid }) => pid))
  const named = others.map(({ pid, user, application, address }) => {
    const what = application === '' ? say`a program without a name` : application
    const who = address === null ? user : `${user} from ${address}`
    const isWriting = pids.has(pid)
    const words = isWriting
      ? say`${what} of ${who} (pid ${pid}, writing now)`
      : say`${what} of ${who} (pid ${pid})`
    return { isWriting, words }
  })
  return named
    .toSorted((one, other) => Number(other.isWriting) - Number(one.isWriting))
    .map(({ words }) => words)
}

export function addForeignWrites(
  before: ForeignWrites | undefined,
  found: readonly ForeignTable[],
  sessions: readonly string[],
): ForeignWrites {
  const tables = new Map((before?.tables ?? []).map((table) => [table.oid, table]))
  for (const table of found) {
    const rows = (tables.get(table.oid)?.rows ?? 0) + table.rows
    tables.set(table.oid, { ...table, rows })
  }
  return { tables: [...tables.values()], sessions: sessions.slice(0, mostSessions) }
}

const mostSessions = 20

/** With the current names and without dropped tables; undefined when nothing has changed. */
export function renamedForeignWrites(
  before: ForeignWrites | undefined,
  there: TablesThere,
): { foreignWrites: ForeignWrites | undefined } | undefined {
  if (!before) return undefined
  const isAsKnown = (table: ForeignTable) => {
    const now = there.get(table.oid)
    return now !== undefined && tableKey(now) === tableKey(table)
  }
  if (before.tables.every(isAsKnown)) return undefined
  const tables = before.tables.flatMap((table) => {
    const now = there.get(table.oid)
    return now ? [{ ...table, ...now }] : []
  })
  return { foreignWrites: tables.length > 0 ? { ...before, tables } : undefined }
}

/** Without tables that were found equal or copied again. */
export function forgetForeignWrites(
  before: ForeignWrites | undefined,
  tables: readonly TableName[],
): ForeignWrites | undefined {
  if (!before) return undefined
  const known = new Set(tables.map(tableKey))
  const left = before.tables.filter((table) => !known.has(tableKey(table)))
  return left.length > 0 ? { ...before, tables: left } : undefined
}

export function isWrittenByOthers({ foreignWrites }: FollowRecord, table: TableName): boolean {
  return foreignWrites?.tables.some((one) => tableKey(one) === tableKey(table)) ?? false
}
