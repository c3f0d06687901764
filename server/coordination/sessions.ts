// The sessions of the previous attempt. After a network failure the server may not have noticed that their
// connections are lost, so that they still hold the slot and the position.
import type { Session } from '../postgres/session.ts'

export interface SessionId {
  pid: number
  /** In microseconds. It is needed because process ids are reused. */
  since: string
}

export interface Sessions {
  source: SessionId
  destination: SessionId
  /** Also on the destination, one after another. */
  helpers: SessionId[]
}

/** The same text regardless of the session's date settings. */
const start = '(extract(epoch from backend_start) * 1000000)::int8::text'

export async function identify(session: Session): Promise<SessionId> {
  const { since } = await session.one<{ since: string }>(
    `select ${start} as since from pg_catalog.pg_stat_activity where pid = ${session.pid}`,
  )
  return { pid: session.pid, since }
}

/** Does nothing when the session has ended by itself. */
export async function endPredecessor(session: Session, before: SessionId | undefined): Promise<void> {
  if (!before) return
  await session.query(`
    select pg_catalog.pg_terminate_backend(pid)
      from pg_catalog.pg_stat_activity
     where pid = ${before.pid} and ${start} = '${before.since}'`)
}

/** Whether the session is working, or waits for a lock or the disk. False while it waits for its client. */
export async function isAtWork(session: Session, { pid, since }: SessionId): Promise<boolean> {
  const [row] = await session.query<{ working: boolean }>(`
    select state = 'active' and coalesce(wait_event_type, '') not in ('Client', 'Activity') as working
      from pg_catalog.pg_stat_activity
     where pid = ${pid} and ${start} = '${since}'`)
  return row?.working ?? false
}
