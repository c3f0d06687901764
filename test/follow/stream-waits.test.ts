// Waits for what a stream reports: they end with the report, with the time limit, or with an abort, and leave no listener.
import { expect, test } from 'bun:test'
import { endAt, untilProgress } from '../../server/follow/stream-waits.ts'
import type { Following } from '../../server/replication/apply/follower.ts'
import type { StreamProgress } from '../../server/replication/apply/statistics.ts'

/** A stream whose progress the test sets. */
function stream() {
  const listeners = new Set<() => void>()
  const ended = Promise.withResolvers<void>()
  let progress: StreamProgress = { phase: 'streaming', applied: '0/0' }
  const report = (next: Partial<StreamProgress>) => {
    progress = { ...progress, ...next }
    for (const listener of listeners) listener()
  }
  const end = () => {
    report({ phase: 'stopped' })
    ended.resolve()
    return ended.promise
  }
  const follower = {
    get progress() {
      return progress
    },
    onProgress(listener: () => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: end,
    stopAt: () => ended.promise,
  }
  return { follower: follower as unknown as Following, listeners, report, end }
}

const isPaused = ({ phase }: StreamProgress) => phase === 'paused'
const conflict = { message: 'a row is missing' } as NonNullable<StreamProgress['conflict']>

test('a wait ends with the report that it waits for', async () => {
  const { follower, listeners, report } = stream()
  const wait = untilProgress(follower, isPaused)
  report({ phase: 'catchup' })
  report({ phase: 'paused' })
  expect(await wait).toBe(true)
  expect(listeners.size).toBe(0)
  expect(await untilProgress(follower, isPaused)).toBe(true)
})

test('a wait ends at its time limit', async () => {
  const { follower, listeners } = stream()
  expect(await untilProgress(follower, isPaused, { atMostMs: 1 })).toBe(false)
  expect(listeners.size).toBe(0)
})

test('a very long time limit does not end a wait at once', async () => {
  const { follower, report } = stream()
  const wait = untilProgress(follower, isPaused, { atMostMs: 2 ** 40 })
  await untilProgress(follower, isPaused, { atMostMs: 10 })
  report({ phase: 'paused' })
  expect(await wait).toBe(true)
})

test('a wait rejects when it is aborted, or when the check throws', async () => {
  const { follower, listeners, report } = stream()
  const stop = new AbortController()
  const aborted = untilProgress(follower, isPaused, { signal: stop.signal })
  stop.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  const thrown = untilProgress(follower, ({ phase }) => {
    if (phase === 'failed') throw new Error('it failed')
    return false
  })
  report({ phase: 'failed' })
  await expect(thrown).rejects.toThrow('it failed')
  expect(listeners.size).toBe(0)
})

test('ending at a position waits for the end, and throws at a conflict or an abort', async () => {
  const { signal } = new AbortController()
  const whole = stream()
  const ending = endAt(whole.follower, 1n, signal)
  await whole.end()
  await ending

  const conflicting = stream()
  const refused = endAt(conflicting.follower, 1n, signal)
  conflicting.report({ phase: 'conflict', conflict })
  await expect(refused).rejects.toThrow('they stop at a conflict: a row is missing')

  const stop = new AbortController()
  const stopped = stream()
  const interrupted = endAt(stopped.follower, 1n, stop.signal)
  stop.abort(new Error('enough'))
  await expect(interrupted).rejects.toThrow('enough')
  expect([whole, conflicting, stopped].map(({ listeners }) => listeners.size)).toEqual([0, 0, 0])
})
