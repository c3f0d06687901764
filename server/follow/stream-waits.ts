// Waiting for something that a stream reports.

import { say } from '../../shared/say.ts'
import { PgtrekError } from '../postgres/errors.ts'
import type { Following } from '../replication/apply/follower.ts'
import type { StreamProgress } from '../replication/apply/statistics.ts'
import type { Lsn } from '../replication/stream/lsn.ts'

/** A longer timer fires at once. */
const longestTimerMs = 2 ** 31 - 1

/**
 * True as soon as `isReached`, which is called at every progress; false when the time is over. Rejects with
 * what `isReached` throws, and when the signal is aborted.
 */
export async function untilProgress(
  follower: Pick<Following, 'progress' | 'onProgress'>,
  isReached: (progress: StreamProgress) => boolean,
  { signal, atMostMs }: { signal?: AbortSignal; atMostMs?: number } = {},
): Promise<boolean> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const check = () => {
    try {
      if (isReached(follower.progress)) resolve(true)
    } catch (error) {
      reject(error)
    }
  }
  const abort = () => reject(signal?.reason)
  const removeListener = follower.onProgress(check)
  signal?.addEventListener('abort', abort, { once: true })
  const timer =
    atMostMs === undefined ? undefined : setTimeout(() => resolve(false), Math.min(atMostMs, longestTimerMs))
  check()
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    removeListener()
    signal?.removeEventListener('abort', abort)
  }
}

/**
 * Ends a stream with the destination as the source was at this position. Throws at a conflict, which has to be resolved
 * first.
 */
export async function endAt(follower: Following, lsn: Lsn, signal: AbortSignal) {
  const stop = () => void follower.stop().catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  const ended = follower.stopAt(lsn)
  // It is not awaited after a conflict.
  ended.catch(() => {})
  try {
    await untilProgress(follower, ({ phase, conflict }) => {
      if (conflict) {
        throw new PgtrekError(
          say`earlier changes have to be applied first, and they stop at a conflict: ${conflict.message}. Resolve it first`,
        )
      }
      return phase === 'stopped' || phase === 'failed'
    })
    await ended
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
