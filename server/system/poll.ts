// Polling: asking again and again, where a server does not report by itself that its state has changed.

import { pauseUnlessAborted } from './deadline.ts'

export interface Polling {
  /** The pause between two attempts. */
  everyMs: number
  withinMs: number
  signal?: AbortSignal | undefined
}

/**
 * Asks until `holds` accepts the answer, and returns it. When the time is over it returns the last answer instead,
 * because only the caller can say what is wrong then. Throws the signal's reason when it is aborted.
 */
export async function pollUntil<Answer>(
  ask: () => Answer | Promise<Answer>,
  holds: (answer: Answer) => boolean,
  { everyMs, withinMs, signal }: Polling,
): Promise<Answer> {
  const deadline = performance.now() + withinMs
  for (;;) {
    signal?.throwIfAborted()
    const answer = await ask()
    if (holds(answer) || performance.now() > deadline) return answer
    await pauseUnlessAborted(everyMs, signal)
  }
}

/** Repeats `work` as long as it fails with an error that `mayPass` accepts. Throws the last error when the time is over. */
export async function retryWhile<Result>(
  mayPass: (error: unknown) => boolean,
  work: () => Promise<Result>,
  polling: Polling,
): Promise<Result> {
  const attempt = () =>
    work().then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    )
  const outcome = await pollUntil(attempt, (it) => 'result' in it || !mayPass(it.error), polling)
  if ('error' in outcome) throw outcome.error
  return outcome.result
}
