// Metrics of the copy of this process, and of the copies of moves in other processes. Rows and bytes are gauges
// because the rows of a failed table are rolled back.
import type { JobProgress } from '../../../shared/api.ts'
import type { CopyOverview, FollowView } from '../../../shared/follow-view.ts'
import { phases } from '../../../shared/phase.ts'
import type { Family, Labels } from './prometheus.ts'
import { families, type Metric, oneHot } from './table.ts'

interface Copy {
  running: boolean
  percent: number
  phase: string
  rows: number
  bytes: number
  expectedBytes: number
  rowsPerSecond: number
  bytesPerSecond: number
  remainingSeconds: number | undefined
  elapsedSeconds: number | undefined
  /** Only of a migration; the state of a move is in its own metrics. */
  status: string | undefined
  tables: Record<string, number>
}

const statuses = ['running', 'completed', 'completed_with_failures', 'failed', 'cancelled']
const tableStatuses = ['pending', 'in_progress', 'completed', 'failed', 'skipped', 'cancelled']

const metrics: Metric<Copy>[] = [
  { name: 'pgtrek_copy_running', help: '1 while the copy runs.', read: ({ running }) => running },
  {
    name: 'pgtrek_copy_status',
    help: 'Status of the migration: 1 for the current one.',
    read: ({ status }) => (status === undefined ? [] : oneHot('status', statuses, status)),
  },
  {
    name: 'pgtrek_copy_phase',
    help: 'Phase of the migration: 1 for the current one, 0 for all when none runs.',
    read: ({ phase, running }) => oneHot('phase', phases, running ? phase : undefined),
  },
  { name: 'pgtrek_copy_percent', help: 'Progress in percent, 0 to 100.', read: ({ percent }) => percent },
  { name: 'pgtrek_copy_rows', help: 'Rows on the destination so far.', read: ({ rows }) => rows },
  { name: 'pgtrek_copy_bytes', help: 'Bytes of rows copied so far.', read: ({ bytes }) => bytes },
  {
    name: 'pgtrek_copy_expected_bytes',
    help: 'Estimated bytes to copy in total.',
    read: ({ expectedBytes }) => expectedBytes,
  },
  {
    name: 'pgtrek_copy_rows_per_second',
    help: 'Rows copied per second, recently.',
    read: ({ rowsPerSecond }) => rowsPerSecond,
  },
  {
    name: 'pgtrek_copy_bytes_per_second',
    help: 'Bytes copied per second, recently.',
    read: ({ bytesPerSecond }) => bytesPerSecond,
  },
  {
    name: 'pgtrek_copy_elapsed_seconds',
    help: 'Time since the start, or from the start to the end.',
    read: ({ elapsedSeconds }) => elapsedSeconds,
  },
  {
    name: 'pgtrek_copy_remaining_seconds',
    help: 'Estimated remaining time; absent while unknown.',
    read: ({ remainingSeconds }) => remainingSeconds,
  },
  {
    name: 'pgtrek_copy_tables',
    help: 'Tables by their status.',
    read: ({ tables }) => Object.entries(tables).map(([status, value]) => ({ value, labels: { status } })),
  },
]

/** `own`: the move whose copy is the job of this process; its numbers are reported once. */
export function copyFamilies(
  job: JobProgress,
  own: string | undefined,
  follows: readonly FollowView[],
): Family[] {
  const copies: { of: Copy; labels: Labels }[] = []
  if (job.id !== null) {
    copies.push({ of: copyOfJob(job), labels: own === undefined ? { run: job.id } : { follow: own } })
  }
  for (const { copy, name, stage, state } of follows) {
    if (copy && name !== own) {
      const running = stage === 'copy' && state === 'running'
      copies.push({ of: copyOfFollow(copy, running), labels: { follow: name } })
    }
  }
  return families(metrics, copies)
}

function copyOfJob(job: JobProgress): Copy {
  const tables = Object.fromEntries(tableStatuses.map((status) => [status, 0]))
  for (const { status } of job.tables) tables[status] = (tables[status] ?? 0) + 1
  return {
    running: job.running,
    percent: job.overall_percent,
    phase: job.current_phase,
    rows: job.migrated_rows,
    bytes: job.migrated_bytes,
    expectedBytes: job.total_bytes,
    rowsPerSecond: job.rows_per_second,
    bytesPerSecond: job.bytes_per_second,
    remainingSeconds: job.running ? job.remaining_seconds : undefined,
    elapsedSeconds: job.elapsed_ms / 1000,
    status: job.status,
    tables,
  }
}

function copyOfFollow(copy: CopyOverview, running: boolean): Copy {
  const [inProgress, failed] = [copy.running.length, copy.failed.length]
  return {
    running,
    percent: copy.overall_percent,
    phase: copy.current_phase,
    rows: copy.rows,
    bytes: copy.bytes,
    expectedBytes: copy.total_bytes,
    rowsPerSecond: copy.rows_per_second,
    bytesPerSecond: copy.bytes_per_second,
    remainingSeconds: running ? copy.remaining_seconds : undefined,
    elapsedSeconds: undefined,
    status: undefined,
    tables: {
      pending: Math.max(0, copy.tables - copy.tables_done - inProgress - failed),
      in_progress: inProgress,
      completed: copy.tables_done,
      failed,
    },
  }
}
