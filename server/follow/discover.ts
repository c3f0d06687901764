// The record of a move that this state directory does not know, made from what both servers have of it.

import { say } from '../../shared/say.ts'
import { type TableName, tableKey } from '../../shared/table-name.ts'
import { readLargeObjects } from '../catalog/large-objects.ts'
import { listSequences } from '../catalog/sequences.ts'
import { UsageError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { describeSettings } from '../postgres/settings.ts'
import { readPublication } from '../replication/stream/publication.ts'
import { readFollowedTables } from '../replication/tables/source-tables.ts'
import type { FollowRecord, LinkNames } from '../store/follow-memory.ts'
import {
  describeMove,
  handedOverOf,
  type MoveFacts,
  noWayBack,
  primaryOf,
  readMoveFacts,
  stateOf,
  waysOf,
} from './move-state.ts'
import { insertsPublication, linkNames } from './names.ts'
import type { Mark } from './ownership.ts'
import type { FollowEnds } from './request.ts'
import { makeWritable } from './switchover/handover.ts'

export function unknownRecord(name: string, { source, destination, follow }: FollowEnds): FollowRecord {
  return {
    name,
    source: describeSettings(source),
    destination: describeSettings(destination),
    startedAt: Date.now(),
    progress: 'preparing',
    direction: 'forward',
    bidirectional: false,
    forward: linkNames(name, 'forward', follow.publication),
    tables: [],
    sequences: [],
    advanceSequences: false,
    leftOut: [],
    failedTables: [],
    largeObjects: false,
  }
}

/** Throws a UsageError when there is nothing to continue. */
export async function discover(name: string, ends: FollowEnds, signal: AbortSignal): Promise<FollowRecord> {
  await using source = await Session.open(ends.source, { signal })
  await using destination = await Session.open(ends.destination, { signal })
  const facts = await readMoveFacts(source, destination, name, {
    forward: linkNames(name, 'forward', ends.follow.publication),
    back: linkNames(name, 'back'),
  })
  const { forward, back } = { forward: facts.forward.names, back: facts.back.names }
  const native = facts.forward.subscription
  const ways = waysOf(facts)
  const [isForward, isBack] = [ways.includes('forward'), ways.includes('back')]
  const left = { forward: handedOverOf(facts, 'forward'), back: handedOverOf(facts, 'back') }
  if (ways.length === 0) await refuseEnded(name, ends, facts)
  // A publication that pgtrek did not create has no mark. All changes in this slot are late writes.
  if (isBack && facts.forward.slot && !facts.forward.position) left.forward ??= { lsn: '0/0' }
  const from = isForward ? source : destination
  const to = isForward ? destination : source
  const there = [...(await readFollowedTables(from)).values()]
  const names = isForward ? forward : back
  const published = await publishedTables(from, names)
  const { mark } = facts[isForward ? 'forward' : 'back']
  const failedTables = mark ? named(mark.missing.tables, there) : await notOnTheOtherSide(to, published)
  const failed = new Set(failedTables.map(tableKey))
  const tables = published.filter((table) => !failed.has(tableKey(table)))
  const followed = new Set(published.map(tableKey))
  const others = there.filter((table) => table.kind !== 'p' && !followed.has(tableKey(table)))
  const { superuser } = await from.one<{ superuser: boolean }>(
    'select rolsuper as superuser from pg_catalog.pg_roles where rolname = current_user',
  )
  return {
    ...unknownRecord(name, ends),
    ...(mark && { move: mark.move }),
    ...(mark?.skipped && { skipped: mark.skipped }),
    ...(mark?.learned && { memberships: mark.learned, learned: mark.learned }),
    failedTables,
    ...(mark?.missing.objects && { failedObjects: mark.missing.objects }),
    progress: isForward ? 'following' : 'done',
    direction: isForward ? 'forward' : 'back',
    bidirectional: isForward && isBack,
    ...(native && { native }),
    ...((facts.back.mark || facts.back.slot) && { back }),
    ...(left.forward && { handedOver: { direction: 'forward' as const, ...left.forward } }),
    ...(left.back && { handedOver: { direction: 'back' as const, ...left.back } }),
    tables,
    sequences: await sharedSequences(source, destination),
    // It is unknown whether sequences of the destination were advanced there.
    advanceSequences: true,
    leftOut: [
      ...others.map(({ schema, name: table, oid }) => ({
        ...{ schema, name: table, isGuess: true as const },
        ...(isForward ? { source: oid } : { destination: oid }),
      })),
      ...there
        .filter((table) => failed.has(tableKey(table)))
        .map(({ schema, name: table, oid }) => ({
          ...{ schema, name: table },
          ...(isForward ? { source: oid } : { destination: oid }),
        })),
    ],
    largeObjects: (await readLargeObjects(source, superuser)).length > 0,
  }
}

/** Changes do not flow any more. A process that was killed near the end may have left the primary read-only. */
async function refuseEnded(name: string, ends: FollowEnds, facts: MoveFacts): Promise<never> {
  const state = stateOf(facts)
  const primary = primaryOf(state)
  if (primary && facts.readOnly[primary]) {
    const { left } = await makeWritable(ends[primary], name)
    if (left.length > 0) throw new UsageError(left.join('; '))
    facts.readOnly[primary] = undefined
  }
  const { words, next } = describeMove(facts, ends)
  throw new UsageError(`${words}. ${next.join('; ')}`)
}

export function wasSwitchedOver({ name, source, destination, direction }: FollowRecord): string {
  return direction === 'forward'
    ? say`${name} was switched over: the application belongs on ${destination}. "pgtrek cleanup" removes what is left of it; ${noWayBack(source, destination)}`
    : say`${name} has returned: the application belongs on ${source}. "pgtrek cleanup" removes what is left of it`
}

async function publishedTables(from: Session, names: LinkNames): Promise<TableName[]> {
  const whole = await readPublication(from, names.publication)
  const inserts = await readPublication(from, insertsPublication(names))
  return [...(whole?.tables ?? []), ...(inserts?.tables ?? [])]
}

/** The failed tables of the copy, by their current names. */
function named(
  missing: Mark['missing']['tables'],
  there: readonly (TableName & { oid: number })[],
): FollowRecord['failedTables'] {
  const byOid = new Map(there.map((table) => [table.oid, table]))
  return missing.map(({ schema, name, error, oid }) => {
    const now = oid === undefined ? undefined : byOid.get(oid)
    return { schema: now?.schema ?? schema, name: now?.name ?? name, error }
  })
}

/** Without a mark, in a publication that pgtrek did not create or a move of an older version. */
async function notOnTheOtherSide(
  to: Session,
  published: readonly TableName[],
): Promise<FollowRecord['failedTables']> {
  const there = new Set([...(await readFollowedTables(to)).values()].map(tableKey))
  const error = say`${describeSettings(to.settings)} has no such table`
  return published
    .filter((table) => !there.has(tableKey(table)))
    .map(({ schema, name }) => ({ schema, name, error }))
}

async function sharedSequences(source: Session, destination: Session) {
  const there = new Set((await listSequences(destination)).map(tableKey))
  return (await listSequences(source))
    .filter((sequence) => there.has(tableKey(sequence)))
    .map(({ schema, name }) => ({ schema, name }))
}
