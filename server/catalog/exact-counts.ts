// Counts the rows of many tables with several sessions under one snapshot, so that the counts are consistent.
import { Cancelled, PgtrekError, ServerError } from '../postgres/errors.ts'
import { quoteQualified } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'

export interface CountedTable {
  oid: number
  schema: string
  name: string
  tableBytes: number
}

export interface CountOptions {
  /** Exported by a transaction that stays open during the count. */
  snapshot: string
  sessions: number
  signal: AbortSignal
  onCounted?(done: number): void
}

/** Table OID -> the number of its own rows, without those of its children, or why they could not be counted. */
export type Counts = Map<number, number | PgtrekError>

/** A transaction keeps a lock for each table that it has read, and a server has room for some thousand locks. */
const tablesPerTransaction = 100
/** If a table is locked exclusively for longer, its count fails. */
const longestWait = '60s'

export async function countRows(
  settings: ConnectionSettings,
  tables: readonly CountedTable[],
  options: CountOptions,
): Promise<Counts> {
  const { signal } = options
  const counts: Counts = new Map()
  const queue = tables.toSorted((one, other) => other.tableBytes - one.tableBytes)
  await using stack = new AsyncDisposableStack()
  const open = async () => stack.use(await Session.open(settings, { signal }))
  const count = Math.max(1, Math.min(options.sessions, queue.length))
  const sessions = await Promise.all(Array.from({ length: count }, open))
  const stop = () => {
    queue.length = 0
    for (const session of sessions) void session.cancel().catch(() => session.destroy())
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    signal.throwIfAborted()
    const results = await Promise.allSettled(
      sessions.map((session) => {
        return countWith(session, queue, counts, options).catch((error) => {
          stop()
          throw error
        })
      }),
    )
    if (signal.aborted) throw new Cancelled()
    for (const result of results) if (result.status === 'rejected') throw result.reason
    return counts
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function countWith(
  session: Session,
  queue: CountedTable[],
  counts: Counts,
  { snapshot, signal, onCounted }: CountOptions,
): Promise<void> {
  // With row security only the rows that this role sees would be counted. With this setting the count fails instead.
  const begin = () =>
    session.execute(`
      begin isolation level repeatable read, read only;
      set local row_security = off;
      set local lock_timeout = '${longestWait}';
      set transaction snapshot '${snapshot}'`)
  let read = 0
  for (let table = queue.shift(); table; table = queue.shift()) {
    if (read++ % tablesPerTransaction === 0) {
      if (read > 1) await session.execute('commit')
      await begin()
    }
    const rows = await ownRows(session, table)
    if (signal.aborted) return
    counts.set(table.oid, rows)
    onCounted?.(counts.size)
    if (rows instanceof PgtrekError) {
      await session.execute('rollback')
      await begin()
    }
  }
  if (read > 0) await session.execute('commit')
}

async function ownRows(session: Session, { schema, name }: CountedTable): Promise<number | PgtrekError> {
  try {
    const { rows } = await session.one<{ rows: string }>(
      `select count(*)::text as rows from only ${quoteQualified(schema, name)}`,
    )
    return Number(rows)
  } catch (error) {
    if (error instanceof ServerError) return error
    throw error
  }
}
