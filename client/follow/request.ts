// A request to the server: whether it is pending, and its error.
import { createSignal } from 'solid-js'
import { CallFailed } from '../api/calls.ts'

export function createRequest() {
  const [busy, setBusy] = createSignal(false)
  const [problem, setProblem] = createSignal<CallFailed>()
  /** The response; undefined when the request failed, which is shown. */
  async function send<Answer>(call: () => Promise<Answer>): Promise<Answer | undefined> {
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
  return { busy, problem, send }
}
