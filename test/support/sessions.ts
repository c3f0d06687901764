// The sessions that pgtrek has on a test server.

import { eventually } from '../../tools/eventually.ts'
import type { TestDatabase } from '../../tools/servers/clusters.ts'

export async function noSessionsAreLeft(...databases: TestDatabase[]) {
  for (const database of databases) {
    await eventually(
      `the end of all sessions of pgtrek in ${new URL(database.url).host}/${database.name}`,
      () =>
        database.sql(
          `select pid, state, query from pg_stat_activity
            where datname = current_database() and application_name = 'pgtrek'`,
        ),
      (sessions) => sessions.length === 0,
    )
  }
}
