// The plan of the current request, made again whenever the request changes while it is shown.
import { batch, createEffect, createMemo, createSignal, onCleanup } from 'solid-js'
import type { RequestBody } from '../../shared/api.ts'
import type { PlanAnswer } from '../../shared/plan-api.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { isEmptyEnd } from './connection-url.ts'
import { draft, requestBody } from './draft.ts'
import { changesBetween, type PlanChanges } from './plan-changes.ts'

/** Long enough not to plan for every typed character. */
const pauseMs = 500

/** With one line for each object. */
export type ShownPlan = PlanAnswer & Required<Pick<PlanAnswer, 'objects' | 'digest'>>

interface Shown {
  plan: ShownPlan
  request: string
}

const [answer, setAnswer] = createSignal<Shown>()
/** Against the plan before, if it was for the same databases. */
const [changes, setChanges] = createSignal<PlanChanges>()
const [problem, setProblem] = createSignal<CallFailed>()
const [planning, setPlanning] = createSignal(false)
/** The destroyed objects that the user has confirmed. */
const [confirmed, setConfirmed] = createSignal('')
const [attempt, setAttempt] = createSignal(0)

export const planned = { answer, problem, planning, changes }

export function planAgain() {
  setAttempt((count) => count + 1)
}

/** Keeps the plan up to date for as long as the calling component exists. */
export function keepPlan() {
  const wanted = createMemo(() => JSON.stringify(requestBody()))
  let current: AbortController | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  createEffect(() => {
    const request = wanted()
    attempt()
    clearTimeout(timer)
    current?.abort()
    if (isEmptyEnd(draft.source) || isEmptyEnd(draft.destination)) return
    setPlanning(true)
    timer = setTimeout(() => void make(request), pauseMs)
  })
  onCleanup(() => {
    clearTimeout(timer)
    current?.abort()
    setPlanning(false)
  })

  async function make(request: string) {
    const controller = new AbortController()
    current = controller
    try {
      const { objects = [], digest = '', ...plan } = await api.plan(JSON.parse(request), controller.signal)
      if (!controller.signal.aborted) take({ plan: { ...plan, objects, digest }, request }, undefined)
    } catch (error) {
      if (!controller.signal.aborted) take(undefined, error as CallFailed)
    }
  }

  function take(made: Shown | undefined, wrong: CallFailed | undefined) {
    batch(() => {
      if (made) {
        setChanges(last && endsOf(last) === endsOf(made) ? changesBetween(last.plan, made.plan) : undefined)
        last = made
      }
      setAnswer(made)
      setProblem(wrong)
      setPlanning(false)
    })
  }
}

/** The request that the plan on the screen was made for. */
export function shownRequest(): RequestBody {
  return JSON.parse(answer()?.request ?? JSON.stringify(requestBody()))
}

/** The latest plan, also while a later one has failed. */
let last: Shown | undefined

function endsOf({ request }: Shown): string {
  const { source, destination } = JSON.parse(request) as RequestBody
  return JSON.stringify([source, destination])
}

/** Whether the plan that is shown belongs to the current request. */
export function isPlanCurrent(): boolean {
  return !planning() && answer()?.request === JSON.stringify(requestBody())
}

export function isConfirmed(): boolean {
  const plan = answer()?.plan
  if (!plan) return false
  return plan.destroyed.length === 0 || confirmed() === agreementTo(plan)
}

/** Sent with the request: the server refuses when it would destroy anything else. */
export function confirmation(): string | false {
  return isConfirmed() ? (answer()?.plan.confirmation ?? false) : false
}

/** Applies only to the list that was shown: another list needs another confirmation. */
export function confirmDestroyed(yes: boolean) {
  const plan = answer()?.plan
  setConfirmed(yes && plan ? agreementTo(plan) : '')
}

function agreementTo({ confirmation }: PlanAnswer): string {
  return JSON.stringify([confirmation, requestBody().destination])
}
