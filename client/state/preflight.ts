// Preflight checks of the current request, made as soon as both connections have been tested.
import { batch, createEffect, createMemo, createSignal, onCleanup } from 'solid-js'
import type { PreflightBody, PreflightReport } from '../../shared/preflight.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { draft, followOptions, requestBody } from './draft.ts'
import { testOf } from './tests.ts'

/** Waits until the user stops typing. */
const pauseMs = 300

const [answer, setAnswer] = createSignal<{ report: PreflightReport; request: string }>()
const [problem, setProblem] = createSignal<CallFailed>()
const [looking, setLooking] = createSignal(false)
const [attempt, setAttempt] = createSignal(0)

export const preflighted = { answer, problem, looking }

export function lookAgain() {
  setAnswer(undefined)
  setAttempt((count) => count + 1)
}

export function areBothTested(): boolean {
  return testOf('source').answer !== undefined && testOf('destination').answer !== undefined
}

/** Keeps the report up to date for as long as the calling component exists. */
export function keepPreflight() {
  const wanted = createMemo(() => (areBothTested() ? JSON.stringify(preflightBody()) : undefined))
  let current: AbortController | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  createEffect(() => {
    const request = wanted()
    attempt()
    stop()
    if (request === undefined || answer()?.request === request) return
    setLooking(true)
    timer = setTimeout(() => void look(request), pauseMs)
  })
  onCleanup(stop)

  function stop() {
    clearTimeout(timer)
    current?.abort()
    setLooking(false)
  }

  async function look(request: string) {
    const controller = new AbortController()
    current = controller
    try {
      const report = await api.preflight(JSON.parse(request), controller.signal)
      if (!controller.signal.aborted) take({ report, request }, undefined)
    } catch (error) {
      if (!controller.signal.aborted) take(undefined, error as CallFailed)
    }
  }

  function take(
    made: { report: PreflightReport; request: string } | undefined,
    wrong: CallFailed | undefined,
  ) {
    batch(() => {
      setAnswer(made)
      setProblem(wrong)
      setLooking(false)
    })
  }
}

function preflightBody(): PreflightBody {
  const { hooks: _, ...rest } = requestBody()
  const { insertsOnly, bidirectional } = followOptions()
  const follow = {
    ...(insertsOnly && { insertsOnly }),
    ...(bidirectional !== undefined && { bidirectional }),
  }
  return { ...rest, ...(draft.following && { follow }) }
}
