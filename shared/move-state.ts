// The state of a move, as read from both servers: the same from any machine. docs/recovery.md has the table of what each
// command does in it.
import { type Static, Type } from '@sinclair/typebox'
import { oneOf } from './one-of.ts'

export const moveStates = [
  /** Neither server has anything of it. */
  'none',
  /** Slot and publication exist, rows are being copied. */
  'copying',
  /** Rows are copied, changes are applied to the destination; the source is in use. */
  'following',
  /** Changes are applied in both directions. */
  'both_ways',
  /** A switchover has made the source read-only, and has verified nothing yet. */
  'switching',
  /** The destination is in use, no changes are applied. */
  'switched_over',
  /** The destination is in use, changes are applied to the source. */
  'flowing_back',
  /** A switchover back has made the destination read-only, and has verified nothing yet. */
  'returning',
  /** The source is in use again, no changes are applied. */
  'returned',
  /** Cleaned up; one of the databases is still read-only. */
  'read_only',
  /** Incomplete: a cleanup was interrupted, or a user has dropped some of its objects. */
  'remains',
] as const
export const MoveState = oneOf(moveStates)
export type MoveState = (typeof moveStates)[number]

export const MoveOnServers = Type.Object({
  name: Type.String(),
  source: Type.String(),
  destination: Type.String(),
  state: MoveState,
  /** The process that works on it, on any machine, as the server reports it. */
  at_work: Type.Optional(Type.String()),
  /** Databases that refuse writes because of this move. */
  read_only: Type.Array(oneOf(['source', 'destination'] as const)),
  /** Its objects on the servers. */
  parts: Type.Array(Type.String()),
  /** The state as a sentence. */
  words: Type.String(),
  /** The commands that continue or undo it. */
  next: Type.Array(Type.String()),
})
export type MoveOnServers = Static<typeof MoveOnServers>

/** An intermediate state without a process: the process was killed, or its machine failed. */
export function isBrokenOff({ state, at_work }: Pick<MoveOnServers, 'state' | 'at_work'>): boolean {
  return at_work === undefined && ['copying', 'switching', 'returning', 'remains'].includes(state)
}
