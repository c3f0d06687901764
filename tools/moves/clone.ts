// Runs a clone in this process, and keeps its events for the test.

import { migrate } from '../../server/migrate/migrate.ts'
import type { Plan } from '../../server/migrate/plan/types.ts'
import type { MigrationResult } from '../../server/migrate/request.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { NoMemory, type RunMemory } from '../../server/store/run-memory.ts'
import { defaultOptions, everything } from '../../shared/defaults.ts'
import type { MigrationEvent } from '../../shared/event.ts'
import { ProgressFold } from '../../shared/fold.ts'
import type { Hook, MigrationOptions, Selection, TableRule } from '../../shared/request.ts'
import type { Summary } from '../../shared/summary.ts'

export interface CloneRun {
  result: MigrationResult
  summary: Summary
  events: MigrationEvent[]
  /** `KIND schema.name: error` for each failed step. */
  failures: string[]
}

export interface CloneTest {
  options?: Partial<MigrationOptions>
  selection?: Partial<Selection>
  tables?: TableRule[]
  hooks?: Hook[]
  signal?: AbortSignal
  confirm?: boolean
  memory?: RunMemory
  wait?: boolean
  onPlan?(plan: Plan): void
  onEvent?(event: MigrationEvent): void
}

export async function clone(
  source: { url: string },
  destination: { url: string },
  test: CloneTest = {},
): Promise<CloneRun> {
  const events: MigrationEvent[] = []
  const fold = new ProgressFold()
  const result = await migrate({
    run: 'test',
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    selection: { ...everything, ...test.selection },
    tables: test.tables ?? [],
    hooks: test.hooks ?? [],
    options: { ...defaultOptions, ...test.options },
    memory: test.memory ?? new NoMemory(),
    ...(test.onPlan && { onPlan: test.onPlan }),
    wait: test.wait,
    signal: test.signal ?? new AbortController().signal,
    onEvent(event) {
      events.push(event)
      fold.apply(event)
      test.onEvent?.(event)
    },
    confirm: async () => test.confirm ?? false,
  })
  const summary = fold.summary(Date.now())
  return {
    result,
    summary,
    events,
    failures: summary.failed.map(({ kind, schema, name, error }) => `${kind} ${schema}.${name}: ${error}`),
  }
}
