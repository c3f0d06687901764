// The state of a move as both servers have it, for commands on a machine without the state directory of the move.

import type { Command } from 'commander'
import { messageOf } from '../../shared/message-of.ts'
import { isBrokenOff, type MoveOnServers } from '../../shared/move-state.ts'
import { readMove } from '../follow/move-state.ts'
import type { FollowEnds } from '../follow/request.ts'
import { followOptionsOf } from './flags/follow.ts'
import { endsOf, requestOf } from './flags/request.ts'

/** Undefined unless both connections are given. */
export function givenEnds(command: Command, name?: string): FollowEnds | undefined {
  const request = requestOf(command)
  if (request.source === undefined || request.dest === undefined) return undefined
  const follow = followOptionsOf(command)
  return { ...endsOf(request), follow: name === undefined ? follow : { ...follow, name } }
}

export async function askServers(command: Command): Promise<string[]> {
  const ends = givenEnds(command)
  if (!ends) {
    return ['to see whether it was handed over, run "pgtrek status --source URL --dest URL"']
  }
  try {
    const move = await settled(ends)
    return [`state on the servers: ${move.words}`, ...move.next]
  } catch (error) {
    return [
      `unknown whether it was handed over, the servers cannot be queried: ${messageOf(error)}`,
      'run "pgtrek status" again with the same connections; "pgtrek follow" continues',
    ]
  }
}

/** After a kill a server takes a moment to notice that the process has ended. */
async function settled(ends: FollowEnds): Promise<MoveOnServers> {
  const deadline = Date.now() + exitWaitMs
  for (;;) {
    const move = await readMove(ends)
    if (!move.at_work || Date.now() > deadline) return move
    await Bun.sleep(betweenLooksMs)
  }
}

const exitWaitMs = 5000
const betweenLooksMs = 250

export function serverLines(move: MoveOnServers): string[] {
  return [
    `${move.name}, state on the servers: ${move.state.replaceAll('_', ' ')}${isBrokenOff(move) ? ', interrupted' : ''}`,
    `  ${move.words}`,
    ...(move.at_work ? [`  running: ${move.at_work}`] : []),
    ...(move.read_only.length > 0
      ? [`  read-only: ${move.read_only.map((side) => move[side]).join(', ')}`]
      : []),
    ...(move.parts.length > 0 ? [`  on the servers: ${move.parts.join(', ')}`] : []),
    ...move.next.map((line) => `  ${line}`),
  ]
}
