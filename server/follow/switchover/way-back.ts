// The link for the way back: created before the handover, and dropped when the switchover fails.

import type { Direction } from '../../../shared/follow.ts'
import { say } from '../../../shared/say.ts'
import { describeSettings } from '../../postgres/settings.ts'
import { type LinkNames, moveOf } from '../../store/follow-memory.ts'
import { dropLink, makeLink } from '../link.ts'
import type { MoveContext } from '../move-context.ts'
import { linkNames } from '../names.ts'
import { allTables } from '../relations.ts'

export type Reverse = Pick<LinkNames, 'slot' | 'publication'>

export function opposite(direction: Direction): Direction {
  return direction === 'forward' ? 'back' : 'forward'
}

/** From now on changes of the destination are kept for the source. */
export async function makeBack(move: MoveContext, { isWayBack }: { isWayBack: boolean }): Promise<Reverse> {
  const names = linkNames(move.name, 'back')
  move.update({ back: names })
  return await make(move, 'back', names, isWayBack)
}

/** `direction`: the one that the switchover ends. */
export async function makeReverse(move: MoveContext, direction: Direction): Promise<Reverse> {
  if (move.isBothWays) {
    const { slot, publication } = move.link(opposite(direction)).names
    return { slot, publication }
  }
  if (direction === 'forward') return await makeBack(move, { isWayBack: true })
  const names = linkNames(move.name, 'forward')
  move.update({ forward: names })
  return await make(move, 'forward', names, true)
}

async function make(
  move: MoveContext,
  direction: Direction,
  names: LinkNames,
  isWayBack: boolean,
): Promise<Reverse> {
  const { source, destination } = move.ends
  const [from, to] = direction === 'forward' ? [source, destination] : [destination, source]
  await makeLink({
    move: moveOf(move.record),
    ...{ direction, from, to, names, isWayBack },
    tables: allTables(move.record).map(({ schema, name }) => ({ schema, name })),
    insertsOnly: [],
    signal: move.signal,
    say: (message) => move.status.say(message, 'warn'),
  })
  return { slot: names.slot, publication: names.publication }
}

/** Returns what may be left of it, a sentence each. */
export async function dropReverse(move: MoveContext, direction: Direction): Promise<string[]> {
  const link = move.allLinks().find((one) => one.direction === opposite(direction))
  if (!link || move.isBothWays) return []
  const left: string[] = []
  await dropLink(link, move.owner).catch((failure) => {
    left.push(say`${link.names.slot} may still be on ${describeSettings(link.from)}: ${failure.message}`)
    move.status.warn(left.join())
  })
  if (link.direction === 'back') move.forgetBack()
  return left
}
