// Metrics of following. Lag, speeds and the slot are reported only while a process applies changes: an outdated number
// would look valid.
import { type FollowView, followStages, followStates, type StreamView } from '../../../shared/follow-view.ts'
import type { Family } from './prometheus.ts'
import { families, type Metric, oneHot } from './table.ts'

const switchoverStates = ['none', 'running', 'done', 'failed']
const operations = { inserts: 'insert', updates: 'update', deletes: 'delete', truncates: 'truncate' } as const

const ofFollows: Metric<FollowView>[] = [
  {
    name: 'pgtrek_follow_info',
    help: 'Always 1; the labels name the databases.',
    read: ({ source, destination }) => ({ value: 1, labels: { source, destination } }),
  },
  {
    name: 'pgtrek_follow_stage',
    help: 'Stage of the move: 1 for the current one.',
    read: ({ stage }) => oneHot('stage', followStages, stage),
  },
  {
    name: 'pgtrek_follow_state',
    help: 'State of the move: 1 for the current one. lost: its process ended unexpectedly.',
    read: ({ state }) => oneHot('state', followStates, state),
  },
  {
    name: 'pgtrek_follow_working',
    help: '1 while a process follows.',
    read: isWorked,
  },
  {
    name: 'pgtrek_follow_ready',
    help: '1 when ready to switch over.',
    read: (view) => isWorked(view) && view.ready.green,
  },
  {
    name: 'pgtrek_follow_started_timestamp_seconds',
    help: 'When it started, in seconds since 1970.',
    read: ({ started_at }) => started_at / 1000,
  },
  {
    name: 'pgtrek_follow_updated_timestamp_seconds',
    help: 'When its state was last updated, in seconds since 1970.',
    read: ({ updated_at }) => updated_at / 1000,
  },
  { name: 'pgtrek_follow_tables', help: 'Tables that are followed.', read: ({ tables }) => tables },
  {
    name: 'pgtrek_follow_failed_tables',
    help: 'Tables whose rows could not be copied: they are not followed.',
    read: ({ failed_tables }) => failed_tables.length,
  },
  {
    name: 'pgtrek_follow_skipped_transactions',
    help: 'Transactions skipped at a conflict with tables that were not found equal since.',
    read: ({ skipped = [] }) => skipped.length,
  },
  {
    name: 'pgtrek_follow_foreign_tables',
    help: 'Tables of the destination that other sessions wrote to and that were not found equal since.',
    read: ({ foreign_writes: found }) => found?.tables.length ?? 0,
  },
  {
    name: 'pgtrek_follow_warnings',
    help: 'Warnings to read before switching over.',
    read: ({ warnings }) => warnings.length,
  },
  {
    name: 'pgtrek_follow_large_objects_changed',
    help: 'Large objects that differed at the last check.',
    read: ({ large_objects }) => large_objects.changed,
  },
  {
    name: 'pgtrek_switchover_state',
    help: 'State of the switchover: 1 for the current one.',
    read: ({ switchover }) => oneHot('state', switchoverStates, switchover?.state ?? 'none'),
  },
  {
    name: 'pgtrek_switchover_late_changes',
    help: 'Changes written to the old primary after the switchover that the new primary does not have (lower bound).',
    read: ({ late_writes: late }) => late?.changes ?? 0,
  },
  {
    name: 'pgtrek_switchover_sentinel_seconds',
    help: 'Time until the destination confirmed the sentinel.',
    read: ({ switchover }) => switchover?.report?.sentinel.seconds,
  },
  {
    name: 'pgtrek_switchover_different_tables',
    help: 'Tables that differed when both sides were compared.',
    read: ({ switchover }) => switchover?.report?.tables.filter(({ equal }) => !equal).length,
  },
]

const ofStreams: Metric<StreamView>[] = [
  {
    name: 'pgtrek_follow_lag_bytes',
    help: 'Log of the sending side not yet applied.',
    read: ({ status }) => status.lagBytes,
  },
  {
    name: 'pgtrek_follow_lag_seconds',
    help: 'Age of the newest applied change, while newer ones wait.',
    read: ({ status }) => status.lagMilliseconds / 1000,
  },
  {
    name: 'pgtrek_follow_transactions_total',
    help: 'Transactions applied since the process started to follow.',
    type: 'counter',
    read: ({ status }) => status.transactions,
  },
  {
    name: 'pgtrek_follow_rows_total',
    help: 'Rows applied since the process started to follow.',
    type: 'counter',
    read: ({ status }) => status.rows,
  },
  {
    name: 'pgtrek_follow_transactions_per_second',
    help: 'Transactions applied per second, recently.',
    read: ({ status }) => status.transactionsPerSecond,
  },
  {
    name: 'pgtrek_follow_rows_per_second',
    help: 'Rows applied per second, recently.',
    read: ({ status }) => status.rowsPerSecond,
  },
  {
    name: 'pgtrek_follow_spilled_bytes',
    help: 'Bytes of large transactions on disk, waiting for their commit.',
    read: ({ status }) => status.spilledBytes,
  },
  {
    name: 'pgtrek_follow_conflict',
    help: '1 while a conflict waits for a decision.',
    read: ({ status }) => status.conflict !== undefined,
  },
  {
    name: 'pgtrek_follow_table_changes_total',
    help: 'Changes applied to each table since the process started to follow.',
    type: 'counter',
    read: ({ status }) =>
      status.tables.flatMap(({ schema, name, ...counts }) =>
        (Object.keys(operations) as (keyof typeof operations)[]).map((key) => ({
          value: counts[key],
          labels: { schema, table: name, operation: operations[key] },
        })),
      ),
  },
  {
    name: 'pgtrek_follow_slot_retained_bytes',
    help: 'Log that the server retains for the slot.',
    read: ({ slot }) => slot && { value: slot.retained_bytes, labels: { slot: slot.name } },
  },
  {
    name: 'pgtrek_follow_slot_active',
    help: '1 while the slot is active.',
    read: ({ slot }) => slot && { value: slot.active, labels: { slot: slot.name } },
  },
  {
    name: 'pgtrek_follow_slot_endangered',
    help: '1 when the server is about to invalidate the slot.',
    read: ({ slot }) => slot && { value: slot.endangered, labels: { slot: slot.name } },
  },
  {
    name: 'pgtrek_follow_slot_lost',
    help: '1 when the slot is invalidated: its changes are lost.',
    read: ({ slot }) => slot && { value: slot.lost !== undefined, labels: { slot: slot.name } },
  },
]

export function followFamilies(follows: readonly FollowView[]): Family[] {
  const streams = follows.filter(isWorked).flatMap(({ name, streams }) =>
    streams.map((stream) => ({
      of: stream,
      labels: { follow: name, direction: stream.direction },
    })),
  )
  return [
    ...families(
      ofFollows,
      follows.map((view) => ({ of: view, labels: { follow: view.name } })),
    ),
    ...families(ofStreams, streams),
  ]
}

function isWorked({ process: worker, state }: FollowView): boolean {
  return worker !== undefined && state !== 'lost'
}
