// Something asked of the server: whether it is under way, and what came of it.
import { createSignal } from 'solid-js'
import { CallFailed } from '../api/calls.ts'

export function createAsking() {
  const [busy, setBusy] = createSignal(false)
  const [problem, setProblem] = createSignal<CallFailed>()
  /** What was answered; nothing when it was refused, which is shown. */
  async function ask<Answer>(call: () => Promise<Answer>): Promise<Answer | undefined> {
    setBusy(true)
    setProblem(undefined)
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      setProblem(error)
      return undefined
    } finally {
      setBusy(false)
    }
  }
  return { busy, problem, ask }
}
