// A followed database in one line, and the report of a switchover, for terminals and logs.

import type { FollowView } from '../../../shared/follow-view.ts'
import { formatCount } from '../../../shared/format.ts'
import type { SwitchoverReport } from '../../../shared/switchover.ts'
import { showName } from '../../../shared/table-name.ts'
import { lagText } from './follow-words.ts'

/** `streaming: lag 12 kB, 0.3 s, 120 rows/s in 24 transactions/s, 1,203 transactions so far, ready to switch over` */
export function followLine(view: FollowView): string {
  const { stage, state, copy, streams, ready, direction, watch } = view
  const what = state === 'running' ? stage : `${stage}, ${state}`
  if (watch && streams.length === 0) return `${what}: ${watch.place} is watched for late writes`
  if (copy && streams.length === 0) {
    return `${what}: ${Math.floor(copy.overall_percent)}%, ${copy.tables_done} of ${copy.tables} tables`
  }
  const stream = streams.find((one) => one.direction === direction)
  if (!stream) return what
  const { rowsPerSecond, transactionsPerSecond, transactions } = stream.status
  const readiness = ready.green ? 'ready to switch over' : (ready.reasons[0] ?? 'not ready')
  return [
    `${what}: lag ${lagText(stream)}`,
    `${Math.round(rowsPerSecond)} rows/s in ${Math.round(transactionsPerSecond)} transactions/s`,
    `${formatCount(transactions, 'transaction')} so far`,
    readiness,
  ].join(', ')
}

const mostTables = 20

function readOnlyLines({ read_only: readOnly, from }: SwitchoverReport): string[] {
  const {
    set,
    sessions_ended: ended,
    tables_guarded: guarded = 0,
    tables_unguarded: unguarded = [],
  } = readOnly
  if (!set) return []
  return [
    `  ${from} is read-only; ${formatCount(ended, 'session')} ended; a trigger refuses to write to ${formatCount(guarded, 'table')} (not for sessions with session_replication_role = replica, nor when the trigger is disabled)`,
    ...(unguarded.length > 0
      ? [`  not protected by a trigger, only by the database's default: ${unguarded.join(', ')}`]
      : []),
  ]
}

function objectLines({ objects }: SwitchoverReport): string[] {
  if (!objects) return []
  const { compared, accepted, remarks } = objects
  const result =
    accepted.length === 0 ? 'none is missing or different' : `${accepted.length} differences accepted`
  return [
    `  ${formatCount(compared, 'object')} of the schema compared: ${result}`,
    ...accepted.map((words) => `    accepted: ${words}`),
    ...remarks.map((words) => `    different, without effect on rows: ${words}`),
  ]
}

function viewLines({ materialized_views: views }: SwitchoverReport): string[] {
  if (!views || views.refreshed + views.failed.length === 0) return []
  const { total, refreshed, failed } = views
  const all = formatCount(total, 'materialized view')
  return [
    failed.length === 0
      ? `  ${all} ${total === 1 ? 'was' : 'were'} refreshed`
      : `  ${refreshed} of ${all} refreshed`,
    ...failed.map((words) => `    not refreshed: ${words}`),
  ]
}

export function reportLines(report: SwitchoverReport): string[] {
  const { sentinel, tables, sequences, large_objects: objects } = report
  const proof =
    sentinel.proof === 'message'
      ? 'received through the stream and confirmed'
      : 'everything before it was confirmed (this server sends no messages)'
  const before = tables.flatMap((table) => (table.before ? [table.before] : []))
  const again = before.reduce((sum, one) => sum + one.again, 0)
  const differing = tables.filter(({ equal }) => !equal)
  const rows = tables.reduce((sum, { destination_rows: count }) => sum + count, 0)
  // Tables compared before the switchover have row counts of that time.
  const counted = before.length > 0 ? '' : ` with ${formatCount(rows, 'row')}`
  const ways = new Set([
    ...(before.length < tables.length ? [report.compared] : []),
    ...(before.length > 0 ? ['checksums'] : []),
  ])
  return [
    `switched over from ${report.from} to ${report.to}`,
    `  sentinel ${sentinel.id} at ${sentinel.lsn}: ${proof} ${sentinel.seconds.toFixed(3)} s later; applied and on disk up to ${sentinel.confirmed_lsn}`,
    `  ${formatCount(report.transactions, 'transaction')} with ${formatCount(report.rows, 'row')} were applied by this process`,
    `  ${formatCount(tables.length, 'table')}${counted} compared by ${[...ways].join(' and ')}: ${differing.length === 0 ? 'equal' : `${differing.length} differ`}`,
    ...(before.length > 0
      ? [
          `    ${formatCount(before.length, 'table')} by checksum before the switchover${positions(before)}, and ${formatCount(again, 'changed key')} again in it; ${formatCount(tables.length - before.length, 'table')} in full during it by ${report.compared}`,
        ]
      : []),
    ...differing
      .slice(0, mostTables)
      .map((table) => `    ${showName(table)}: ${table.source_rows} and ${table.destination_rows} rows`),
    `  ${formatCount(sequences.length, 'sequence')} set; ${formatCount(objects.total, 'large object')}, ${objects.copied} copied again, ${objects.removed} removed`,
    ...viewLines(report),
    ...objectLines(report),
    ...readOnlyLines(report),
    ...(report.reverse ? [`  changes flow back through slot ${report.reverse.slot}`] : []),
    'Next steps:',
    ...report.next.map((sentence) => `  - ${sentence}`),
  ]
}

/** The first and the last position in the source's log. */
function positions(before: readonly { lsn: string }[]): string {
  const order = ({ lsn }: { lsn: string }) =>
    lsn
      .split('/')
      .map((half) => half.padStart(8, '0'))
      .join('')
  const sorted = before.toSorted((one, other) => (order(one) < order(other) ? -1 : 1))
  const [first, last] = [sorted[0]?.lsn, sorted.at(-1)?.lsn]
  return first === last ? ` (at ${first})` : ` (between ${first} and ${last})`
}
