// The state of a move as both servers have it, without the state directory.

import type { Direction } from '../../shared/follow.ts'
import type { MoveOnServers, MoveState } from '../../shared/move-state.ts'
import { say } from '../../shared/say.ts'
import { type ReadOnlyMark, readReadOnly } from '../catalog/read-only-state.ts'
import { describeHolder, processesOf } from '../coordination/lock-holders.ts'
import { Session } from '../postgres/session.ts'
import { describeSettings } from '../postgres/settings.ts'
import { readPosition } from '../replication/apply/position.ts'
import { hasSubscription } from '../replication/native/subscription.ts'
import { readPublication } from '../replication/stream/publication.ts'
import { readSlot } from '../replication/stream/slot.ts'
import type { HandedOver, LinkNames } from '../store/follow-memory.ts'
import { followName, linkNames } from './names.ts'
import { type Mark, readMark } from './ownership.ts'
import type { FollowEnds } from './request.ts'

/** What the servers have for one direction. */
export interface LinkFacts {
  names: LinkNames
  slot: boolean
  publication: boolean
  subscription: boolean
  /** Created last: it shows that the copy is complete. */
  position: boolean
  mark?: Mark | undefined
}

export interface MoveFacts {
  forward: LinkFacts
  back: LinkFacts
  readOnly: { source?: ReadOnlyMark | undefined; destination?: ReadOnlyMark | undefined }
}

export async function readMoveFacts(
  source: Session,
  destination: Session,
  name: string,
  links: { forward: LinkNames; back: LinkNames },
): Promise<MoveFacts> {
  return {
    forward: await readLink(source, destination, links.forward),
    back: await readLink(destination, source, links.back),
    readOnly: {
      source: (await readReadOnly(source))?.moves[name],
      destination: (await readReadOnly(destination))?.moves[name],
    },
  }
}

async function readLink(from: Session, to: Session, names: LinkNames): Promise<LinkFacts> {
  return {
    names,
    slot: (await readSlot(from, names.slot)) !== undefined,
    publication: (await readPublication(from, names.publication)) !== undefined,
    subscription: await hasSubscription(to, names.slot),
    position: (await readPosition(to, names.position)) !== undefined,
    mark: await readMark(from, names.publication),
  }
}

/** Directions in which changes flow while a process works on the move. */
export function waysOf(facts: MoveFacts): Direction[] {
  const { forward, back } = facts
  const flows = { forward: doesFlow(facts, 'forward'), back: doesFlow(facts, 'back') }
  const ways: Direction[] = []
  // A link that a killed switchover has created for the way back does not count.
  if (flows.forward && !(flows.back && forward.mark?.isWayBack)) ways.push('forward')
  if (flows.back && !(flows.forward && back.mark?.isWayBack)) ways.push('back')
  return ways
}

function doesFlow(facts: MoveFacts, direction: Direction): boolean {
  const { slot, publication, subscription, position } = facts[direction]
  return !handedOverOf(facts, direction) && (subscription || (slot && publication && position))
}

/**
 * A switchover has ended this direction. A publication that pgtrek did not create has no mark: there only the read-only
 * old primary shows it. The source is still read-only when changes flow forward again after a return.
 */
export function handedOverOf(facts: MoveFacts, direction: Direction): HandedOver | undefined {
  const { mark } = facts[direction]
  if (mark) return mark.handedOver
  const isShown = direction === 'forward' && !facts.back.mark?.handedOver
  // All changes in its slot are late writes.
  return isShown && facts.readOnly.source === 'switched_over' ? { lsn: '0/0' } : undefined
}

export function stateOf(facts: MoveFacts): MoveState {
  const { forward, back, readOnly } = facts
  const ways = waysOf(facts)
  if (ways.includes('forward')) {
    if (readOnly.source === 'switching') return 'switching'
    return ways.includes('back') ? 'both_ways' : 'following'
  }
  if (ways.includes('back')) return readOnly.destination === 'switching' ? 'returning' : 'flowing_back'
  const parts = { forward: partsOfLink(forward), back: partsOfLink(back) }
  if (parts.forward.length + parts.back.length === 0) {
    return readOnly.source || readOnly.destination ? 'read_only' : 'none'
  }
  if (handedOverOf(facts, 'back')) return 'returned'
  if (handedOverOf(facts, 'forward')) return 'switched_over'
  return parts.back.length === 0 && !forward.position ? 'copying' : 'remains'
}

/** The side that the application belongs on; undefined where the servers do not show it any more. */
export function primaryOf(state: MoveState): 'source' | 'destination' | undefined {
  switch (state) {
    case 'switched_over':
    case 'flowing_back':
    case 'returning':
      return 'destination'
    case 'read_only':
    case 'remains':
      return undefined
    default:
      return 'source'
  }
}

/** Why a return is not possible, and what is instead. */
export function noWayBack(source: string, destination: string): string {
  return say`--back is not possible: the switchover was without --keep-reverse, and ${source} does not have what was written to ${destination} since. To return, clean up with --writable, then move from ${destination} to ${source}`
}

function partsOfLink({ names, slot, publication, subscription, position }: LinkFacts): string[] {
  return [
    ...(slot ? [`slot ${names.slot}`] : []),
    ...(publication && names.ownPublication ? [`publication ${names.publication}`] : []),
    ...(subscription ? [`subscription ${names.slot}`] : []),
    ...(position ? [`position ${names.position}`] : []),
  ]
}

