// Advisory locks that a test holds: a statement that takes one of them waits until the test releases it.
import type { TestDatabase } from '../../tools/servers/clusters.ts'

/** Holds the lock while `work` runs, and always releases it. */
export async function holding<Result>(
  key: number,
  database: TestDatabase,
  work: () => Promise<Result>,
): Promise<Result> {
  const holder = database.connect({ max: 1 })
  try {
    await holder`select pg_advisory_lock(${key})`
    return await work()
  } finally {
    await holder.end()
  }
}

/** The sessions that wait for the lock. */
export function waitersFor(key: number, { sql }: TestDatabase): Promise<{ pid: number }[]> {
  return sql(
    `select pid from pg_locks join pg_stat_activity using (pid)
      where datname = current_database() and locktype = 'advisory' and objid = $1 and not granted`,
    [key],
  )
}
