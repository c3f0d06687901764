// The sessions of the attempt before this one: where the way to a server is broken, it may not know that we
// are gone, and hold the slot and the position for us.
import type { Session } from '../postgres/session.ts'

export interface SessionId {
  pid: number
  /** Microseconds: numbers of processes are used again. */
  since: string
}

export interface Sessions {
  source: SessionId
  destination: SessionId
  /** Also on the destination, one after the other. */
  helpers: SessionId[]
}

/** The same whatever a session has set for dates. */
const start = '(extract(epoch from backend_start) * 1000000)::int8::text'

export async function identify(session: Session): Promise<SessionId> {
  const { since } = await session.one<{ since: string }>(
    `select ${start} as since from pg_catalog.pg_stat_activity where pid = ${session.pid}`,
  )
  return { pid: session.pid, since }
}

/** Nothing happens where it has ended by itself. */
export async function endPredecessor(session: Session, before: SessionId | undefined): Promise<void> {
  if (!before) return
  await session.query(`
    select pg_catalog.pg_terminate_backend(pid)
      from pg_catalog.pg_stat_activity
     where pid = ${before.pid} and ${start} = '${before.since}'`)
}

/** Whether it is at work, or waits for somebody: for a lock, its disk, but neither for us nor for more to do. */
export async function isAtWork(session: Session, { pid, since }: SessionId): Promise<boolean> {
  const [row] = await session.query<{ working: boolean }>(`
    select state = 'active' and coalesce(wait_event_type, '') not in ('Client', 'Activity') as working
      from pg_catalog.pg_stat_activity
     where pid = ${pid} and ${start} = '${since}'`)
  return row?.working ?? false
}
