// Clients that watch moves: each gets a view once, and again when it has changed. The store is read for moves of other
// processes only while there are clients.
import type { FollowMessage } from '../../shared/follow-api.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import type { FollowStore } from '../store/follows.ts'

/** Returns false while the last message is still being sent; the client gets the newest state later. */
export type FollowListener = (message: FollowMessage) => boolean

export interface OwnFollows {
  /** The moves of this process. */
  names(): string[]
  view(name: string): FollowView | undefined
  /** Moves that are not sent to these clients. */
  elsewhere(): ReadonlySet<string>
}

interface Watch {
  listener: FollowListener
  /** The stamp of the last view sent for each move. */
  sent: Map<string, string>
}

const betweenLooksMs = 500
/** The store is read at every second update. */
const storeEvery = 2

export class FollowWatches {
  readonly #watches = new Set<Watch>()
  #timer: ReturnType<typeof setInterval> | undefined
  #looks = 0
  #stored = new Map<string, string>()

  constructor(
    readonly store: FollowStore,
    readonly own: OwnFollows,
  ) {}

  watch(listener: FollowListener): () => void {
    const watch: Watch = { listener, sent: new Map() }
    this.#watches.add(watch)
    this.#timer ??= setInterval(() => this.#look(), betweenLooksMs)
    this.#stored = this.store.stamps()
    this.#tell([watch])
    return () => this.#leave(watch)
  }

  /** Sends changes of this process at once. */
  changed() {
    if (this.#watches.size === 0) return
    this.#stored = this.store.stamps()
    this.#tell(this.#watches)
  }

  close() {
    for (const watch of this.#watches) this.#leave(watch)
  }

  #leave(watch: Watch) {
    this.#watches.delete(watch)
    if (this.#watches.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look() {
    if (this.#looks++ % storeEvery === 0) this.#stored = this.store.stamps()
    this.#tell(this.#watches)
  }

  #tell(watches: Iterable<Watch>) {
    const own = new Map<string, FollowView>()
    for (const name of this.own.names()) {
      const view = this.own.view(name)
      if (view) own.set(name, view)
    }
    const stamps = new Map(this.#stored)
    for (const name of this.own.elsewhere()) stamps.delete(name)
    for (const [name, view] of own) stamps.set(name, stampOf(view))
    // A view that several clients get is read once.
    const read = new Map<string, FollowView | undefined>(own)
    const viewOf = (name: string) => {
      if (!read.has(name)) read.set(name, this.own.view(name))
      return read.get(name)
    }
    for (const watch of watches) tellOne(watch, stamps, viewOf)
  }
}

function tellOne(
  { listener, sent }: Watch,
  stamps: ReadonlyMap<string, string>,
  viewOf: (name: string) => FollowView | undefined,
) {
  for (const [name, stamp] of stamps) {
    if (sent.get(name) === stamp) continue
    const data = viewOf(name)
    if (!data) continue
    if (!listener({ type: 'follow', data })) return
    sent.set(name, stamp)
  }
  for (const name of sent.keys()) {
    if (stamps.has(name)) continue
    if (!listener({ type: 'follow_gone', name })) return
    sent.delete(name)
  }
}

function stampOf({ updated_at, state, stage, switchover }: FollowView): string {
  return [updated_at, state, stage, switchover?.state, switchover?.step].join(' ')
}
