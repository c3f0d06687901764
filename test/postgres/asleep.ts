// A statement that runs until it is ended.
import type { Session } from '../../server/postgres/session.ts'
import { eventually } from '../../tools/eventually.ts'
import type { Cluster } from '../../tools/servers/clusters.ts'

/** Starts it, and resolves when the server runs it; `outcome` is the error that it ends with. */
export async function fallAsleep(server: Cluster, session: Session): Promise<{ outcome: Promise<unknown> }> {
  const outcome = session.query('select pg_sleep(600)').catch((error: unknown) => error)
  await eventually(
    'the statement to run',
    () =>
      server.sql('postgres', 'select state, wait_event from pg_stat_activity where pid = $1', [session.pid]),
    ([row]) => row?.wait_event === 'PgSleep',
  )
  return { outcome }
}
