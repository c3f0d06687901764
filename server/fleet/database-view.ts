// The view of one database of a fleet: its state, and what its copy and its run report.

import type { FleetDatabase, FleetEngine, FleetState } from '../../shared/fleet.ts'
import type { ProgressFold } from '../../shared/fold.ts'
import { lateLines } from '../../shared/follow-health.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { say } from '../../shared/say.ts'
import { errorInfo } from '../postgres/errors.ts'
import type { DatabaseState } from './database-machine.ts'

/** The input of a view. */
export interface DatabaseFacts {
  name: string
  state: DatabaseState
  /** The view of the run of this process, if it has one. */
  follow: FollowView | undefined
  copy: ProgressFold
  /** The size of the database on the source. */
  bytes: number
  engine: FleetEngine
  counted: { difference: number; at: number } | undefined
  attempts: number
}

export function databaseView(facts: DatabaseFacts, now: number): FleetDatabase {
  const { name, state, follow, counted, attempts } = facts
  const copy = facts.copy.overview(now)
  const stream = follow?.streams.find(({ direction }) => direction === follow.direction)
  const failed = follow?.failed_tables ?? copy.failedTables
  return {
    name,
    state: shownState(state, follow),
    ...(follow && { follow: follow.name }),
    ...shownEngine(facts),
    tables: copy.table_count || (follow?.tables ?? 0),
    tables_done: copy.table_count ? copy.settled_tables : (follow?.tables ?? 0),
    failed_tables: failed.map(({ schema, name, error }) => ({ schema, name, error })),
    rows: copy.migrated_rows,
    bytes: copy.migrated_bytes,
    total_bytes: copy.total_bytes || facts.bytes,
    bytes_per_second: copy.bytes_per_second,
    rows_per_second: stream?.status.rowsPerSecond ?? copy.rows_per_second,
    lag_bytes: stream?.status.lagBytes ?? 0,
    lag_seconds: (stream?.status.lagMilliseconds ?? 0) / 1000,
    ...(counted && { row_difference: counted.difference, counted_at: counted.at }),
    ...(isFollowed(state) && follow && { ready: follow.ready }),
    ...(follow?.switchover && { switchover: follow.switchover }),
    ...(flowsBack(state, follow) && { flows_back: true }),
    attempts,
    ...shownWorkers(facts.copy, now),
    ...shownRest(state),
    ...shownError(state, follow),
  }
}

/** True also while its run is being stopped on request. */
function isFollowed(state: DatabaseState): boolean {
  if (state.at === 'completing') return state.before.at === 'following'
  return state.at === 'following' || state.at === 'restarting'
}

function shownEngine({ engine, follow }: DatabaseFacts): Pick<FleetDatabase, 'engine' | 'engine_reason'> {
  const reason = engine === 'native' && follow?.warnings.find((one) => one.includes(say`pgtrek's own stream`))
  return reason ? { engine: 'pgtrek', engine_reason: reason } : { engine }
}

function shownWorkers(copy: ProgressFold, now: number): Pick<FleetDatabase, 'worker'> {
  const names = copy.runningTables(now).flatMap(({ worker }) => worker?.split(', ') ?? [])
  return names.length > 0 ? { worker: [...new Set(names)].join(', ') } : {}
}

function shownRest(state: DatabaseState): Pick<FleetDatabase, 'retry_at' | 'at_work'> {
  return {
    ...('retryAt' in state && { retry_at: state.retryAt }),
    ...(state.at === 'elsewhere' && { at_work: errorInfo(state.error).message }),
  }
}

function shownError(state: DatabaseState, follow: FollowView | undefined): Pick<FleetDatabase, 'error'> {
  if (state.at === 'completing' && state.before.at !== 'following') return shownError(state.before, follow)
  if (state.at === 'problem' || state.at === 'retrying') return { error: errorInfo(state.error) }
  if (state.at === 'copied' && state.missing !== undefined) return { error: { message: state.missing } }
  if (!follow) return {}
  const [late] = lateLines(follow)
  if (late !== undefined) return { error: { message: late } }
  if (!isFollowed(state)) return {}
  const [table] = follow.failed_tables
  if (table) return { error: { message: `${table.schema}.${table.name}: ${table.error}` } }
  const isTrouble = ['conflict', 'waiting', 'failed'].includes(follow.state)
  return follow.last_error && isTrouble ? { error: follow.last_error } : {}
}

type Seen = Pick<FollowView, 'stage' | 'state' | 'direction' | 'failed_tables' | 'ready' | 'switchover'>

export function shownState(state: DatabaseState, follow: Seen | undefined): FleetState {
  switch (state.at) {
    case 'copied':
      return state.missing === undefined ? 'synced' : 'problem'
    case 'switched':
      return 'done'
    case 'following':
    case 'restarting':
      return follow ? followedState(follow) : 'catchup'
    case 'completing':
      return shownState(state.before, follow)
    default:
      return state.at
  }
}

function followedState(follow: Seen): FleetState {
  if (follow.stage === 'switchover') return 'switchover'
  if (follow.state === 'conflict') return 'problem'
  if (follow.state === 'waiting') return 'retrying'
  if (follow.stage === 'done') return follow.switchover?.options.back ? 'returned' : 'done'
  if (follow.state === 'paused') return 'paused'
  if (follow.failed_tables.length > 0) return 'problem'
  if (follow.ready.green) return 'ready'
  return follow.stage === 'streaming' ? 'synced' : 'catchup'
}

/** It is switched over and changes are applied in the return direction, so it can return. */
export function flowsBack(state: DatabaseState, follow: Seen | undefined): boolean {
  return state.at === 'following' && follow?.stage === 'done' && follow.direction === 'back'
}

/** Dropping slots and publications would lose nothing. */
export function mayComplete(state: DatabaseState, follow: Seen | undefined): boolean {
  if (state.at === 'problem') return state.isEnded === true
  if (state.at === 'following') return follow?.stage === 'done'
  return ['copied', 'switched', 'returned', 'complete'].includes(state.at)
}
