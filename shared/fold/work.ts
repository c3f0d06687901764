// How much of the whole is done. The unit is a byte of rows; everything else is expressed in it.
//
// Copying a table weighs its bytes. Building an index reads the table once more and sorts it, so each
// index step weighs a share of its table's bytes; checking a constraint and sampling statistics weigh
// less. Everything else (a CREATE FUNCTION) takes about as long as copying a few pages. The shares come
// from watching runs: exactness does not matter, an even pace does.
import { type Phase, phases } from '../phase.ts'

const shareOfTable: Partial<Record<Phase, number>> = { indexes: 0.25, constraints: 0.1, statistics: 0.02 }

/** About what a server can copy in the time of a small DDL statement. */
const smallStep = 64 * 1024

interface PhaseWork {
  /** What the plan lets us expect; which index belongs to which table is not known beforehand. */
  expected: number
  remainingSteps: number
  settled: number
}

export class Work {
  #rows = { total: 0, done: 0 }
  #steps = { total: 0, done: 0 }
  readonly #phases = new Map<Phase, PhaseWork>()
  #percent = 0
  /** Of what is settled, the part that failed, was left out or was taken back. */
  #lost = 0

  /** Takes in the plan's step counts; the tables have been added with `addTable` before. */
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

  /** Rows that were settled, and are not there. */
  loseRows(weight: number): void {
    this.#lost += weight
  }

  /** A step other than ROWS needs no more work, whatever came of it. Returns what that added. */
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

  /** The run ended otherwise: what counts is what is really there, not what needs no more work. */
  end(): void {
    const total = this.#rows.total + this.#steps.total
    this.#percent = total === 0 ? 0 : tenths(Math.max(0, this.done - this.#lost) / total)
  }

  /** 0 to 100. It never falls while the run goes on, and reaches 100 only by `complete`. */
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

/** Many steps for large tables must not use up the share of those still to come; the last one fills it. */
function settledOf(work: PhaseWork): number {
  if (work.remainingSteps === 0) return work.expected
  return Math.min(work.settled, work.expected - work.remainingSteps * smallStep)
}
