// Something asked of the server: whether it is under way, and what came of it.
import { createSignal } from 'solid-js'
import { CallFailed } from '../api/calls.ts'

export function createAsking() {
  const [busy, setBusy] = createSignal(false)
  const [problem, setProblem] = createSignal<CallFailed>()
  const [said, setSaid] = createSignal('')
  /** What was answered; nothing when it was refused, which is shown. */
  async function ask<Answer>(call: () => Promise<Answer>): Promise<Answer | undefined> {
    setBusy(true)
    setProblem(undefined)
    setSaid('')
    try {
      const answer = await call()
      setSaid(messageIn(answer))
      return answer
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      setProblem(error)
      return undefined
    } finally {
      setBusy(false)
    }
  }
  return { busy, problem, said, ask }
}

function messageIn(answer: unknown): string {
  return typeof answer === 'object' && answer !== null && 'message' in answer ? String(answer.message) : ''
}
