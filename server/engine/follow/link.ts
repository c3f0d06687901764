// What has to be on both sides for changes to flow one way: publication and slot where they come from, the
// position where they go. Made in this order, so that nothing falls between.
import type { Direction } from '../../../shared/follow-view.ts'
import { PlanRefused } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../../postgres/settings.ts'
import type { TableId } from '../../replication/destination-tables.ts'
import { createPosition, dropPosition } from '../../replication/position.ts'
import {
  createPublication,
  dropPublication,
  type PublishedTable,
  publicationProblems,
  readPublication,
} from '../../replication/publication.ts'
import { type CreatedSlot, createSlot, dropSlot, readSlot, readSlotBlockers } from '../../replication/slot.ts'
import { dropSubscription } from '../../replication/subscription.ts'
import type { LinkNames } from './memory.ts'
import { insertsPublication } from './names.ts'

export interface Link {
  direction: Direction
  from: ConnectionSettings
  to: ConnectionSettings
  names: LinkNames
}

export interface LinkRequest extends Link {
  tables: readonly PublishedTable[]
  /** Of which only inserts are told. */
  insertsOnly: readonly TableId[]
  signal: AbortSignal
  say: (message: string) => void
}

/** A new slot waits for transactions that are under way; who is in its way is told after so long. */
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
  await using source = await Session.open(from, { signal })
  await refuseOthers(source, names)
  await publish(source, request)
  const waiting = setTimeout(() => tellBlockers(from, say), patienceMs)
  try {
    return await createSlot(from, names.slot, { signal })
  } finally {
    clearTimeout(waiting)
  }
}

/** Under our names, and not of this move: whoever made them may need them. */
async function refuseOthers(source: Session, { slot, publication, ownPublication }: LinkNames) {
  const place = describeSettings(source.settings)
  const [there] = [
    (await readSlot(source, slot)) && `replication slot ${slot}`,
    ownPublication && (await readPublication(source, publication)) && `publication ${publication}`,
  ].filter(Boolean)
  if (!there) return
  throw new PlanRefused(
    `${place} has a ${there} already, left by an earlier move of which nothing is known here: "pgtrek cleanup" ` +
      'with the same connections removes it, --name gives this move another name. Nothing was changed',
  )
}

export async function publish(
  source: Session,
  { names, tables, insertsOnly }: Pick<LinkRequest, 'names' | 'tables' | 'insertsOnly'>,
) {
  const key = ({ schema, name }: TableId) => JSON.stringify([schema, name])
  const apart = new Set(insertsOnly.map(key))
  const whole = tables.filter((table) => !apart.has(key(table)))
  if (!names.ownPublication) {
    const state = await readPublication(source, names.publication)
    if (!state) throw new PlanRefused(`the source has no publication ${names.publication}`)
    const [problem] = publicationProblems(state, whole)
    if (problem) throw new PlanRefused(problem)
    return
  }
  await createPublication(source, names.publication, whole)
  if (apart.size === 0) return
  const some = tables.filter((table) => apart.has(key(table)))
  await createPublication(source, insertsPublication(names), some, { viaRoot: false, insertsOnly: true })
}

/** What it cannot find out, it does not tell: the slot says itself when it fails. */
async function tellBlockers(from: ConnectionSettings, say: (message: string) => void) {
  try {
    await using session = await Session.open(from)
    for (const { pid, user, application, since, query } of await readSlotBlockers(session)) {
      say(
        `the slot waits for a transaction of ${user} (${application || 'no name'}, process ${pid}, since ${since}): ${query}`,
      )
    }
  } catch (error) {
    say(`the slot waits for transactions that are under way (who they are of cannot be read: ${error})`)
  }
}

/** Whatever there is of it; says what was dropped. */
export async function dropLink({ from, to, names }: Link): Promise<string[]> {
  const dropped: string[] = []
  {
    // First, or it would go on asking for its slot.
    await using destination = await Session.open(to)
    if (await dropSubscription(destination, names.slot)) {
      dropped.push(`subscription ${names.slot} of ${describeSettings(to)}`)
    }
  }
  {
    await using source = await Session.open(from)
    const place = describeSettings(from)
    if (await dropSlot(source, names.slot)) dropped.push(`replication slot ${names.slot} of ${place}`)
    const publications = names.ownPublication ? [names.publication, insertsPublication(names)] : []
    for (const publication of publications) {
      if (await dropPublication(source, publication)) dropped.push(`publication ${publication} of ${place}`)
    }
  }
  await using destination = await Session.open(to)
  const what = await dropPosition(destination, names.position)
  dropped.push(...what.map((one) => `${one} of ${describeSettings(to)}`))
  return dropped
}
