// A pause that ends immediately, with an error, when the run is cancelled.
import { Cancelled } from '../postgres/errors.ts'
import { pauseUnlessAborted } from '../system/deadline.ts'

export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pauseUnlessAborted(milliseconds, signal)
  if (signal.aborted) throw new Cancelled()
}
