// Actions that a running move takes, and their answers.

import { type Static, Type } from '@sinclair/typebox'
import type { FollowView } from './follow-view.ts'
import { SwitchoverOptions } from './switchover.ts'

/** Position of the conflict that the decision is about. Refused when there is another conflict by now. */
const sameConflict = Type.Optional(Type.String())

export const FollowAction = Type.Union([
  Type.Object({ type: Type.Literal('pause') }),
  Type.Object({ type: Type.Literal('resume') }),
  /** After a conflict: applies the transaction again, once the destination is fixed. */
  Type.Object({ type: Type.Literal('retry') }),
  /** After a conflict: skips the whole transaction. */
  Type.Object({ type: Type.Literal('skip'), lsn: sameConflict }),
  /** Gives a table of the destination the columns of the source's table. */
  Type.Object({ type: Type.Literal('apply_schema'), lsn: sameConflict }),
  /** Copies tables again and follows them: those that are named, or all that have failed. */
  Type.Object({ type: Type.Literal('recopy'), tables: Type.Array(Type.String()) }),
  Type.Object({ type: Type.Literal('switchover'), options: SwitchoverOptions }),
  /** Ends between two transactions; `pgtrek follow` continues. */
  Type.Object({ type: Type.Literal('stop') }),
])
export type FollowAction = Static<typeof FollowAction>

export const FollowAnswer = Type.Union([
  Type.Object({ ok: Type.Literal(true), message: Type.String() }),
  Type.Object({ ok: Type.Literal(false), message: Type.String() }),
])
export type FollowAnswer = Static<typeof FollowAnswer>

/** Shows a followed database and passes actions to it: in the process that follows, or from another one by the store. */
export interface FollowController {
  readonly name: string
  /** Undefined when it was never started, or was cleaned up. */
  view(): FollowView | undefined
  /** Answers as soon as the action has begun; the view shows its result. */
  act(action: FollowAction): Promise<FollowAnswer>
}
