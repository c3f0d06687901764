// The completed share of a run. The unit is a byte of rows; all other work is converted to it.
//
// Copying a table counts as its bytes. Building an index reads the table once more and sorts it, so each index counts
// as a share of its table's bytes; checking a constraint and ANALYZE count less. Any other step (a CREATE FUNCTION)
// takes about as long as copying a few pages. The shares were measured on real runs: they need not be exact, but
// progress should be even.
import { type Phase, phases } from '../phase.ts'

const shareOfTable: Partial<Record<Phase, number>> = { indexes: 0.25, constraints: 0.1, statistics: 0.02 }

/** About what a server copies in the time of a small DDL statement. */
const smallStep = 64 * 1024

interface PhaseWork {
  /** The expected work of the plan. Before a step starts it is unknown which table an index belongs to. */
  expected: number
  remainingSteps: number
  settled: number
}

export class Work {
  #rows = { total: 0, done: 0 }
  #steps = { total: 0, done: 0 }
  readonly #phases = new Map<Phase, PhaseWork>()
  #percent = 0
  /** The part of the settled work that failed, was left out or was rolled back. */
  #lost = 0

  /** Adds the plan's step counts; `addTable` must have been called for all tables. */
  plan(counts: Record<string, number>, tableCount: number, bytes: number): void {
    for (const phase of phases) {
      const count = counts[phase] ?? 0
      if (phase === 'data' || count === 0) continue
      const perTable = tableCount === 0 ? 0 : (shareOfTable[phase] ?? 0) * (bytes / tableCount)
      const expected = count * (smallStep + perTable)
      this.#phases.set(phase, { expected, remainingSteps: count, settled: 0 })
      this.#steps.total += expected
    }
  }

  /** The weight of copying a table's rows. */
  addTable(bytes: number): number {
    const weight = Math.max(bytes, smallStep)
    this.#rows.total += weight
    return weight
  }

  moveRows(weight: number): void {
    this.#rows.done += weight
    this.#raisePercent()
  }

  /** Settled rows that are not there. */
  loseRows(weight: number): void {
    this.#lost += weight
  }

  /** A step other than ROWS is over, whatever its outcome. Returns the added work. */
  settleStep(phase: Phase, tableBytes: number, isDone: boolean): number {
    const work = this.#phases.get(phase)
    if (!work) return 0
    const before = settledOf(work)
    work.settled += smallStep + (shareOfTable[phase] ?? 0) * tableBytes
    work.remainingSteps = Math.max(0, work.remainingSteps - 1)
    const added = settledOf(work) - before
    this.#steps.done += added
    if (!isDone) this.#lost += added
    this.#raisePercent()
    return added
  }

  complete(): void {
    this.#percent = 100
  }

  /** The run has not completed: only completed work counts from here on. */
  end(): void {
    const total = this.#rows.total + this.#steps.total
    this.#percent = total === 0 ? 0 : tenths(Math.max(0, this.done - this.#lost) / total)
  }

  /** 0 to 100. It does not decrease while the run continues, and reaches 100 only by `complete`. */
  get percent(): number {
    return this.#percent
  }

  get done(): number {
    return this.#rows.done + this.#steps.done
  }

  get remaining(): number {
    return Math.max(0, this.#rows.total + this.#steps.total - this.done)
  }

  #raisePercent(): void {
    const total = this.#rows.total + this.#steps.total
    if (total === 0) return
    this.#percent = Math.max(this.#percent, tenths(this.done / total))
  }
}

function tenths(fraction: number): number {
  return Math.min(99, Math.floor(fraction * 1000) / 10)
}

/** Many steps on large tables must not use up the share of later ones; the last one completes it. */
function settledOf(work: PhaseWork): number {
  if (work.remainingSteps === 0) return work.expected
  return Math.min(work.settled, work.expected - work.remainingSteps * smallStep)
}
