// Publishes the view of a run, to this process and through the store to others: events at once, progress a little later,
// and at intervals in any case.

import type { FollowView } from '../../shared/follow-view.ts'
import type { FollowServices } from './request.ts'

const progressEveryMs = 500
/** So that others see that the process is running while a large index is built. */
const silentAtMostMs = 2000

export class ViewPublisher {
  #publishedAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  /** False while others still see the view of an earlier move with this name. */
  #isOwn: boolean
  readonly #before: FollowView | undefined

  constructor(
    readonly view: () => FollowView,
    readonly services: Pick<FollowServices, 'memory' | 'onView'>,
    { before, isOwn }: { before: FollowView | undefined; isOwn: boolean },
  ) {
    this.#before = before
    this.#isOwn = isOwn
  }

  changed(urgency: 'soon' | 'now') {
    if (urgency === 'now') return this.now()
    const due = this.#publishedAt + progressEveryMs - Date.now()
    this.#timer ??= setTimeout(() => this.now(), Math.max(0, due))
  }

  atLeast() {
    if (Date.now() - this.#publishedAt >= silentAtMostMs) this.now()
  }

  now() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#publishedAt = Date.now()
    const view = this.view()
    if (this.#isOwn) this.services.memory.publish(view)
    this.services.onView?.(view)
  }

  takePlace() {
    this.#isOwn = true
  }

  /** Nothing was started: others see again how the earlier move has ended. */
  leavePlace() {
    if (!this.#before) return
    this.#isOwn = false
    this.services.memory.publish({ ...this.#before, stage: 'done', state: 'stopped' })
  }
}
