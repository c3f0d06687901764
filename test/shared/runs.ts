// Events of runs as the engine emits them, for the tests of what is made of them.
import type { ErrorInfo, MigrationEvent, RunStatus, StepInfo } from '../../shared/event.ts'
import type { Phase } from '../../shared/phase.ts'
import type { TableName } from '../../shared/table-name.ts'

/** Each call is an event at the clock's time; `wait` moves the clock. */
export class Recording {
  readonly events: MigrationEvent[] = []
  #steps = 0

  constructor(public now = 1_700_000_000_000) {}

  wait(seconds: number): this {
    this.now += seconds * 1000
    return this
  }

  started(): this {
    return this.add({ type: 'started', at: this.now, run: 'r1' })
  }

  planned(
    tables: [name: string, rows: number, bytes: number][],
    steps: Partial<Record<Phase, number>>,
  ): this {
    return this.add({
      type: 'planned',
      at: this.now,
      tables: tables.map(([name, rows, bytes]) => ({ schema: 'public', name, rows, bytes })),
      steps,
      warnings: [],
    })
  }

  step(phase: Phase, kind: string, name: string, table?: string): StepInfo {
    const info: StepInfo = { id: ++this.#steps, phase, kind, schema: 'public', name }
    return table === undefined ? info : { ...info, table: publicTable(table) }
  }

  rowsStep(table: string): StepInfo {
    return this.step('data', 'ROWS', table, table)
  }

  start(step: StepInfo): this {
    return this.add({ type: 'step_started', at: this.now, step })
  }

  rows(table: string, rows: number, bytes: number): this {
    return this.add({ type: 'rows', at: this.now, table: publicTable(table), rows, bytes })
  }

  finish(step: StepInfo, seconds: number): this {
    return this.add({ type: 'step_finished', at: this.now, step, seconds })
  }

  fail(step: StepInfo, error: ErrorInfo): this {
    return this.add({ type: 'step_failed', at: this.now, step, error })
  }

  skip(step: StepInfo, reason: string): this {
    return this.add({ type: 'step_skipped', at: this.now, step, reason })
  }

  warn(message: string): this {
    return this.add({ type: 'warning', at: this.now, message })
  }

  finished(status: RunStatus, error?: ErrorInfo): this {
    return this.add({ type: 'finished', at: this.now, status, ...(error && { error }) })
  }

  add(event: MigrationEvent): this {
    this.events.push(event)
    return this
  }
}

export function publicTable(name: string): TableName {
  return { schema: 'public', name }
}
