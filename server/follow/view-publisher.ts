// Brings the view of a run to whoever shows it, in this process and through the store: at once where something has
// happened, a little later for mere progress, and now and then in any case.

import type { FollowView } from '../../shared/follow-view.ts'
import type { FollowServices } from './request.ts'

const progressEveryMs = 500
/** Where nothing happens for long, as while a large index is built, others still see that the process is there. */
const silentAtMostMs = 2000

export class ViewPublisher {
  #publishedAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  /** What others see of an earlier move of this name stays until this run has taken its place. */
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

  /** Nothing was started: what others see is still how the move has ended. */
  leavePlace() {
    if (!this.#before) return
    this.#isOwn = false
    this.services.memory.publish({ ...this.#before, stage: 'done', state: 'stopped' })
  }
}
