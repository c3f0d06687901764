// Publishes the view of a followed database, as another process does.
import { hostname } from 'node:os'
import { FollowStore } from '../../server/store/follows.ts'
import { RunStore } from '../../server/store/runs.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { eventually } from '../eventually.ts'

export function followView(
  name: string,
  { table = 'orders', ...other }: Partial<FollowView> & { table?: string } = {},
): FollowView {
  return {
    name,
    source: 'postgres@127.0.0.1:1/shop',
    destination: 'postgres@127.0.0.1:2/shop',
    started_at: 1_790_000_000_000,
    updated_at: Date.now(),
    stage: 'streaming',
    state: 'running',
    process: { host: hostname(), pid: process.pid },
    direction: 'forward',
    bidirectional: false,
    tables: 1,
    streams: [
      {
        direction: 'forward',
        status: {
          phase: 'streaming',
          received: '0/2000',
          applied: '0/1800',
          durable: '0/1800',
          sourceEnd: '0/2000',
          lagBytes: 2048,
          lagMilliseconds: 250,
          transactions: 6,
          rows: 60,
          transactionsPerSecond: 1,
          rowsPerSecond: 10,
          spilledBytes: 0,
          appliedEarly: 0,
          tables: [{ schema: 'public', name: table, inserts: 30, updates: 20, deletes: 10, truncates: 0 }],
        },
        slot: { name: `pgtrek_${name}`, active: true, retained_bytes: 4096, endangered: false },
      },
    ],
    ready: { green: true, since: Date.now(), reasons: [], lag_bytes: 1e6, lag_seconds: 5, for_seconds: 10 },
    sequences: { total: 0 },
    large_objects: { total: 0 },
    failed_tables: [],
    warnings: [],
    samples: [],
    log: [],
    ...other,
  }
}

/** Waits for the view in `status` of the database that was changed last, or of the named one. */
export async function published(
  stateDirectory: string,
  what: string,
  holds: (view: FollowView) => boolean,
  name?: string,
): Promise<FollowView> {
  using runs = new RunStore(stateDirectory)
  const store = new FollowStore(runs.database)
  const last = () =>
    (name === undefined ? store.names() : [name]).flatMap((one) => store.lastView(one) ?? [])[0]
  let view: FollowView | undefined
  await eventually(
    what,
    () => {
      view = last()
      if (!view) return false
      if (holds(view)) return true
      const { stage, state, last_error, ready, log } = view
      return {
        stage,
        state,
        last_error,
        reasons: ready.reasons,
        log: log.slice(-5).map(({ message }) => message),
      }
    },
    (seen) => seen === true,
  )
  if (!view) throw new Error('the view is gone')
  return view
}
