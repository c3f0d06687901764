// Takes away what following has made on both sides, whatever became of it, also without the store.
import { describeLateWrites } from '../../../shared/late-writes.ts'
import { readReadOnly } from '../../catalog/read-only-state.ts'
import { PgtrekError, UsageError } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../../postgres/settings.ts'
import { parseLsn } from '../../replication/lsn.ts'
import { readPublication } from '../../replication/publication.ts'
import { readSlot } from '../../replication/slot.ts'
import { RunLock } from '../run-lock.ts'
import { refuseIndistinct } from './late-watch.ts'
import { passLateWrites } from './late-writes.ts'
import { dropLink, type Link, type Owner } from './link.ts'
import type { FollowMemory, FollowRecord } from './memory.ts'
import { followName, insertsPublication, linkNames } from './names.ts'
import { readMark } from './ownership.ts'
import { undoReadOnly } from './read-only.ts'
import type { FollowEnds } from './request.ts'
import { writeSentinel } from './sentinel.ts'

export interface CleanUpOptions {
  /** Also gives back the right to write that a switchover took. */
  writable: boolean
  /** Also drops a slot that shows changes written to the old primary after the switchover. */
  discardLateWrites?: boolean | undefined
  /** Only what the move of this number has made: nobody has asked for more. */
  onlyOf?: string | undefined
}

/** Nothing was dropped: changes of the old primary are missing on the other side. */
export class LateWritesFound extends PgtrekError {}

export interface CleanedUp {
  name: string
  /** Of which side each was, in words. */
  dropped: string[]
  remarks: string[]
}

/** Throws a UsageError while a process works on it. */
export async function cleanUpFollow(
  ends: FollowEnds,
  memory: FollowMemory,
  { writable, discardLateWrites = false, onlyOf }: CleanUpOptions,
): Promise<CleanedUp> {
  const name = followName(ends)
  const record = memory.load(name)
  memory.take(name)
  try {
    const { source, destination } = ends
    // Both are held until everything is dropped: no process may begin or go on with the move meanwhile.
    await using atSource = await lockMove(source, name)
    await using atDestination = await lockMove(destination, name)
    void [atSource, atDestination]
    const forward: Link = {
      direction: 'forward',
      from: source,
      to: destination,
      names: record?.forward ?? linkNames(name, 'forward', ends.follow.publication),
    }
    const back: Link = {
      direction: 'back',
      from: destination,
      to: source,
      names: record?.back ?? linkNames(name, 'back'),
    }
    const owner: Owner =
      onlyOf === undefined
        ? { by: 'command' }
        : { by: 'move', move: onlyOf, unread: record?.unread, isNameOwn: ends.follow.name === undefined }
    if (!discardLateWrites && onlyOf === undefined) await refuseLateWrites(record, forward, back)
    const dropped = [...(await dropLink(forward, owner)), ...(await dropLink(back, owner))]
    const remarks: string[] = []
    for (const settings of [source, destination]) {
      remarks.push(...(await (writable ? makeWritable(settings, name) : sayReadOnly(settings))))
    }
    memory.forget(name)
    return { name, dropped, remarks }
  } catch (error) {
    memory.release(name)
    throw error
  }
}

/**
 * The slot of the direction that was ended by the switchover is the only proof of what was written there since: it is
 * not dropped in silence. Without the record the servers tell that it was switched over.
 */
async function refuseLateWrites(record: FollowRecord | undefined, forward: Link, back: Link): Promise<void> {
  const handedOver = record ? record.handedOver : await handedOverByServers(forward, back)
  if (!handedOver) return
  const isForward = handedOver.direction === 'forward'
  const { from, names } = isForward ? forward : back
  const ours = (isForward ? back : forward).names.position
  await using session = await Session.open(from)
  if (!(await readSlot(session, names.slot))) return
  const inserts = insertsPublication(names)
  const isThere = names.ownPublication && (await readPublication(session, inserts)) !== undefined
  const place = describeSettings(from)
  const read = async () => {
    await refuseIndistinct(session, ours)
    await writeSentinel(session)
    return await passLateWrites(session, {
      slot: names.slot,
      publication: isThere ? [names.publication, inserts] : names.publication,
      after: parseLsn(handedOver.lsn),
      ours,
    })
  }
  const words = await read().then(
    (late) => late && describeLateWrites(late, place),
    (error: Error) => `whether ${place} was written to after the switchover is not known: ${error.message}`,
  )
  if (!words) return
  throw new LateWritesFound(
    `${words}. Nothing was dropped: the slot ${names.slot} still has these changes. Drop it all the same with --discard-late-writes (discard_late_writes)`,
  )
}

async function handedOverByServers(forward: Link, back: Link): Promise<FollowRecord['handedOver']> {
  for (const { direction, from, names } of [forward, back]) {
    await using session = await Session.open(from)
    const mark = await readMark(session, names.publication)
    if (mark?.handedOver) return { direction, ...mark.handedOver }
  }
  const { from, names } = forward
  await using session = await Session.open(from)
  const moves = (await readReadOnly(session))?.moves ?? {}
  // Everything that the slot still shows came later.
  return moves[names.position] === 'switched_over' ? { direction: 'forward', lsn: '0/0' } : undefined
}

async function makeWritable(settings: ConnectionSettings, move: string): Promise<string[]> {
  const place = describeSettings(settings)
  const undone = await undoReadOnly(settings, move)
  if (undone.state === 'kept') {
    const names = undone.moves.join(', ')
    return [`${place} stays read-only: ${names} made it so ("pgtrek cleanup --writable --name" undoes it)`]
  }
  if (undone.state === 'not_ours') return []
  return [
    `${place} can be written to again`,
    ...undone.left.map(
      (table) => `the trigger pgtrek_read_only of ${table} is left; it does nothing, and cleanup drops it`,
    ),
  ]
}

async function sayReadOnly(settings: ConnectionSettings): Promise<string[]> {
  await using session = await Session.open(settings)
  const state = await readReadOnly(session)
  if (!state || Object.keys(state.moves).length === 0) return []
  return [`${describeSettings(settings)} stays read-only ("pgtrek cleanup --writable" makes it writable)`]
}

/** Throws while a process works on the move, here or on another machine. */
export async function lockMove(
  settings: ConnectionSettings,
  name: string,
  onLost: (error: Error) => void = () => {},
): Promise<RunLock> {
  const lock = await RunLock.open(settings, { what: `move ${name}`, onLost, say() {} })
  try {
    await lock.takeMove(name)
    return lock
  } catch (error) {
    await lock.close()
    throw error
  }
}

/** Which move is meant when only a name was said, or none. */
export function onlyName(names: readonly string[], asked: string | undefined): string {
  if (asked !== undefined) {
    if (names.includes(asked)) return asked
    throw new UsageError(
      `nothing is known of ${asked}${names.length > 0 ? `: there is ${names.join(', ')}` : ' in this state directory'}`,
    )
  }
  const [only, ...others] = names
  if (only === undefined) throw new UsageError('nothing is followed, as far as this state directory knows')
  if (others.length > 0) throw new UsageError(`say which one: ${names.join(', ')}`)
  return only
}