/** Needs only the two connections. */
export async function readMove(ends: FollowEnds, signal?: AbortSignal): Promise<MoveOnServers> {
  const name = followName(ends)
  await using source = await Session.open(ends.source, { signal })
  await using destination = await Session.open(ends.destination, { signal })
  const facts = await readMoveFacts(source, destination, name, {
    forward: linkNames(name, 'forward', ends.follow.publication),
    back: linkNames(name, 'back'),
  })
  const [holder] = [...(await processesOf(source, name)), ...(await processesOf(destination, name))]
  const sides = ['source', 'destination'] as const
  return {
    name,
    source: describeSettings(ends.source),
    destination: describeSettings(ends.destination),
    state: stateOf(facts),
    ...(holder && { at_work: describeHolder(holder) }),
    read_only: sides.filter((side) => facts.readOnly[side] !== undefined),
    parts: [facts.forward, facts.back].flatMap(partsOfLink),
    ...describeMove(facts, ends, holder !== undefined),
  }
}

/** The state, and what each possible command does. */
export function describeMove(
  facts: MoveFacts,
  ends: Pick<FollowEnds, 'source' | 'destination'>,
  isAtWork = false,
): Pick<MoveOnServers, 'words' | 'next'> {
  const [source, destination] = [describeSettings(ends.source), describeSettings(ends.destination)]
  const { readOnly } = facts
  const end = say`"pgtrek cleanup" ends the move`
  const on = isAtWork ? [] : [say`"pgtrek follow" continues`]
  // A process was killed after a return, before it made the source writable again.
  const still = readOnly.source
    ? `; ${say`${source} is still read-only, which "pgtrek follow" and "pgtrek cleanup" undo`}`
    : ''
  const writable = (side: 'source' | 'destination') =>
    readOnly[side]
      ? [say`"pgtrek cleanup --writable" also makes ${side === 'source' ? source : destination} writable`]
      : []
  switch (stateOf(facts)) {
    case 'none':
      return {
        words: say`the servers have no move from ${source} to ${destination}`,
        next: [say`"pgtrek clone --follow" starts one`],
      }
    case 'copying':
      return isAtWork
        ? { words: say`rows are being copied from ${source} to ${destination}`, next: [] }
        : {
            words: `${copyInterrupted(source, destination, facts.forward.slot)}${facts.forward.names.ownPublication ? '' : `; ${say`or it was switched over: this is not recorded in a publication that pgtrek did not create`}`}`,
            next: [
              say`"pgtrek clone --follow" with the same state directory undoes it and starts again`,
              say`"pgtrek cleanup" undoes it, from any machine`,
            ],
          }
    case 'following':
      return {
        words: `${say`changes flow from ${source}, which is in use, to ${destination}`}${still}`,
        next: [...on, say`"pgtrek switchover" makes the destination the primary`, end],
      }
    case 'both_ways':
      return {
        words: `${say`changes flow both ways between ${source} and ${destination}`}${still}`,
        next: [...on, say`"pgtrek switchover" makes the destination the primary`, end],
      }
    case 'switching':
      return isAtWork
        ? { words: say`a switchover is running; ${source} is read-only`, next: [] }
        : {
            words: say`a switchover was interrupted before the handover: ${source} is read-only and still the primary`,
            next: [
              say`"pgtrek follow" makes ${source} writable again and continues`,
              say`"pgtrek cleanup" makes ${source} writable again and ends the move`,
            ],
          }
    case 'switched_over':
      return {
        words: readOnly.source
          ? say`it was switched over: the application belongs on ${destination}, ${source} is read-only`
          : say`it was switched over: the application belongs on ${destination}`,
        next: [
          say`"pgtrek cleanup" removes what remains`,
          ...writable('source'),
          noWayBack(source, destination),
        ],
      }
    case 'flowing_back':
      return {
        words: say`it was switched over: changes flow from ${destination}, which is in use, back to ${source}`,
        next: [...on, say`"pgtrek switchover --back" returns`, end],
      }
    case 'returning':
      return isAtWork
        ? { words: say`a switchover back is running; ${destination} is read-only`, next: [] }
        : {
            words: say`a switchover back was interrupted before the handover: ${destination} is read-only and still the primary`,
            next: [
              say`"pgtrek follow" makes ${destination} writable again and continues`,
              say`"pgtrek cleanup" makes ${destination} writable again and ends the move`,
            ],
          }
    case 'returned':
      return {
        words: `${readOnly.destination ? say`it has returned: the application belongs on ${source}, ${destination} is read-only` : say`it has returned: the application belongs on ${source}`}${still}`,
        next: [say`"pgtrek cleanup" removes what remains`, ...writable('destination')],
      }
    case 'read_only': {
      const sides = [...(readOnly.source ? [source] : []), ...(readOnly.destination ? [destination] : [])]
      return {
        words:
          sides.length > 1
            ? say`cleaned up; ${source} and ${destination} are still read-only`
            : say`cleaned up; ${sides[0]} is still read-only`,
        next: [say`"pgtrek cleanup --writable" undoes it`],
      }
    }
    case 'remains':
      return {
        words: say`parts of a move from ${source} to ${destination} are left, and the move cannot be continued`,
        next: [say`"pgtrek cleanup" removes them`],
      }
  }
}

function copyInterrupted(source: string, destination: string, hasSlot: boolean): string {
  return hasSlot
    ? say`the copy from ${source} to ${destination} was interrupted, and its slot retains the log of ${source}`
    : say`the copy from ${source} to ${destination} was interrupted`
}
