// A question to the server that changes while it is answered: only the last one counts, and those before are cancelled.
import { batch, createEffect, createMemo, createSignal, onCleanup, untrack } from 'solid-js'
import { CallFailed } from '../api/calls.ts'

export interface LiveQuery<Answer> {
  /** Of the present question. */
  answer: () => Answer | undefined
  /** Of the present question, or of one before while there is no other. */
  latest: () => Answer | undefined
  problem: () => CallFailed | undefined
  isWaiting: () => boolean
  askAgain: () => void
}

/** No question while `wanted` is undefined. `pauseMs`: how long it must stay the same, for what is being typed. */
export function liveQuery<Question, Answer>(
  wanted: () => Question | undefined,
  ask: (question: Question, signal: AbortSignal) => Promise<Answer>,
  pauseMs: () => number = () => 0,
): LiveQuery<Answer> {
  const [answer, setAnswer] = createSignal<Answer>()
  const [latest, setLatest] = createSignal<Answer>()
  const [problem, setProblem] = createSignal<CallFailed>()
  const [isWaiting, setIsWaiting] = createSignal(false)
  const [again, setAgain] = createSignal(0)
  const question = createMemo(wanted, undefined, {
    equals: (one, other) => JSON.stringify(one) === JSON.stringify(other),
  })

  async function run(asked: Question, signal: AbortSignal) {
    try {
      const found = await ask(asked, signal)
      if (signal.aborted) return
      batch(() => {
        setAnswer(() => found)
        setLatest(() => found)
        setIsWaiting(false)
      })
    } catch (error) {
      if (signal.aborted) return
      batch(() => {
        setProblem(
          error instanceof CallFailed
            ? error
            : new CallFailed({ error: 'unexpected', message: String(error) }),
        )
        setIsWaiting(false)
      })
    }
  }

  createEffect(() => {
    again()
    const asked = question()
    batch(() => {
      setAnswer(undefined)
      setProblem(undefined)
      setIsWaiting(asked !== undefined)
    })
    if (asked === undefined) return
    const controller = new AbortController()
    const timer = setTimeout(() => void run(asked, controller.signal), untrack(pauseMs))
    onCleanup(() => {
      clearTimeout(timer)
      controller.abort()
    })
  })
  return { answer, latest, problem, isWaiting, askAgain: () => setAgain((count) => count + 1) }
}
