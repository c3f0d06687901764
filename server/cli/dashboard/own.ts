// The dashboard of a move that this process runs. It opens after the last question of the copy, and closes with the
// move or earlier.

import type { FollowController } from '../../../shared/follow-action.ts'
import { messageOf } from '../../../shared/message-of.ts'
import { UsageError } from '../../postgres/errors.ts'
import { canShowDashboard, showDashboard } from './dashboard.ts'

export interface OwnFollowing extends FollowController {
  done: Promise<unknown>
}

export class OwnDashboard {
  #isOpen = false
  #over: Promise<void> | undefined

  /** `onLeft` gets the reason if the dashboard closes while following continues. */
  constructor(
    readonly wanted: boolean,
    readonly onLeft: (why: string) => void,
  ) {
    if (wanted && !canShowDashboard()) throw new UsageError('--tui needs a terminal')
  }

  /** While open, nothing else may write to the terminal. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** True from the first opening on: the other output of the copy is not shown any more. */
  get wasOpened(): boolean {
    return this.#over !== undefined
  }

  /** Opens once; `before` makes room on the terminal. */
  open(following: OwnFollowing, before: () => void = () => {}) {
    if (!this.wanted || this.wasOpened) return
    before()
    this.#isOpen = true
    this.#over = this.#show(following)
  }

  /** Resolves when the terminal is restored. */
  async over() {
    await this.#over
  }

  async #show(following: OwnFollowing) {
    let why: string | undefined
    try {
      const end = await showDashboard({ controller: following, ended: following.done })
      if (end === 'left') why = 'following continues; Ctrl-C stops it, "pgtrek tui" shows it again'
    } catch (error) {
      // A failure of the dashboard does not stop the move.
      why = `the dashboard failed: ${messageOf(error)}`
    }
    this.#isOpen = false
    if (why !== undefined) this.onLeft(why)
  }
}
