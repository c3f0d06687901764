// What a move is in, as both servers tell it: the same for whoever asks, from any machine. docs/recovery.md has
// the table of what each command does there.
import { type Static, Type } from '@sinclair/typebox'
import { oneOf } from './one-of.ts'

export const moveStates = [
  /** Nothing of it is on either server. */
  'none',
  /** Slot and publication are made, rows are being copied. */
  'copying',
  /** Rows are there, changes flow to the destination; the source is in use. */
  'following',
  /** Changes flow to both sides. */
  'both_ways',
  /** A switchover has made the source read-only, and has proven nothing yet. */
  'switching',
  /** The destination is in use, nothing flows. */
  'switched_over',
  /** The destination is in use, changes flow to the source. */
  'flowing_back',
  /** A switchover back has made the destination read-only, and has proven nothing yet. */
  'returning',
  /** The source is in use again, nothing flows. */
  'returned',
  /** Cleaned up; a side is still read-only. */
  'read_only',
  /** Parts that do not make a whole: a cleanup was broken off, or somebody has dropped some of them. */
  'remains',
] as const
export const MoveState = oneOf(moveStates)
export type MoveState = (typeof moveStates)[number]

export const MoveOnServers = Type.Object({
  name: Type.String(),
  source: Type.String(),
  destination: Type.String(),
  state: MoveState,
  /** The process that works on it, wherever it runs, as the server knows it. */
  at_work: Type.Optional(Type.String()),
  /** Sides that refuse writes because of this move. */
  read_only: Type.Array(oneOf(['source', 'destination'] as const)),
  /** What it has on the servers. */
  parts: Type.Array(Type.String()),
  /** What it is in, as a sentence. */
  words: Type.String(),
  /** What leads on or back from there. */
  next: Type.Array(Type.String()),
})
export type MoveOnServers = Static<typeof MoveOnServers>

/** Nobody would leave it so: a process was killed, or has lost its machine. */
export function isBrokenOff({ state, at_work }: Pick<MoveOnServers, 'state' | 'at_work'>): boolean {
  return at_work === undefined && ['copying', 'switching', 'returning', 'remains'].includes(state)
}
