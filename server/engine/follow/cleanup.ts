// Takes away what following has made on both sides, whatever became of it, also without the store.
import { UsageError } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../../postgres/settings.ts'
import { parseLsn } from '../../replication/lsn.ts'
import { readPublication } from '../../replication/publication.ts'
import { readSlot } from '../../replication/slot.ts'
import { RunLock } from '../run-lock.ts'
import { describeLateWrites, readLateWrites } from './late-writes.ts'
import { dropLink, type Link, type Owner } from './link.ts'
import type { FollowMemory, FollowRecord } from './memory.ts'
import { followName, insertsPublication, linkNames } from './names.ts'
import { makeWritable, readOnlyMarkOf } from './read-only.ts'
import type { FollowEnds } from './request.ts'

export interface CleanUpOptions {
  /** Also gives back the right to write that a switchover took. */
  writable: boolean
  /** Only what the move of this number has made: nobody has asked for more. */
  onlyOf?: string | undefined
}

export interface CleanedUp {
  name: string
  /** Of which side each was, in words. */
  dropped: string[]
  remarks: string[]
  /** What was written to the old primary after the switchover is not on the new one. */
  lateWrites?: string
}

/** Throws a UsageError while a process works on it. */
export async function cleanUpFollow(
  ends: FollowEnds,
  memory: FollowMemory,
  { writable, onlyOf }: CleanUpOptions,
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
    const lateWrites = record && (await findLateWrites(record, forward, back))
    const dropped = [...(await dropLink(forward, owner)), ...(await dropLink(back, owner))]
    const remarks: string[] = lateWrites ? [`WARNING: ${lateWrites}`] : []
    // The servers know, whichever process made them so.
    for (const side of [source, destination]) {
      if (!(await readOnlyMarkOf(side))) continue
      if (writable && (await makeWritable(side)))
        remarks.push(`${describeSettings(side)} can be written to again`)
      else
        remarks.push(
          `${describeSettings(side)} stays read-only ("pgtrek cleanup --writable" makes it writable)`,
        )
    }
    memory.forget(name)
    return { name, dropped, remarks, ...(lateWrites && { lateWrites }) }
  } catch (error) {
    memory.release(name)
    throw error
  }
}

/** The slot of the direction that was ended by the switchover is still there when nothing flows back. */
async function findLateWrites(
  { handedOver, bidirectional }: FollowRecord,
  forward: Link,
  back: Link,
): Promise<string | undefined> {
  if (!handedOver || bidirectional) return undefined
  const { from, names } = handedOver.direction === 'forward' ? forward : back
  await using session = await Session.open(from)
  if (!(await readSlot(session, names.slot))) return undefined
  const inserts = insertsPublication(names)
  const isThere = names.ownPublication && (await readPublication(session, inserts)) !== undefined
  try {
    const late = await readLateWrites(session, {
      slot: names.slot,
      publication: isThere ? [names.publication, inserts] : names.publication,
      after: parseLsn(handedOver.lsn),
    })
    return late && describeLateWrites(late, describeSettings(from))
  } catch (error) {
    return `whether ${describeSettings(from)} was written to after the switchover is not known: ${(error as Error).message}`
  }
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
