// What has to be on both sides for changes to flow one way: publication and slot where they come from, the
// position where they go. Made in this order, so that nothing falls between.

import type { Direction } from '../../shared/follow.ts'
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
  /** Marks what is made. */
  move: string
  tables: readonly PublishedTable[]
  /** Of which only inserts are published. */
  insertsOnly: readonly TableName[]
  /** For a switchover that is not done yet. */
  isWayBack?: boolean
  signal: AbortSignal
  say: (message: string) => void
}

/** A new slot waits for transactions that are under way; who blocks it is reported after so long. */
const patienceMs = 3000

/** Changes flow from now on: both sides have the same. */
export async function makeLink(request: LinkRequest): Promise<void> {
  const slot = await makeSlot(request)
  await slot.session.close()
  await begin(request, slot, request.signal)
}

/** Both sides have what was there when the slot was made: without this nobody can follow from it. */
export async function begin({ to, names }: Link, { consistentPoint }: CreatedSlot, signal: AbortSignal) {
  await using destination = await Session.open(to, { signal })
  await createPosition(destination, names.position, consistentPoint)
}

/** The snapshot lives as long as the slot's session, which the caller closes. */
export async function makeSlot(request: LinkRequest): Promise<CreatedSlot> {
  const { from, names, signal, say } = request
  await refuseOthers(request, signal)
  await using source = await Session.open(from, { signal })
  await publish(source, request)
  const waiting = setTimeout(() => reportBlockers(from, say), patienceMs)
  try {
    return await createSlot(from, names.slot, { signal })
  } finally {
    clearTimeout(waiting)
  }
}

/** Throws when there is anything of these names: whoever made it may need it. */
export async function refuseOthers({ from, to, names }: Link, signal: AbortSignal): Promise<void> {
  const { slot, publication, position } = names
  await using source = await Session.open(from, { signal })
  await using destination = await Session.open(to, { signal })
  const own = publicationsOf(names)
  const published: string[] = []
  for (const name of own) if (await readPublication(source, name)) published.push(`publication ${name}`)
  const there = [...((await readSlot(source, slot)) ? [`replication slot ${slot}`] : []), ...published].map(
    (what) => `${what} on ${describeSettings(from)}`,
  )
  if (await hasSubscription(destination, slot)) there.push(`subscription ${slot} on ${describeSettings(to)}`)
  if (await readPosition(destination, position)) there.push(`position ${position} on ${describeSettings(to)}`)
  if (there.length === 0) return
  const mark = await readMark(source, publication)
  if (mark?.handedOver) {
    throw new PlanRefused(
      `an earlier move (${mark.begunBy}) from ${describeSettings(from)} to ${describeSettings(to)} was switched over and left behind ` +
        `${there.join(', ')}. Nothing was changed. "pgtrek cleanup" ends it and reports whether anything was written ` +
        'there since; --name gives this move another name',
    )
  }
  throw new PlanRefused(
    `an earlier move${mark ? ` (${mark.begunBy})` : ''} left behind ${there.join(', ')}, and may still need it. Nothing was ` +
      'changed. "pgtrek follow" with the same connections continues a move whose copy is complete; "pgtrek ' +
      'cleanup" ends it; --name gives this move another name',
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
    if (!state) throw new PlanRefused(`the source has no publication ${names.publication}`)
    const [problem] = publicationProblems(state, whole)
    if (problem) throw new PlanRefused(problem)
    return
  }
  // Together with their marks, or not at all.
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

/** What it cannot find out, it does not tell: the slot says itself when it fails. */
export async function reportBlockers(from: ConnectionSettings, say: (message: string) => void) {
  try {
    await using session = await Session.open(from)
    for (const { pid, user, application, since, query } of await readSlotBlockers(session)) {
      say(
        `the slot waits for a transaction of ${user} (${application || 'no name'}, process ${pid}, since ${since}): ${query}`,
      )
    }
    for (const { gid, owner, database, since } of await readPrepared(session)) {
      const name = quoteLiteral(gid)
      say(
        `the slot waits for prepared transaction ${gid} of ${owner} in ${database}, since ${since}: in ${database}, commit prepared ${name} or rollback prepared ${name}`,
      )
    }
  } catch (error) {
    say(`the slot waits for open transactions (their sessions cannot be read: ${error})`)
  }
}

/** What may be dropped: all that has the names, because the user said so, or what the move itself has made. */
export type Owner =
  | { by: 'command' }
  | {
      by: 'move'
      move: string | undefined
      /** This process has streamed from the slot, and holds the locks of the move. */
      isStreamed?: boolean
      /** Where the slot began, and nothing has been read from it since. */
      unread?: string | undefined
      /** The name of the move is made of both ends: nobody else's position has it. */
      isNameOwn?: boolean
    }

/** Says what was dropped. What another move has made stays. */
export async function dropLink({ from, to, names }: Link, owner: Owner): Promise<string[]> {
  await using source = await Session.open(from)
  await using destination = await Session.open(to)
  const owned = await ownedParts(source, destination, names, owner)
  // The caller holds the lock of the move: whoever still reads is left from a process that was killed. Only a
  // version that knew no locks may be alive.
  const isOurs = owner.by === 'move' || (await readMark(source, names.publication)) !== undefined
  // Before anything is dropped.
  if (!isOurs && !(await hasSubscription(destination, names.slot))) await waitForReader(source, names.slot)
  const dropped: string[] = []
  const [there, here] = [describeSettings(from), describeSettings(to)]
  // First, or it would keep asking for its slot.
  if (owned.subscription && (await dropSubscription(destination, names.slot))) {
    dropped.push(`subscription ${names.slot} of ${here}`)
  }
  if (owned.slot && (await dropSlot(source, names.slot, { isOurs }))) {
    dropped.push(`replication slot ${names.slot} of ${there}`)
  }
  for (const publication of owned.publications) {
    if (await dropPublication(source, publication)) dropped.push(`publication ${publication} of ${there}`)
  }
  if (owned.position) {
    const what = await dropPosition(destination, names.position)
    dropped.push(...what.map((one) => `${one} of ${here}`))
  }
  return dropped
}

/** What one server has of a link whose other server is gone for good. */
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
    if (await dropSlot(session, names.slot, { isOurs: true })) dropped.push(`replication slot ${names.slot}`)
    for (const publication of publicationsOf(names)) {
      if (await dropPublication(session, publication)) dropped.push(`publication ${publication}`)
    }
  }
  return dropped.map((what) => `${what} of ${place}`)
}

/** It has been handed over: only slot and publication stay, which tell what is written there from now on. */
export async function leaveLink({ to, names }: Link): Promise<void> {
  await using destination = await Session.open(to)
  await dropSubscription(destination, names.slot)
  await dropPosition(destination, names.position)
}

/** Made for a way back: now changes flow there. */
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
    // Nobody makes a slot of this name where the publication of another has it already.
    slot: isStreamed || (point === undefined ? isMarked || subscription : slot?.confirmed === point),
    publications,
    position: isStreamed || (isNameOwn && isMarked) || (point !== undefined && position?.lsn === point),
  }
}

/** Of our own making. */
function publicationsOf(names: LinkNames): string[] {
  return names.ownPublication ? [names.publication, insertsPublication(names)] : []
}
