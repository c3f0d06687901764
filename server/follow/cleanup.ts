// Drops what following has created on both sides, in every state of a move, also without the state directory.

import { describeLateWrites } from '../../shared/late-writes.ts'
import { say } from '../../shared/say.ts'
import { readReadOnly } from '../catalog/read-only-state.ts'
import { RunLock } from '../coordination/run-lock.ts'
import { ConnectFailed, PgtrekError, UsageError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'
import { parseLsn } from '../replication/stream/lsn.ts'
import { readPublication } from '../replication/stream/publication.ts'
import { readSlot } from '../replication/stream/slot.ts'
import type { FollowMemory, FollowRecord, LinkNames } from '../store/follow-memory.ts'
import { dropHalf, dropLink, type Link, type Owner } from './link.ts'
import { handedOverOf, primaryOf, readMoveFacts, stateOf } from './move-state.ts'
import { followName, insertsPublication, linkNames } from './names.ts'
import type { FollowEnds } from './request.ts'
import { makeWritable } from './switchover/handover.ts'
import { refuseIndistinct } from './switchover/late-watch.ts'
import { passLateWrites } from './switchover/late-writes.ts'
import { writeSentinel } from './switchover/sentinel.ts'

export interface CleanUpOptions {
  /** Also makes a side writable that a switchover has made read-only. */
  writable: boolean
  /** Also drops a slot that contains late writes. */
  discardLateWrites?: boolean | undefined
  /** Drops only what the move with this ID has created. */
  onlyOf?: string | undefined
  /** This server is lost for good: only the other one is cleaned up, and made writable. */
  gone?: 'source' | 'destination' | undefined
}

/** Nothing was dropped: the new primary does not have changes of the old primary. */
export class LateWritesFound extends PgtrekError {}

export interface CleanedUp {
  name: string
  /** Each object with its side. */
  dropped: string[]
  remarks: string[]
}

/** Throws a UsageError while a process works on it. */
export async function cleanUpFollow(
  ends: FollowEnds,
  memory: FollowMemory,
  options: CleanUpOptions,
): Promise<CleanedUp> {
  const { writable, discardLateWrites = false, onlyOf, gone } = options
  const name = followName(ends)
  const record = memory.load(name)
  memory.take(name)
  try {
    const { source, destination } = ends
    if (gone !== undefined) return await cleanUpRest(ends, name, record, memory, gone)
    // Locked until everything is dropped, so that no process begins or continues the move meanwhile.
    await using atSource = await lockMove(source, name).catch(adviseGone('source'))
    await using atDestination = await lockMove(destination, name).catch(adviseGone('dest'))
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
    const remarks = await restoreWrites(ends, name, { forward: forward.names, back: back.names }, writable)
    const dropped = [...(await dropLink(forward, owner)), ...(await dropLink(back, owner))]
    memory.forget(name)
    return { name, dropped, remarks }
  } catch (error) {
    memory.release(name)
    throw error
  }
}

async function cleanUpRest(
  ends: FollowEnds,
  name: string,
  record: FollowRecord | undefined,
  memory: FollowMemory,
  gone: 'source' | 'destination',
): Promise<CleanedUp> {
  const settings = gone === 'source' ? ends.destination : ends.source
  await refuseAvailable(ends[gone])
  await using lock = await lockMove(settings, name)
  void lock
  const { said, left } = await makeWritable(settings, name)
  const forward = record?.forward ?? linkNames(name, 'forward', ends.follow.publication)
  const back = record?.back ?? linkNames(name, 'back')
  const dropped = [
    ...(await dropHalf(settings, forward, gone === 'source' ? 'to' : 'from')),
    ...(await dropHalf(settings, back, gone === 'source' ? 'from' : 'to')),
  ]
  memory.forget(name)
  return { name, dropped, remarks: [...said, ...left] }
}

/** `dest` as the command line has it; the API has `destination`. */
function adviseGone(side: 'source' | 'dest') {
  return (error: unknown): never => {
    if (!isGone(error)) throw error
    const { reason, message } = error as ConnectFailed
    throw new ConnectFailed(
      reason,
      say`${message}. Nothing was changed. If this server is permanently lost, run "pgtrek cleanup --gone ${side}" to clean up the other one only`,
      { cause: error },
    )
  }
}

function isGone(error: unknown): boolean {
  return error instanceof ConnectFailed && ['host', 'refused', 'timeout', 'database'].includes(error.reason)
}

/** Throws when the server answers after all: its slot would keep its log for ever. */
async function refuseAvailable(settings: ConnectionSettings) {
  try {
    const session = await Session.open(settings)
    await session.close()
  } catch (error) {
    if (isGone(error)) return
    throw error
  }
  throw new UsageError(
    say`${describeSettings(settings)} is available. Nothing was changed. Clean up both sides, without --gone`,
  )
}

/**
 * Throws when there are late writes: the slot of the old primary is the only place that has them. Without a record the
 * servers tell whether there was a switchover.
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
    (error: Error) =>
      say`cannot determine whether ${place} was written to after the switchover: ${error.message}`,
  )
  if (!words) return
  throw new LateWritesFound(
    say`${words}. Nothing was dropped: the slot ${names.slot} still has these changes. To drop it anyway, use --discard-late-writes (discard_late_writes)`,
  )
}

async function handedOverByServers(forward: Link, back: Link): Promise<FollowRecord['handedOver']> {
  await using source = await Session.open(forward.from)
  await using destination = await Session.open(back.from)
  const links = { forward: forward.names, back: back.names }
  const facts = await readMoveFacts(source, destination, forward.names.position, links)
  for (const direction of ['forward', 'back'] as const) {
    const handedOver = handedOverOf(facts, direction)
    if (handedOver) return { direction, ...handedOver }
  }
  return undefined
}

/**
 * Makes the primary writable, and a side whose switchover was not completed; the old primary only on request. This comes
 * first, so that a failure to drop something cannot prevent it.
 */
async function restoreWrites(
  ends: FollowEnds,
  name: string,
  links: { forward: LinkNames; back: LinkNames },
  isAsked: boolean,
): Promise<string[]> {
  await using source = await Session.open(ends.source)
  await using destination = await Session.open(ends.destination)
  const facts = await readMoveFacts(source, destination, name, links)
  const primary = primaryOf(stateOf(facts))
  const remarks: string[] = []
  for (const side of ['source', 'destination'] as const) {
    const mark = facts.readOnly[side]
    if (isAsked || side === primary || mark === 'switching') {
      const { said, left } = await makeWritable(ends[side], name)
      remarks.push(...said, ...left)
    } else {
      remarks.push(...(await remarkReadOnly(side === 'source' ? source : destination)))
    }
  }
  return remarks
}

async function remarkReadOnly(session: Session): Promise<string[]> {
  const state = await readReadOnly(session)
  if (!state || Object.keys(state.moves).length === 0) return []
  return [
    say`${describeSettings(session.settings)} stays read-only ("pgtrek cleanup --writable" makes it writable)`,
  ]
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

/** The move with this name; without a name the only move there is. */
export function onlyName(names: readonly string[], asked: string | undefined): string {
  if (asked !== undefined) {
    if (names.includes(asked)) return asked
    throw new UsageError(
      `there is no move named ${asked} in this state directory${names.length > 0 ? `; it has ${names.join(', ')}` : ''}`,
    )
  }
  const [only, ...others] = names
  if (only === undefined) throw new UsageError('this state directory has no move')
  if (others.length > 0) throw new UsageError(`more than one move: name one of ${names.join(', ')}`)
  return only
}
