// Runs the copy workers alone, as the engine does: a snapshot, a pool, a task.
import type { LaneSettings } from '../../server/copy/lane-messages.ts'
import type { KeyValues, Merge } from '../../server/copy/merge.ts'
import { type CopyPart, CopyPool, type CopyTask, type Counts } from '../../server/copy/pool.ts'
import { sharedClock } from '../../server/postgres/copy-throttle.ts'
import { quoteIdentifier } from '../../server/postgres/quote.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { within } from '../eventually.ts'
import type { TestDatabase } from '../servers/clusters.ts'

export interface Copying extends AsyncDisposable {
  pool: CopyPool
  /** The session that holds the run's snapshot. */
  holder: Session
  warnings: string[]
  run(parts: CopyPart[], task?: Partial<CopyTask>): Promise<Copied>
}

export interface Copied extends Counts {
  collisions: KeyValues[]
  /** The number of reports about rows that were left out. */
  reports: number
  key: readonly string[]
}

export async function copying(
  source: TestDatabase,
  destination: TestDatabase,
  workers: number,
  settings: Partial<LaneSettings> = {},
  clock = sharedClock(),
): Promise<Copying> {
  const holder = await Session.open(resolveSettings({ url: source.url }))
  await holder.execute('begin isolation level repeatable read, read only')
  const { snapshot } = await holder.one<{ snapshot: string }>('select pg_export_snapshot() as snapshot')
  const warnings: string[] = []
  const pool = new CopyPool(
    {
      source: resolveSettings({ url: source.url }),
      destination: resolveSettings({ url: destination.url }),
      snapshot,
      clientEncoding: 'UTF8',
      replica: true,
      ...settings,
    },
    workers,
    (warning) => warnings.push(warning),
    clock,
  )
  pool.open()
  await within('the copy workers to open', pool.opened())
  return {
    pool,
    holder,
    warnings,
    async run(parts, task = {}) {
      const collisions: KeyValues[] = []
      let reports = 0
      let key: readonly string[] = []
      let moved = 0
      const copying = pool.copy({
        bytes: 1,
        parts,
        onStart: () => {},
        onCollided(columns, values) {
          key = columns
          reports++
          collisions.push(...values)
        },
        ...task,
        onProgress(rows, bytes, collided) {
          moved = rows
          task.onProgress?.(rows, bytes, collided)
        },
      })
      const counts = await within('the end of the copy', copying, undefined, () => ({ moved, warnings }))
      return { ...counts, collisions, reports, key }
    },
    async [Symbol.asyncDispose]() {
      await pool.close()
      holder.destroy()
    },
  }
}

export interface Rows {
  table: string
  columns: string[]
  format?: 'text' | 'binary'
  merge?: Partial<Merge>
  /** One condition for each part. */
  conditions?: string[]
}

/** The parts of a table with the same name on both servers. */
export function rowsOf({
  table,
  columns,
  format = 'binary',
  merge,
  conditions = ['true'],
}: Rows): CopyPart[] {
  const list = columns.map(quoteIdentifier).join(', ')
  const suffix = format === 'binary' ? ' (format binary)' : ''
  return conditions.map((condition) => ({
    kind: 'rows',
    format,
    copyOut: `copy (select ${list} from ${table} where ${condition}) to stdout${suffix}`,
    copyIn: `copy ${table} (${list}) from stdin${suffix}`,
    ...(merge && {
      merge: {
        table,
        columns,
        conflict: { kind: 'ignore' as const },
        key: columns.slice(0, 1),
        batchSize: 1000,
        ...merge,
      },
    }),
  }))
}

/** Conditions that divide the rows by the remainder of a number, for this many workers. */
export function byRest(column: string, parts: number): string[] {
  return Array.from({ length: parts }, (_, rest) => `abs(${column} % ${parts}) = ${rest}`)
}

/** Instead of `expect().rejects`: while that waits, no message of a worker is received. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}
