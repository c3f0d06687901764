// Sessions of a killed run are found by its mark, and ended before the next run starts.

import { PlanRefused, ServerError } from '../postgres/errors.ts'
import { markClass, markOf } from '../postgres/run-mark.ts'
import type { Session } from '../postgres/session.ts'
import { pollUntil } from '../system/poll.ts'

/** Servers seldom need longer to end a statement. */
const patienceMs = 30_000

/**
 * A server does not notice at once that a client has disappeared: a session that waits for a lock would get it later
 * and then change the tables. Resolves with the number of sessions when all have ended.
 */
export async function endSessionsOf(runs: readonly string[], session: Session): Promise<number> {
  if (runs.length === 0) return 0
  const marks = runs.map((run) => `${markOf(run) >>> 0}::pg_catalog.oid`).join(', ')
  const left = () =>
    session.query(`
      select pg_catalog.pg_terminate_backend(pid)
        from pg_catalog.pg_locks
       where locktype = 'advisory'
         and classid = ${markClass}::pg_catalog.oid
         and objid in (${marks})
         and objsubid = 2
         and database = (select oid from pg_catalog.pg_database where datname = current_database())
         and pid <> pg_catalog.pg_backend_pid()`)
  try {
    const found = (await left()).length
    const last = await pollUntil(left, (sessions) => sessions.length === 0, {
      everyMs: 50,
      withinMs: patienceMs,
    })
    if (last.length > 0) throw new PlanRefused(stillThere('they did not end in time'))
    return found
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    throw new PlanRefused(stillThere(error.message))
  }
}

/** Whether a session in this database holds the mark of this name. */
export async function isMarked(name: string, session: Session): Promise<boolean> {
  const found = await session.query(`
    select from pg_catalog.pg_locks
     where locktype = 'advisory'
       and classid = ${markClass}::pg_catalog.oid
       and objid = ${markOf(name) >>> 0}::pg_catalog.oid
       and objsubid = 2
       and granted
       and database = (select oid from pg_catalog.pg_database where datname = current_database())
     limit 1`)
  return found.length > 0
}

function stillThere(reason: string): string {
  return `sessions of a run that was killed are still active on the destination, and could not be ended: ${reason}. Nothing was changed`
}
