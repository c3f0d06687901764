// The latest comparison of one kind. It is kept by the server, so that a reload of the page finds it again.
import { createSignal, onCleanup } from 'solid-js'
import type { ApplyBody, CompareBody, Comparison, ComparisonResult } from '../../shared/comparison-api.ts'
import { CallFailed } from '../api/calls.ts'
import { compareApi } from './calls.ts'

const betweenLooksMs = 500
const longestPauseMs = 5_000

export function createComparison(kind: Comparison['kind']) {
  const [now, setNow] = createSignal<Comparison>()
  const [result, setResult] = createSignal<ComparisonResult>()
  const [problem, setProblem] = createSignal<CallFailed>()
  const [isLoading, setIsLoading] = createSignal(true)
  let timer: ReturnType<typeof setTimeout> | undefined
  let pause = betweenLooksMs
  let isOver = false
  onCleanup(() => {
    isOver = true
    clearTimeout(timer)
  })

  async function attempt(work: () => Promise<void>) {
    try {
      await work()
      setProblem(undefined)
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      setProblem(error)
    }
  }

  async function look(id: string) {
    clearTimeout(timer)
    await attempt(async () => {
      const view = await compareApi.view(id)
      // The result first, so that the page never shows an end without it.
      if (view.finished_at !== null) setResult(await compareApi.result(id))
      setNow(view)
    })
    const isUnreachable = problem()?.info.error === 'unreachable'
    pause = isUnreachable ? Math.min(2 * pause, longestPauseMs) : betweenLooksMs
    const isUnfinished = now()?.id === id && now()?.finished_at === null
    if (!isOver && (isUnreachable || isUnfinished)) timer = setTimeout(() => void look(id), pause)
  }

  async function load() {
    setIsLoading(true)
    await attempt(async () => {
      const latest = (await compareApi.list()).find((one) => one.kind === kind)
      setNow(latest)
      if (latest) await look(latest.id)
    })
    setIsLoading(false)
  }

  async function begin(call: () => Promise<{ id: string }>) {
    await attempt(async () => {
      const { id } = await call()
      setNow(await compareApi.view(id))
      void look(id)
    })
  }

  void load()
  return {
    now,
    /** Only of the comparison that is shown. */
    result: () => (result()?.comparison.id === now()?.id ? result() : undefined),
    problem,
    isLoading,
    load,
    isRunning: () => now()?.finished_at === null,
    start: (request: CompareBody) => begin(() => compareApi.start(request)),
    apply: (id: string, body: ApplyBody) => begin(() => compareApi.apply(id, body)),
    cancel: (id: string) => attempt(async () => void (await compareApi.cancel(id))),
  }
}
export type ComparisonState = ReturnType<typeof createComparison>
