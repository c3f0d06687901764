// The dashboard of a following that is this very process's: it comes when nobody has to be asked any more,
// and goes with the following, or before.

import type { FollowController } from '../../../shared/follow-view.ts'
import { messageOf } from '../../../shared/message-of.ts'
import { UsageError } from '../../postgres/errors.ts'
import { canShowDashboard, showDashboard } from './dashboard.ts'

export interface OwnFollowing extends FollowController {
  done: Promise<unknown>
}

export class OwnDashboard {
  #isOpen = false
  #over: Promise<void> | undefined

  /** `onLeft` hears why it is not there any more while the following goes on. */
  constructor(
    readonly wanted: boolean,
    readonly onLeft: (why: string) => void,
  ) {
    if (wanted && !canShowDashboard()) throw new UsageError('--tui needs a terminal')
  }

  /** It has the terminal for itself: nothing else may write to it. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** It is, or was, in place of all that is seen of the copy. */
  get wasOpened(): boolean {
    return this.#over !== undefined
  }

  /** Once; `before` leaves the terminal to it. */
  open(following: OwnFollowing, before: () => void = () => {}) {
    if (!this.wanted || this.wasOpened) return
    before()
    this.#isOpen = true
    this.#over = this.#show(following)
  }

  /** The terminal is as it was. */
  async over() {
    await this.#over
  }

  async #show(following: OwnFollowing) {
    let why: string | undefined
    try {
      const end = await showDashboard({ controller: following, ended: following.done })
      if (end === 'left') why = 'following continues; Ctrl-C stops it, "pgtrek tui" shows it again'
    } catch (error) {
      // A picture that cannot be drawn is no reason to stop what it is of.
      why = `the dashboard failed: ${messageOf(error)}`
    }
    this.#isOpen = false
    if (why !== undefined) this.onLeft(why)
  }
}
