// The copy that following begins with: slot first, then schema and rows under the snapshot that it exports, so
// that no change is missed and none comes twice.

import { ProgressFold } from '../../../shared/fold.ts'
import { formatCount } from '../../../shared/format.ts'
import { showName } from '../../../shared/phase.ts'
import { Cancelled, PgtrekError, PlanRefused, UsageError } from '../../postgres/errors.ts'
import { describeSettings } from '../../postgres/settings.ts'
import { tableKey } from '../../replication/destination-tables.ts'
import { type Migration, migrate } from '../migrate.ts'
import type { Plan } from '../plan.ts'
import { begin, dropLink, type Link, makeSlot } from './link.ts'
import type { FollowMemory, FollowRecord } from './memory.ts'
import { followName, linkNames } from './names.ts'
import type { FollowPicture } from './picture.ts'
import { type Prepared, prepare, sequencesOf } from './prepare.ts'
import { readMoved } from './relations.ts'
import type { CloneAndFollow } from './request.ts'

export interface CopyFirst {
  request: CloneAndFollow
  memory: FollowMemory
  picture: FollowPicture
  /** Kept up to date and on disk. */
  update: (change: Partial<FollowRecord>) => void
  signal: AbortSignal
}

export function newRecord(request: CloneAndFollow): FollowRecord {
  const name = followName(request)
  const { selection, options, follow } = request
  const isEverything = !selection.schemas.length && !selection.include.length && !selection.only.length
  return {
    name,
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
    largeObjects: isEverything && !selection.includeSchemas.length,
  }
}

/** What another process has left of the same move: begun and not finished is taken back, the rest is refused. */
export async function clearTheWay(
  earlier: FollowRecord | undefined,
  { request, memory, picture }: CopyFirst,
) {
  if (!earlier) return
  if (earlier.progress === 'following' || earlier.progress === 'done') {
    throw new UsageError(
      `these databases are followed already (${earlier.name}, since ${new Date(earlier.startedAt).toISOString()}): "pgtrek follow" goes on with it, "pgtrek cleanup" ends it for good, --name begins another one beside it`,
    )
  }
  const dropped = await dropLink(forwardLink(request, earlier))
  memory.forget(earlier.name)
  memory.take(earlier.name)
  picture.warn(
    `an earlier attempt was broken off while it copied: its snapshot is gone, so everything is copied anew` +
      (dropped.length > 0 ? `; dropped ${dropped.join(', ')}` : ''),
  )
}

/** True when every table arrived. Leaves nothing on either side when the copy as a whole fails. */
export async function copyFirst(work: CopyFirst, record: FollowRecord): Promise<void> {
  const { request, picture, signal } = work
  picture.enter('preflight')
  const prepared = await prepare(request, signal)
  for (const warning of prepared.warnings) picture.warn(warning)
  await confirm(request, prepared.plan)
  const link = forwardLink(request, record)
  // Written down before it is made: whatever happens, it can be found and dropped.
  work.update({
    progress: 'copying',
    tables: followedTables(prepared),
    leftOut: prepared.leftOut,
    ownLargeObjects: prepared.ownLargeObjects,
  })
  try {
    await using stack = new AsyncDisposableStack()
    const slot = await makeSlot({
      ...link,
      tables: prepared.published,
      insertsOnly: prepared.insertsOnly,
      signal,
      say: (message) => picture.say(message, 'warn'),
    })
    stack.defer(() => slot.session.close())
    picture.say(`slot ${slot.name} holds all changes from now on`)
    const moved = await readMoved(link, followedTables(prepared), slot.snapshot)
    const copied = await copy(work, prepared, { heldSnapshot: slot.snapshot })
    const now = await readMoved(link, copied.tables)
    // Only now: whoever finds it knows that the rows are there.
    await begin(link, slot, signal)
    work.update({ progress: 'following', ...copied, ...withOids(copied, moved, now.tables) })
  } catch (error) {
    await takeBack(work, link, error)
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

/** Under a snapshot that is held, or without the rows that the server itself will bring. */
export async function copy(
  { request, picture, signal }: CopyFirst,
  prepared: Prepared,
  rows: Pick<Migration, 'heldSnapshot' | 'rowsElsewhere'>,
): Promise<Pick<FollowRecord, 'tables' | 'sequences' | 'failedTables'>> {
  const fold = new ProgressFold()
  const known = new Set(prepared.followed.map(tableKey))
  let sequences: FollowRecord['sequences'] = []
  const result = await migrate({
    ...request,
    memory: request.runMemory,
    ...rows,
    isChecked: true,
    signal,
    onEvent(event) {
      fold.apply(event)
      picture.copying(event)
      request.onEvent(event)
    },
    onPlan(plan) {
      sequences = sequencesOf(plan)
      refuseNewcomers(prepared, plan)
    },
    confirm: (plan) => sameDestruction(plan, prepared.plan) || request.confirm(plan),
  })
  if (result.status === 'cancelled') throw new Cancelled()
  if (result.status === 'failed') throw result.error
  const { tables, failed } = fold.summary(Date.now())
  const missing = tables.filter((table) => table.status !== 'completed' && known.has(tableKey(table)))
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
  if (others.length > 0) {
    const named = others.slice(0, 10).map((one) => `${one.kind} ${showName(one)}`)
    picture.troubles.set(
      'objects',
      `${formatCount(others.length, 'object')} could not be made on the destination: ${named.join(', ')}`,
    )
  }
  const lost = new Set(failedTables.map(tableKey))
  return {
    tables: followedTables(prepared).filter((table) => !lost.has(tableKey(table))),
    sequences,
    failedTables,
  }
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
    `${formatCount(plan.destroyed.length, 'object')} of the destination would be emptied or dropped, and nobody confirmed it (--yes). Nothing was changed`,
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

export async function takeBack({ memory, picture }: CopyFirst, link: Link, error: unknown) {
  try {
    const dropped = await dropLink(link)
    if (dropped.length > 0) picture.say(`dropped ${dropped.join(', ')}`)
    memory.forget(link.names.position)
  } catch (failure) {
    const message = failure instanceof PgtrekError ? failure.message : String(failure)
    picture.warn(`slot and publication may still be there, "pgtrek cleanup" drops them: ${message}`)
  }
  if (error instanceof Cancelled) picture.say('cancelled', 'warn')
}

export function forwardLink({ source, destination }: CloneAndFollow, { forward }: FollowRecord): Link {
  return { direction: 'forward', from: source, to: destination, names: forward }
}
