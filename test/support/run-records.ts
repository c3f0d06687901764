// Runs in a state directory, and a server with a command line that uses one.

import { afterAll, beforeAll } from 'bun:test'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import type { RunStore } from '../../server/store/runs.ts'
import type { Summary } from '../../shared/summary.ts'
import { type Home, makeHome } from '../../tools/command.ts'
import { type Cluster, cluster } from '../../tools/servers/clusters.ts'

export const ends = {
  source: resolveSettings({ url: 'postgres://a@localhost/one' }),
  destination: resolveSettings({ url: 'postgres://a@localhost/two' }),
}

/** The memory of a run whose plan is stored. */
export function plannedRun(store: RunStore, run: string, tables: string[] = []) {
  const memory = store.begin(run, ends)
  memory.planned('request', tables, new Map())
  return memory
}

/** For the tests of one `describe`. */
export function serverAndHome(): { readonly server: Cluster; readonly home: Home } {
  const made = {} as { server: Cluster; home: Home }
  beforeAll(async () => {
    made.server = await cluster(17)
    made.home = makeHome()
  })
  afterAll(() => made.home[Symbol.dispose]())
  return made
}

/** Of a run that had nothing to do. */
export function emptySummary(status: Summary['status']): Summary {
  const none = { tables: [], failed: [], skipped: [], warnings: [], phases: [] }
  return { status, elapsed_seconds: 0, ...none }
}
