// The running steps, and the completed work of each phase.
import type { StepInfo } from '../event.ts'
import { type Phase, phases } from '../phase.ts'
import type { PhaseProgress } from '../progress.ts'

export interface RunningStep {
  step: StepInfo
  /** When it started. */
  at: number
}

type Outcome = 'done' | 'failed' | 'skipped'

interface PhaseState {
  planned: number
  done: number
  failed: number
  skipped: number
  running: number
  firstStart?: number
  lastEnd?: number
  cumulative: number
  /** Increases with every start in any phase: the largest is the phase of the last start. */
  lastStarted: number
}

export class PhaseLedger {
  readonly #phases = new Map<Phase, PhaseState>()
  readonly #running = new Map<number, RunningStep>()
  #starts = 0
  #last: Phase = 'reading'

  /** Reading the catalogs is not a step of the plan, but takes time before there is one. */
  startReading(at: number): void {
    this.#state('reading').firstStart ??= at
  }

  plan(counts: Record<string, number>, at: number): void {
    for (const phase of phases) if (counts[phase]) this.#state(phase).planned += counts[phase]
    const reading = this.#state('reading')
    if (reading.firstStart === undefined || reading.lastEnd !== undefined) return
    reading.lastEnd = at
    reading.cumulative += (at - reading.firstStart) / 1000
  }

  start(step: StepInfo, at: number): void {
    if (this.#running.has(step.id)) return
    this.#running.set(step.id, { step, at })
    const state = this.#state(step.phase)
    state.running++
    state.firstStart ??= at
    state.lastStarted = ++this.#starts
    this.#last = step.phase
  }

  /** Returns the step's time in seconds. */
  end(step: StepInfo, outcome: Outcome, at: number, seconds?: number): number {
    const state = this.#state(step.phase)
    const running = this.#running.get(step.id)
    const took = seconds ?? (running ? (at - running.at) / 1000 : 0)
    state[outcome]++
    if (running) state.running--
    this.#running.delete(step.id)
    if (running || outcome !== 'skipped') {
      state.firstStart = Math.min(state.firstStart ?? at, at - took * 1000)
      state.lastEnd = at
      state.cumulative += took
      if (this.#running.size === 0) this.#last = step.phase
    }
    return took
  }

  /** The run is over: steps that were running have stopped without an outcome. */
  stop(at: number): void {
    for (const { step, at: startedAt } of this.#running.values()) {
      const state = this.#state(step.phase)
      state.running--
      state.lastEnd = at
      state.cumulative += (at - startedAt) / 1000
    }
    this.#running.clear()
    const reading = this.#phases.get('reading')
    if (reading?.firstStart !== undefined) reading.lastEnd ??= at
  }

  /** In the order of their start. */
  get running(): Iterable<RunningStep> {
    return this.#running.values()
  }

  /** `data` while rows are copied, otherwise the running phase of the last start. */
  get current(): Phase {
    if ((this.#phases.get('data')?.running ?? 0) > 0) return 'data'
    let current = this.#last
    let latest = -1
    for (const [phase, state] of this.#phases) {
      if (state.running === 0 || state.lastStarted <= latest) continue
      latest = state.lastStarted
      current = phase
    }
    return current
  }

  /** The phases of this run, in the order in which they are shown. */
  progress(now: number): PhaseProgress[] {
    return phases.flatMap((phase) => {
      const state = this.#phases.get(phase)
      return state ? [phaseProgress(phase, state, now)] : []
    })
  }

  #state(phase: Phase): PhaseState {
    let state = this.#phases.get(phase)
    if (!state) {
      state = { planned: 0, done: 0, failed: 0, skipped: 0, running: 0, cumulative: 0, lastStarted: 0 }
      this.#phases.set(phase, state)
    }
    return state
  }
}

function phaseProgress(phase: Phase, state: PhaseState, now: number): PhaseProgress {
  const { planned, done, failed, skipped, running, firstStart, lastEnd, cumulative } = state
  const end = running > 0 || lastEnd === undefined ? now : lastEnd
  return {
    phase,
    total: Math.max(planned, done + failed + skipped + running),
    done,
    failed,
    skipped,
    running,
    wall_seconds: firstStart === undefined ? 0 : Math.max(0, end - firstStart) / 1000,
    cumulative_seconds: cumulative,
  }
}
