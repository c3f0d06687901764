// Repeats work while a server is unavailable, with the same pauses as a stream.
import { pause } from '../copy/pause.ts'
import { BackOff, mayPass } from '../replication/apply/recovery.ts'

export interface RetryOptions {
  signal: AbortSignal
  /** Called before each pause. */
  onWait: (error: Error, seconds: number) => void
  /** By default every error that may pass is retried. */
  isRetried?: (error: unknown) => boolean
  /** In total (default: no limit). */
  atMostMs?: number
}

/** Repeats the work from its beginning. */
export async function retryWhileUnavailable<T>(
  work: () => Promise<T>,
  { signal, onWait, isRetried = () => true, atMostMs = Number.POSITIVE_INFINITY }: RetryOptions,
): Promise<T> {
  const backOff = new BackOff()
  const deadline = performance.now() + atMostMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const isOver = signal.aborted || performance.now() > deadline
      if (isOver || !mayPass(error) || !isRetried(error)) throw error
      const milliseconds = backOff.next()
      onWait(error as Error, milliseconds / 1000)
      await pause(milliseconds, signal)
    }
  }
}
