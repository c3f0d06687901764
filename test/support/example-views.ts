// Views of a followed database as the engine publishes them, for tests of what shows them.
import type { FollowConflict, FollowStatus } from '../../shared/follow.ts'
import type { FollowView, StreamView } from '../../shared/follow-view.ts'
import type { SwitchoverReport } from '../../shared/switchover.ts'

const megabyte = 1024 * 1024

export function followStatus(changes: Partial<FollowStatus> = {}): FollowStatus {
  return {
    phase: 'streaming',
    received: '16/B374D848',
    applied: '16/B374D848',
    durable: '16/B374D800',
    sourceEnd: '16/B3750000',
    lagBytes: 12 * 1024,
    lagMilliseconds: 300,
    transactions: 234_567,
    rows: 1_234_567,
    transactionsPerSecond: 240,
    rowsPerSecond: 1203,
    spilledBytes: 0,
    appliedEarly: 0,
    tables: [
      { schema: 'public', name: 'orders', inserts: 1_000_000, updates: 234_567, deletes: 0, truncates: 0 },
      { schema: 'public', name: 'items', inserts: 12, updates: 0, deletes: 3, truncates: 0 },
      { schema: 'public', name: 'quiet', inserts: 0, updates: 0, deletes: 0, truncates: 0 },
    ],
    ...changes,
  }
}

export function followStream(changes: Partial<StreamView> = {}): StreamView {
  return {
    direction: 'forward',
    status: followStatus(),
    slot: { name: 'pgtrek_shop', active: true, retained_bytes: 16 * megabyte, endangered: false },
    ...changes,
  }
}

/** Default: streaming and ready. */
export function followView(now: number, changes: Partial<FollowView> = {}): FollowView {
  return {
    name: 'shop',
    source: 'me@old.example.com:5432/shop',
    destination: 'me@new.example.com:5432/shop',
    started_at: now - 3_600_000,
    updated_at: now - 200,
    stage: 'streaming',
    state: 'running',
    process: { host: 'box', pid: 4711 },
    direction: 'forward',
    bidirectional: false,
    tables: 40,
    streams: [followStream()],
    ready: {
      green: true,
      since: now - 252_000,
      reasons: [],
      lag_bytes: megabyte,
      lag_seconds: 5,
      for_seconds: 10,
    },
    sequences: { total: 7 },
    large_objects: { total: 0 },
    failed_tables: [],
    warnings: [],
    samples: Array.from({ length: 240 }, (_, index) => ({
      at: now - (240 - index) * 1000,
      lag_bytes: Math.round((1 + Math.sin(index / 10)) * megabyte),
      lag_seconds: 1,
      rows_per_second: 1000,
      transactions_per_second: 200,
    })),
    log: [
      { at: now - 5000, level: 'info', message: 'rows are there' },
      { at: now - 4000, level: 'warn', message: 'a connection was lost' },
      { at: now - 3000, level: 'info', message: 'connected again' },
    ],
    ...changes,
  }
}

export function copyingView(now: number): FollowView {
  return followView(now, {
    stage: 'copy',
    streams: [],
    samples: [],
    ready: {
      green: false,
      reasons: ['rows are still being copied'],
      lag_bytes: 1,
      lag_seconds: 1,
      for_seconds: 1,
    },
    copy: {
      overall_percent: 37.4,
      current_phase: 'data',
      tables: 4,
      tables_done: 2,
      rows: 2_399_661,
      bytes: 261 * megabyte,
      total_bytes: 700 * megabyte,
      rows_per_second: 700_000,
      bytes_per_second: 81 * megabyte,
      remaining_seconds: 6,
      running: [{ schema: 'public', name: 'accounts', percent: 47, rows: 2_399_661 }],
      failed: [],
    },
  })
}

export const conflict: FollowConflict = {
  lsn: '16/B374D848',
  xid: 991,
  committedAt: '2026-11-21T11:06:12.000Z',
  statement: 'insert',
  table: { schema: 'public', name: 'orders' },
  key: { id: '17' },
  problems: ['the destination has a row with this key already'],
  message: 'insert of public.orders (id = 17) in transaction 991 at 16/B374D848: it has a row with this key',
  error: {
    message: 'duplicate key value violates unique constraint "orders_pkey"',
    sqlstate: '23505',
    detail: 'Key (id)=(17) already exists.',
  },
}

export function conflictView(now: number, changes: Partial<FollowConflict> = {}): FollowView {
  const status = followStatus({ phase: 'conflict', conflict: { ...conflict, ...changes } })
  return followView(now, {
    state: 'conflict',
    streams: [followStream({ status })],
    ready: { ...followView(now).ready, green: false, reasons: ['it is stopped at a conflict'] },
  })
}

export function switchoverReport(): SwitchoverReport {
  return {
    direction: 'forward',
    from: 'me@old.example.com:5432/shop',
    to: 'me@new.example.com:5432/shop',
    started_at: '2026-11-21T11:06:12.000Z',
    finished_at: '2026-11-21T11:06:14.500Z',
    sentinel: {
      id: 'a1',
      lsn: '16/B3750000',
      confirmed_lsn: '16/B3750028',
      confirmed_at: '2026-11-21T11:06:13.000Z',
      proof: 'message',
      seconds: 0.8,
    },
    read_only: { set: true, sessions_ended: 3 },
    transactions: 234_567,
    rows: 1_234_567,
    tables: [{ schema: 'public', name: 'orders', source_rows: 5, destination_rows: 5, equal: true }],
    compared: 'counts',
    sequences: [{ schema: 'public', name: 'orders_id_seq', value: '17', is_called: true }],
    large_objects: { total: 0, copied: 0, removed: 0 },
    next: ['Point the application at me@new.example.com:5432/shop.'],
  }
}
