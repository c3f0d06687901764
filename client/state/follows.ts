// Followed databases, as the server sends them.
import { createSignal } from 'solid-js'
import type { FollowMessage } from '../../shared/follow-api.ts'
import type { FollowView, StreamView } from '../../shared/follow-view.ts'
import { api, type CallFailed } from '../api/calls.ts'

const [known, setKnown] = createSignal<ReadonlyMap<string, FollowView>>()
const [problem, setProblem] = createSignal<CallFailed>()

/** When the last message about each arrived, by this browser's clock. */
const lastMessageAt = new Map<string, number>()
const [now, setNow] = createSignal(Date.now())
const silentAfterSeconds = 10

export const follows = {
  /** Undefined before the first message. */
  list: (): FollowView[] | undefined => {
    const views = known()
    return views && [...views.values()].toSorted((one, other) => other.started_at - one.started_at)
  },
  find: (name: string): FollowView | undefined => known()?.get(name),
  problem,
  /** Seconds without a message about one that a process runs; undefined while that is short. */
  silence(view: FollowView): number | undefined {
    const seconds = Math.floor((now() - (lastMessageAt.get(view.name) ?? now())) / 1000)
    return hasProcess(view) && seconds >= silentAfterSeconds ? seconds : undefined
  },
}

export function watchSilence() {
  setInterval(() => setNow(Date.now()), 1000)
}

export function takeFollow(message: FollowMessage) {
  if (message.type === 'follow') lastMessageAt.set(message.data.name, Date.now())
  setKnown((views = new Map()) => {
    const next = new Map(views)
    if (message.type === 'follow') next.set(message.data.name, message.data)
    else next.delete(message.name)
    return next
  })
}

/** A full list: those that are missing have ended. */
export async function readFollows() {
  try {
    const { follows: views } = await api.follows()
    setKnown(new Map(views.map((view) => [view.name, view])))
    setProblem(undefined)
  } catch (error) {
    setProblem(error as CallFailed)
  }
}

/** Whether a process runs it. Otherwise its numbers are outdated. */
export function hasProcess({ process: worker, state }: FollowView): boolean {
  return worker !== undefined && !['stopped', 'failed', 'lost'].includes(state)
}

/** The stream of the current direction. */
export function mainStream({ streams, direction }: FollowView): StreamView | undefined {
  return streams.find((stream) => stream.direction === direction)
}

/** Both databases, in the direction of the changes. */
export function endsOf(view: FollowView, direction = view.direction): { from: string; to: string } {
  const { source, destination } = view
  return direction === 'forward' ? { from: source, to: destination } : { from: destination, to: source }
}

/** The database of `user@host:5432/shop`. */
export function databaseOf(place: string): string {
  return /:\d+\/(.+)$/s.exec(place)?.[1] ?? place
}
