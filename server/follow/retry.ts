// What was started must not end because a server is unavailable for a while: it waits as a stream does that was running.
import { pause } from '../copy/pause.ts'
import { BackOff, mayPass } from '../replication/apply/recovery.ts'

export interface Patience {
  signal: AbortSignal
  /** Told before each pause. */
  onWait: (error: Error, seconds: number) => void
  /** Default: whatever may pass is waited for. */
  isWorthIt?: (error: unknown) => boolean
  /** In all; default: for ever. */
  atMostMs?: number
}

/** The work is done again from its beginning. */
export async function patiently<T>(
  work: () => Promise<T>,
  { signal, onWait, isWorthIt = () => true, atMostMs = Number.POSITIVE_INFINITY }: Patience,
): Promise<T> {
  const backOff = new BackOff()
  const deadline = performance.now() + atMostMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const isOver = signal.aborted || performance.now() > deadline
      if (isOver || !mayPass(error) || !isWorthIt(error)) throw error
      const milliseconds = backOff.next()
      onWait(error as Error, milliseconds / 1000)
      await pause(milliseconds, signal)
    }
  }
}
