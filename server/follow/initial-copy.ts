// The copy that following begins with: slot first, then schema and rows under the snapshot that it exports, so
// that no change is missed and none comes twice.

import { ProgressFold } from '../../shared/fold.ts'
import { formatCount } from '../../shared/format.ts'
import { showName, tableKey } from '../../shared/table-name.ts'
import { DestinationBusy, type RunLock } from '../coordination/run-lock.ts'
import { migrate } from '../migrate/migrate.ts'
import { objectsOf } from '../migrate/plan/plan.ts'
import type { Plan } from '../migrate/plan/types.ts'
import type { Migration } from '../migrate/request.ts'
import { Cancelled, PgtrekError, PlanRefused, UsageError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { describeSettings } from '../postgres/settings.ts'
import { showLsn } from '../replication/stream/lsn.ts'
import { linksOf } from '../replication/tables/membership.ts'
import { type FollowMemory, type FollowRecord, moveOf } from '../store/follow-memory.ts'
import { CopyWatch } from './copy-monitor.ts'
import type { FollowStatus } from './follow-state.ts'
import { begin, dropLink, type Link, makeSlot, refuseOthers } from './link.ts'
import { describeMove, readMoveFacts } from './move-state.ts'
import { followName, linkNames } from './names.ts'
import { markPublication } from './ownership.ts'
import { type Prepared, prepare, sequencesOf } from './prepare.ts'
import { readMoved } from './relations.ts'
import type { CloneAndFollow } from './request.ts'
import { patiently } from './retry.ts'

/** How long a server may be unavailable at the end of a copy, or when it is taken back. */
const endPatienceMs = 120_000

export interface InitialCopy {
  request: CloneAndFollow
  memory: FollowMemory
  status: FollowStatus
  /** Kept up to date and on disk. */
  update: (change: Partial<FollowRecord>) => void
  signal: AbortSignal
  /** Of the destination. */
  lock: RunLock
}

export function newRecord(request: CloneAndFollow): FollowRecord {
  const name = followName(request)
  const { selection, options, follow } = request
  const isEverything = !selection.schemas.length && !selection.include.length && !selection.only.length
  return {
    name,
    move: request.move ?? crypto.randomUUID(),
    source: describeSettings(request.source),
    destination: describeSettings(request.destination),
    startedAt: Date.now(),
    progress: 'preparing',
    direction: 'forward',
    bidirectional: follow.bidirectional,
    forward: linkNames(name, 'forward', follow.publication),
    tables: [],
    sequences: [],
    advanceSequences: options.existingDataMode !== 'truncate',
    leftOut: [],
    failedTables: [],
    moved: { selection, skippedExtensions: options.skipExtensions, options },
    largeObjects: isEverything && !selection.includeSchemas.length,
  }
}

/** What another process has left of the same move: started and not finished is taken back, the rest is refused. */
export async function clearTheWay(
  earlier: FollowRecord | undefined,
  { request, memory, status }: InitialCopy,
) {
  if (!earlier) return
  if (earlier.progress === 'following' || earlier.progress === 'done') {
    throw new UsageError(
      `these databases are followed already (${earlier.name}, since ${new Date(earlier.startedAt).toISOString()}): "pgtrek follow" continues the move, "pgtrek cleanup" ends it, --name starts another one`,
    )
  }
  await refuseWhole(request, earlier)
  const { move, unread } = earlier
  const dropped = await dropLink(forwardLink(request, earlier), { by: 'move', move, unread })
  memory.forget(earlier.name)
  memory.take(earlier.name)
  status.warn(
    `an earlier attempt was interrupted while it copied rows: its snapshot no longer exists, so everything is copied again` +
      (dropped.length > 0 ? `; dropped ${dropped.join(', ')}` : ''),
  )
}

/** The process before could not write down here that its copy was whole, or even that it was switched over. */
async function refuseWhole({ source, destination }: CloneAndFollow, earlier: FollowRecord) {
  const { name, move, forward, back } = earlier
  await using from = await Session.open(source)
  await using to = await Session.open(destination)
  const facts = await readMoveFacts(from, to, name, { forward, back: back ?? linkNames(name, 'back') })
  const { mark, position } = facts.forward
  // What another move has made is neither dropped nor gone on with.
  if (move === undefined || mark?.move !== move) return
  if (!position && !mark.handedOver && !facts.back.mark?.handedOver) return
  const { words, next } = describeMove(facts, { source, destination })
  throw new UsageError(
    `${name} is being copied according to this state directory, but the state on the servers is: ${words}. Nothing was changed. ${next.join('; ')}`,
  )
}

/** True when every table arrived. Leaves nothing on either side when the copy as a whole fails. */
export async function copyFirst(work: InitialCopy, record: FollowRecord): Promise<void> {
  const { request, status, signal } = work
  status.dispatch({ type: 'preflight_began' })
  const link = forwardLink(request, record)
  await refuseOthers(link, signal)
  const prepared = await prepareLocked(work)
  for (const warning of prepared.warnings) status.warn(warning)
  await confirm(request, prepared.plan)
  // Written down before it is made: whatever happens, it can be found and dropped.
  work.update({
    progress: 'copying',
    tables: followedTables(prepared),
    leftOut: prepared.leftOut,
    kept: prepared.kept,
    ownLargeObjects: prepared.ownLargeObjects,
  })
  try {
    await using stack = new AsyncDisposableStack()
    const slot = await makeSlot({
      ...link,
      move: moveOf(record),
      tables: prepared.published,
      insertsOnly: prepared.insertsOnly,
      signal,
      say: (message) => status.say(message, 'warn'),
    })
    stack.defer(() => slot.session.close())
    record = { ...record, unread: showLsn(slot.consistentPoint) }
    work.update({ unread: showLsn(slot.consistentPoint) })
    status.say(`slot ${slot.name} holds all changes from now on`)
    const moved = await readMoved(link, followedTables(prepared), slot.snapshot)
    const watch = stack.use(
      new CopyWatch({ link, slot, warn: (words) => status.warn(words), everyMs: request.slotCheckEveryMs }),
    )
    const copied = await copy(work, prepared, { heldSnapshot: slot.snapshot }, watch)
    refuseNothing(copied)
    const now = await readMoved(link, copied.tables)
    const memberships = linksOf(moved.members)
    const settled = { ...copied, ...withOids(copied, moved, now.tables), memberships }
    const passing = {
      signal,
      onWait: (error: Error, seconds: number) =>
        status.warn(`${error.message}; another attempt in ${seconds} seconds`),
      atMostMs: endPatienceMs,
    }
    await patiently(() => recordMissing(link, record, settled, signal), passing)
    // Only now: whoever finds it knows that the rows are there.
    await patiently(() => begin(link, slot, signal), passing)
    work.update({ progress: 'following', ...settled })
  } catch (error) {
    await takeBack(work, link, record, error)
    throw error
  }
}

/** The rows of a table that another one got the name of while it was copied may be those of the other. */
function withOids(
  copied: Pick<FollowRecord, 'tables' | 'failedTables'>,
  { tables, leftOut }: Pick<FollowRecord, 'tables' | 'leftOut'>,
  now: FollowRecord['tables'],
): Pick<FollowRecord, 'tables' | 'leftOut' | 'failedTables'> {
  const known = new Map(tables.map((table) => [tableKey(table), table]))
  const swapped = now.filter(
    (table) => table.source !== undefined && table.source !== known.get(tableKey(table))?.source,
  )
  const failedTables = [
    ...copied.failedTables,
    ...swapped.map(({ schema, name }) => ({
      ...{ schema, name },
      error: 'another table of the source got this name while it was copied: start again',
    })),
  ]
  const failed = new Set(failedTables.map(tableKey))
  return {
    tables: copied.tables
      .filter((table) => !failed.has(tableKey(table)))
      .map((table) => ({ ...table, ...known.get(tableKey(table)) })),
    failedTables,
    leftOut: [...leftOut, ...tables.filter((table) => failed.has(tableKey(table)))],
  }
}

/** What is planned belongs to this run from here on. */
export async function prepareLocked({ request, status, signal, lock }: InitialCopy): Promise<Prepared> {
  for (let isSaid = false; ; isSaid = true) {
    const prepared = await prepare(request, signal)
    try {
      await lock.take(objectsOf(prepared.plan))
      return prepared
    } catch (error) {
      if (!(error instanceof DestinationBusy) || !request.wait) throw error
      if (!isSaid) status.say(`waiting: ${error.message}`)
      await Bun.sleep(1000)
      signal.throwIfAborted()
    }
  }
}

/** So that a process that knows nothing else knows what is missing. */
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

/** Under a snapshot that is held, or without the rows that the server itself will bring. */
export async function copy(
  { request, status, signal, lock }: InitialCopy,
  prepared: Prepared,
  rows: Pick<Migration, 'heldSnapshot' | 'rowsElsewhere'>,
  watch?: CopyWatch,
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
    signal: watch ? AbortSignal.any([signal, watch.signal]) : signal,
    onEvent(event) {
      watch?.heard(event)
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
  if (watch?.reason) throw watch.reason
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
      ? `${formatCount(others.length, 'object')} could not be created on the destination: ${named.join(', ')}`
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
    `no table could be copied, so there is nothing to follow: ${showName(first)}: ${first.error}`,
  )
}

/** Made between the plan and the slot: it is in the snapshot, but its changes are not published. */
function refuseNewcomers({ plan: before }: Prepared, plan: Plan) {
  const known = new Set(before.tables.map(tableKey))
  const newcomer = plan.tables.find((table) => !known.has(tableKey(table)))
  if (!newcomer) return
  throw new PlanRefused(
    `${showName(newcomer)} was created on the source just now: start again, so that it is followed too`,
  )
}

export async function confirm({ confirm: ask }: CloneAndFollow, plan: Plan) {
  if (plan.destroyed.length === 0 || (await ask(plan))) return
  throw new PlanRefused(
    `${formatCount(plan.destroyed.length, 'object')} of the destination would be emptied or dropped, which was not confirmed (--yes). Nothing was changed`,
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

/** What this move has made, and nothing else. */
export async function takeBack(
  { memory, status, signal }: InitialCopy,
  link: Link,
  { name, move, unread }: FollowRecord,
  error: unknown,
) {
  try {
    const drop = () => dropLink(link, { by: 'move', move, unread })
    // A server that restarts is what may have failed the copy.
    const dropped = await patiently(drop, {
      signal: error instanceof Cancelled ? AbortSignal.abort() : signal,
      onWait: (reason) =>
        status.warn(`${reason.message}; slot and publication are dropped when the server is available again`),
      atMostMs: endPatienceMs,
    })
    if (dropped.length > 0) status.say(`dropped ${dropped.join(', ')}`)
    memory.forget(name)
  } catch (failure) {
    const message = failure instanceof PgtrekError ? failure.message : String(failure)
    status.warn(`slot and publication may still be there, "pgtrek cleanup" drops them: ${message}`)
  }
  if (error instanceof Cancelled) status.say('cancelled', 'warn')
}

export function forwardLink({ source, destination }: CloneAndFollow, { forward }: FollowRecord): Link {
  return { direction: 'forward', from: source, to: destination, names: forward }
}
