// What both sides need for changes to flow in one direction: publication and slot on the one, the position on the other.
// They are created in this order, so that no change is missed.

import type { Direction } from '../../shared/follow.ts'
import { say } from '../../shared/say.ts'
import type { TableName } from '../../shared/table-name.ts'
import { tableKey } from '../../shared/table-name.ts'
import { PlanRefused } from '../postgres/errors.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'
import { inTransaction } from '../postgres/transaction.ts'
import { createPosition, dropPosition, readPosition } from '../replication/apply/position.ts'
import {
  dropSubscription,
  hasSubscription,
  markOfSubscription,
  subscriptionComment,
} from '../replication/native/subscription.ts'
import { parseLsn } from '../replication/stream/lsn.ts'
import {
  createPublication,
  dropPublication,
  type PublishedTable,
  publicationProblems,
  readPublication,
} from '../replication/stream/publication.ts'
import {
  type CreatedSlot,
  createSlot,
  dropSlot,
  readPrepared,
  readSlot,
  readSlotBlockers,
  waitForReader,
} from '../replication/stream/slot.ts'
import type { LinkNames } from '../store/follow-memory.ts'
import { insertsPublication } from './names.ts'
import { markPublication, readMark, settleWayBack } from './ownership.ts'

export interface Link {
  direction: Direction
  from: ConnectionSettings
  to: ConnectionSettings
  names: LinkNames
}

export interface LinkRequest extends Link {
  /** The ID of the move, to mark what is created. */
  move: string
  tables: readonly PublishedTable[]
  /** Tables of which only inserts are published. */
  insertsOnly: readonly TableName[]
  /** Created by a switchover that is not completed yet. */
  isWayBack?: boolean
  signal: AbortSignal
  say: (message: string) => void
}

/** A new slot waits for open transactions, which are reported after this time. */
const patienceMs = 3000

/** For two sides that have the same rows now. */
export async function makeLink(request: LinkRequest): Promise<void> {
  const slot = await makeSlot(request)
  await slot.session.close()
  await begin(request, slot, request.signal)
}

/** Stores the first position, once both sides have the rows from when the slot was created. */
export async function begin({ to, names }: Link, { consistentPoint }: CreatedSlot, signal: AbortSignal) {
  await using destination = await Session.open(to, { signal })
  await createPosition(destination, names.position, consistentPoint)
}

/** The snapshot exists as long as the slot's session, which the caller closes. */
export async function makeSlot(request: LinkRequest): Promise<CreatedSlot> {
  const { from, names, signal, say: log } = request
  await refuseOthers(request, signal)
  await using source = await Session.open(from, { signal })
  await publish(source, request)
  const waiting = setTimeout(() => reportBlockers(from, log), patienceMs)
  try {
    return await createSlot(from, names.slot, { signal })
  } finally {
    clearTimeout(waiting)
  }
}

/** Throws when an object with one of these names exists: another move may need it. */
export async function refuseOthers({ from, to, names }: Link, signal: AbortSignal): Promise<void> {
  const { slot, publication, position } = names
  await using source = await Session.open(from, { signal })
  await using destination = await Session.open(to, { signal })
  const own = publicationsOf(names)
  const published: string[] = []
  for (const name of own) if (await readPublication(source, name)) published.push(`publication ${name}`)
  const there = [
    ...((await readSlot(source, slot)) ? [say`replication slot ${slot}`] : []),
    ...published,
  ].map((what) => `${what} on ${describeSettings(from)}`)
  if (await hasSubscription(destination, slot))
    there.push(say`subscription ${slot} on ${describeSettings(to)}`)
  if (await readPosition(destination, position))
    there.push(say`position ${position} on ${describeSettings(to)}`)
  if (there.length === 0) return
  const mark = await readMark(source, publication)
  if (mark?.handedOver) {
    throw new PlanRefused(
      say`an earlier move (${mark.begunBy}) from ${describeSettings(from)} to ${describeSettings(to)} was switched over and left behind ${there.join(', ')}. Nothing was changed. "pgtrek cleanup" ends it and reports whether anything was written there since; --name gives this move another name`,
    )
  }
  throw new PlanRefused(
    say`an earlier move${mark ? ` (${mark.begunBy})` : ''} left behind ${there.join(', ')}, and may still need it. Nothing was changed. "pgtrek follow" with the same connections continues a move whose copy is complete; "pgtrek cleanup" ends it; --name gives this move another name`,
  )
}

export async function publish(
  source: Session,
  {
    names,
    tables,
    insertsOnly,
    move,
    isWayBack,
  }: Pick<LinkRequest, 'names' | 'tables' | 'insertsOnly' | 'move' | 'isWayBack'>,
) {
  const apart = new Set(insertsOnly.map(tableKey))
  const whole = tables.filter((table) => !apart.has(tableKey(table)))
  if (!names.ownPublication) {
    const state = await readPublication(source, names.publication)
    if (!state) throw new PlanRefused(say`the source has no publication ${names.publication}`)
    const [problem] = publicationProblems(state, whole)
    if (problem) throw new PlanRefused(problem)
    return
  }
  // Together with their marks, in one transaction.
  await inTransaction(source, async () => {
    await createPublication(source, names.publication, whole)
    await markPublication(source, names.publication, move, { isWayBack })
    if (apart.size === 0) return
    const inserts = insertsPublication(names)
    const some = tables.filter((table) => apart.has(tableKey(table)))
    await createPublication(source, inserts, some, { viaRoot: false, insertsOnly: true })
    await markPublication(source, inserts, move)
  })
}

