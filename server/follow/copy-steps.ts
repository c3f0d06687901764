// The steps that all copies of a move share: plan, confirm, copy, and record what is missing.

import { ProgressFold } from '../../shared/fold.ts'
import { formatCount } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'
import { showName, tableKey } from '../../shared/table-name.ts'
import { DestinationBusy, type RunLock } from '../coordination/run-lock.ts'
import { pause } from '../copy/pause.ts'
import { migrate } from '../migrate/migrate.ts'
import { objectsOf } from '../migrate/plan/plan.ts'
import type { Plan } from '../migrate/plan/types.ts'
import type { Migration } from '../migrate/request.ts'
import { Cancelled, PgtrekError, PlanRefused } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { type FollowMemory, type FollowRecord, moveOf } from '../store/follow-memory.ts'
import type { CopyMonitor } from './copy-monitor.ts'
import type { FollowStatus } from './follow-state.ts'
import type { Link } from './link.ts'
import { markPublication } from './ownership.ts'
import { type Prepared, prepare, sequencesOf } from './prepare.ts'
import type { CloneAndFollow } from './request.ts'

/** How often a plan waits for the locks of another run (`--wait`). */
const lockEveryMs = 1000

export interface InitialCopy {
  request: CloneAndFollow
  memory: FollowMemory
  status: FollowStatus
  /** Changes the record, in the state directory too. */
  update: (change: Partial<FollowRecord>) => void
  signal: AbortSignal
  /** Of the destination. */
  lock: RunLock
}

/** Plans, and locks the planned objects for this run. */
export async function prepareLocked({ request, status, signal, lock }: InitialCopy): Promise<Prepared> {
  for (let isReported = false; ; isReported = true) {
    const prepared = await prepare(request, signal)
    try {
      await lock.take(objectsOf(prepared.plan))
      return prepared
    } catch (error) {
      if (!(error instanceof DestinationBusy) || !request.wait) throw error
      if (!isReported) status.say(`waiting: ${error.message}`)
      await pause(lockEveryMs, signal)
    }
  }
}

export async function confirm({ confirm: ask }: CloneAndFollow, plan: Plan) {
  if (plan.destroyed.length === 0 || (await ask(plan))) return
  throw new PlanRefused(
    say`${formatCount(plan.destroyed.length, 'object')} of the destination would be emptied or dropped, which was not confirmed (--yes). Nothing was changed`,
  )
}

/** Copies under the snapshot of the slot, or without the rows that a subscription of the server copies. */
export async function copy(
  { request, status, signal, lock }: InitialCopy,
  prepared: Prepared,
  rows: Pick<Migration, 'heldSnapshot' | 'rowsElsewhere'>,
  monitor?: CopyMonitor,
): Promise<Pick<FollowRecord, 'tables' | 'sequences' | 'failedTables' | 'failedObjects'>> {
  const fold = new ProgressFold()
  const known = new Set(prepared.followed.map(tableKey))
  let sequences: FollowRecord['sequences'] = []
  const result = await migrate({
    ...request,
    memory: request.runMemory,
    ...rows,
    isChecked: true,
    reading: prepared.reading,
    lock,
    signal: monitor ? AbortSignal.any([signal, monitor.signal]) : signal,
    onEvent(event) {
      monitor?.observe(event)
      fold.apply(event)
      status.copying(event)
      request.onEvent(event)
    },
    onPlan(plan) {
      sequences = sequencesOf(plan)
      refuseNewcomers(prepared, plan)
    },
    confirm: (plan) => sameDestruction(plan, prepared.plan) || request.confirm(plan),
  })
  if (monitor?.reason) throw monitor.reason
  if (result.status === 'cancelled') throw new Cancelled()
  if (result.status === 'failed') throw result.error
  const { tables: copied, failed } = fold.summary(Date.now())
  const missing = copied.filter((table) => table.status !== 'completed' && known.has(tableKey(table)))
  const reasons = new Map(failed.map(({ schema, name, error }) => [tableKey({ schema, name }), error]))
  const unmade = prepared.followed.filter(
    (table) => rows.rowsElsewhere?.has(tableKey(table)) && reasons.has(tableKey(table)),
  )
  const failedTables = [...missing, ...unmade.map((table) => ({ ...table, status: 'failed' }))].map(
    ({ schema, name, status }) => ({
      schema,
      name,
      error: reasons.get(tableKey({ schema, name })) ?? status,
    }),
  )
  const others = failed.filter((one) => !failedTables.some((table) => tableKey(table) === tableKey(one)))
  const named = others.slice(0, 10).map((one) => `${one.kind} ${showName(one)}`)
  const failedObjects =
    others.length > 0
      ? say`${formatCount(others.length, 'object')} could not be created on the destination: ${named.join(', ')}`
      : undefined
  if (failedObjects) status.troubles.set('objects', failedObjects)
  const lost = new Set(failedTables.map(tableKey))
  const tables = followedTables(prepared).filter((table) => !lost.has(tableKey(table)))
  return {
    tables,
    sequences,
    failedTables,
    ...(failedObjects && { failedObjects }),
  }
}

export function refuseNothing({ tables, failedTables }: Pick<FollowRecord, 'tables' | 'failedTables'>) {
  const [first] = failedTables
  if (tables.length > 0 || !first) return
  throw new PgtrekError(
    say`no table could be copied, so there is nothing to follow: ${showName(first)}: ${first.error}`,
  )
}

/** A table created between the plan and the slot is in the snapshot, but its changes are not published. */
function refuseNewcomers({ plan: before }: Prepared, plan: Plan) {
  const known = new Set(before.tables.map(tableKey))
  const newcomer = plan.tables.find((table) => !known.has(tableKey(table)))
  if (!newcomer) return
  throw new PlanRefused(
    say`${showName(newcomer)} was created on the source just now: start again, so that it is followed too`,
  )
}

function sameDestruction(one: Plan, other: Plan): boolean {
  return JSON.stringify(one.destroyed) === JSON.stringify(other.destroyed)
}

export function followedTables({ followed, plan }: Prepared): FollowRecord['tables'] {
  const conditions = new Map(plan.tables.map((table) => [tableKey(table), table.where]))
  return followed.map((table) => {
    const where = conditions.get(tableKey(table))
    return { ...table, ...(where !== undefined && { where }) }
  })
}

/** In the comment on the publication, for a process without this state directory. */
export async function recordMissing(
  { from, names }: Link,
  record: FollowRecord,
  {
    failedTables,
    failedObjects,
    leftOut = [],
  }: Pick<FollowRecord, 'failedTables' | 'failedObjects'> & Partial<Pick<FollowRecord, 'leftOut'>>,
  signal: AbortSignal,
): Promise<void> {
  if (!names.ownPublication || (failedTables.length === 0 && !failedObjects)) return
  await using source = await Session.open(from, { signal })
  const oids = new Map(leftOut.map((table) => [tableKey(table), table.source]))
  const tables = failedTables.map((table) => ({ ...table, oid: oids.get(tableKey(table)) }))
  const missing = { tables, objects: failedObjects }
  await markPublication(source, names.publication, moveOf(record), { missing })
}

export function forwardLink({ source, destination }: CloneAndFollow, { forward }: FollowRecord): Link {
  return { direction: 'forward', from: source, to: destination, names: forward }
}
