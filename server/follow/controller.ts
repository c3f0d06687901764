// Where somebody sees a database that is followed, and says what is to be done: in the process that follows,
// or from another one through the store.
import type { FollowAction, FollowAnswer, FollowView } from '../../shared/follow-view.ts'

export interface FollowDesk {
  readonly name: string
  /** Nothing when it has never been started, or was cleaned up. */
  view(): FollowView | undefined
  /** Answers as soon as the action has been taken up; what becomes of it is in the view. */
  act(action: FollowAction): Promise<FollowAnswer>
}
