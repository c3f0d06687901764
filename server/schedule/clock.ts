// The time, and waiting. Tests have their own.
import { pauseUnlessAborted } from '../system/deadline.ts'

export interface Clock {
  now(): number
  /** Ends early, and without an error, when the signal is aborted. */
  pause(milliseconds: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = { now: () => Date.now(), pause: pauseUnlessAborted }
