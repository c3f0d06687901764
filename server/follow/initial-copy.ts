// The first copy of a move with pgtrek's own stream: the slot first, then schema and rows under the snapshot that the
// slot exports. So no change is missed, and none is applied twice.

import { say } from '../../shared/say.ts'
import { tableKey } from '../../shared/table-name.ts'
import { describeSettings } from '../postgres/settings.ts'
import { showLsn } from '../replication/stream/lsn.ts'
import { linksOf } from '../replication/tables/membership.ts'
import { type FollowRecord, moveOf } from '../store/follow-memory.ts'
import { CopyMonitor } from './copy-monitor.ts'
import {
  confirm,
  copy,
  followedTables,
  forwardLink,
  type InitialCopy,
  prepareLocked,
  recordMissing,
  refuseNothing,
} from './copy-steps.ts'
import { begin, makeSlot, refuseOthers } from './link.ts'
import { followName, linkNames } from './names.ts'
import { readMoved } from './relations.ts'
import type { CloneAndFollow } from './request.ts'
import { retryWhileUnavailable } from './retry.ts'
import { endPatienceMs, undoCopy } from './undo-copy.ts'

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

/** Leaves nothing on either side when the copy as a whole fails. */
export async function copyFirst(work: InitialCopy, record: FollowRecord): Promise<void> {
  const { request, status, signal } = work
  status.dispatch({ type: 'preflight_began' })
  const link = forwardLink(request, record)
  await refuseOthers(link, signal)
  const prepared = await prepareLocked(work)
  for (const warning of prepared.warnings) status.warn(warning)
  await confirm(request, prepared.plan)
  // Recorded before anything is created, so that it can be found and dropped after a kill.
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
    status.say(say`slot ${slot.name} holds all changes from now on`)
    const moved = await readMoved(link, followedTables(prepared), slot.snapshot)
    const monitor = stack.use(
      new CopyMonitor({ link, slot, warn: (words) => status.warn(words), everyMs: request.slotCheckEveryMs }),
    )
    const copied = await copy(work, prepared, { heldSnapshot: slot.snapshot }, monitor)
    refuseNothing(copied)
    const now = await readMoved(link, copied.tables)
    const memberships = linksOf(moved.members)
    const settled = { ...copied, ...withOids(copied, moved, now.tables), memberships }
    const passing = {
      signal,
      onWait: (error: Error, seconds: number) =>
        status.warn(say`${error.message}; another attempt in ${seconds} seconds`),
      atMostMs: endPatienceMs,
    }
    await retryWhileUnavailable(() => recordMissing(link, record, settled, signal), passing)
    // Last, because the position shows that all rows are there.
    await retryWhileUnavailable(() => begin(link, slot, signal), passing)
    work.update({ progress: 'following', ...settled })
  } catch (error) {
    await undoCopy(work, link, record, error)
    throw error
  }
}

/** Counts tables as failed whose name another table got while they were copied: the rows may be those of the other. */
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
      error: say`another table of the source got this name while it was copied: start again`,
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