/** Reports what the slot waits for. A failure of the slot itself is reported by its creation. */
export async function reportBlockers(from: ConnectionSettings, log: (message: string) => void) {
  try {
    await using session = await Session.open(from)
    for (const { pid, user, application, since, query } of await readSlotBlockers(session)) {
      log(
        say`the slot waits for a transaction of ${user} (${application || say`no name`}, process ${pid}, since ${since}): ${query}`,
      )
    }
    for (const { gid, owner, database, since } of await readPrepared(session)) {
      const name = quoteLiteral(gid)
      log(
        say`the slot waits for prepared transaction ${gid} of ${owner} in ${database}, since ${since}: in ${database}, commit prepared ${name} or rollback prepared ${name}`,
      )
    }
  } catch (error) {
    log(say`the slot waits for open transactions (their sessions cannot be read: ${error})`)
  }
}

/** What may be dropped: everything with these names, on the user's command; or only what the move has created. */
export type Owner =
  | { by: 'command' }
  | {
      by: 'move'
      move: string | undefined
      /** This process has streamed from the slot, and holds the locks of the move. */
      isStreamed?: boolean
      /** The first position of the slot, when nothing has been read from it since. */
      unread?: string | undefined
      /** The name of the move is made from both ends, so no other move has a position with this name. */
      isNameOwn?: boolean
    }

/** Returns what was dropped. Objects of another move stay. */
export async function dropLink({ from, to, names }: Link, owner: Owner): Promise<string[]> {
  await using source = await Session.open(from)
  await using destination = await Session.open(to)
  const owned = await ownedParts(source, destination, names, owner)
  // The caller holds the lock of the move, so a session that still reads belongs to a killed process, or to a process of
  // a version without locks.
  const isOurs = owner.by === 'move' || (await readMark(source, names.publication)) !== undefined
  // Before anything is dropped, because it may throw.
  if (!isOurs && !(await hasSubscription(destination, names.slot))) await waitForReader(source, names.slot)
  const dropped: string[] = []
  const [there, here] = [describeSettings(from), describeSettings(to)]
  // First, because a subscription keeps connecting to its slot.
  if (owned.subscription && (await dropSubscription(destination, names.slot))) {
    dropped.push(say`subscription ${names.slot} of ${here}`)
  }
  if (owned.slot && (await dropSlot(source, names.slot, { isOurs }))) {
    dropped.push(say`replication slot ${names.slot} of ${there}`)
  }
  for (const publication of owned.publications) {
    if (await dropPublication(source, publication)) dropped.push(say`publication ${publication} of ${there}`)
  }
  if (owned.position) {
    const what = await dropPosition(destination, names.position)
    dropped.push(...what.map((one) => `${one} of ${here}`))
  }
  return dropped
}

/** Drops what one server has of a link whose other server is lost for good. */
export async function dropHalf(
  settings: ConnectionSettings,
  names: LinkNames,
  half: 'from' | 'to',
): Promise<string[]> {
  await using session = await Session.open(settings)
  const place = describeSettings(settings)
  const dropped: string[] = []
  if (half === 'to') {
    if (await dropSubscription(session, names.slot)) dropped.push(`subscription ${names.slot}`)
    dropped.push(...(await dropPosition(session, names.position)))
  } else {
    if (await dropSlot(session, names.slot, { isOurs: true }))
      dropped.push(say`replication slot ${names.slot}`)
    for (const publication of publicationsOf(names)) {
      if (await dropPublication(session, publication)) dropped.push(`publication ${publication}`)
    }
  }
  return dropped.map((what) => `${what} of ${place}`)
}

/** After the handover only slot and publication stay, which show late writes. */
export async function leaveLink({ to, names }: Link): Promise<void> {
  await using destination = await Session.open(to)
  await dropSubscription(destination, names.slot)
  await dropPosition(destination, names.position)
}

/** Marks a link for the way back as used: changes flow there from now on. */
export async function settleLink({ from, names }: Link): Promise<void> {
  await using source = await Session.open(from)
  if (names.ownPublication) await settleWayBack(source, names.publication)
}

interface OwnedParts {
  subscription: boolean
  slot: boolean
  publications: string[]
  position: boolean
}

async function ownedParts(
  source: Session,
  destination: Session,
  names: LinkNames,
  owner: Owner,
): Promise<OwnedParts> {
  const all = publicationsOf(names)
  if (owner.by === 'command') return { subscription: true, slot: true, publications: all, position: true }
  const { move, isStreamed = false, unread, isNameOwn = false } = owner
  const publications: string[] = []
  for (const name of all) {
    const isThere = (await readPublication(source, name)) !== undefined
    if (isThere && (await readMark(source, name))?.move === move) publications.push(name)
  }
  const isMarked = publications.includes(names.publication)
  const point = unread === undefined ? undefined : parseLsn(unread)
  const slot = await readSlot(source, names.slot)
  const position = await readPosition(destination, names.position)
  const comment = await subscriptionComment(destination, names.slot)
  const subscription =
    comment === null ? isMarked : move !== undefined && comment === markOfSubscription(move)
  return {
    subscription,
    // A slot with this name belongs to the move that the publication with this name belongs to.
    slot: isStreamed || (point === undefined ? isMarked || subscription : slot?.confirmed === point),
    publications,
    position: isStreamed || (isNameOwn && isMarked) || (point !== undefined && position?.lsn === point),
  }
}

/** Those that pgtrek creates. */
function publicationsOf(names: LinkNames): string[] {
  return names.ownPublication ? [names.publication, insertsPublication(names)] : []
}
