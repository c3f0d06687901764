// What another process would have said of a database that it follows.
import { hostname } from 'node:os'
import type { FollowView } from '../../shared/follow-view.ts'

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
