// Events into progress. The fold is deterministic in (events, now), and O(1) for each event, whatever the number of
// tables; only the result of `progress` grows with the number of tables.
import { describe, describeError, describeFailure } from './describe.ts'
import type { MigrationEvent, StepInfo } from './event.ts'
import { PhaseLedger, type RunningStep } from './fold/phases.ts'
import { SlidingRate } from './fold/rate.ts'
import { TableLedger } from './fold/tables.ts'
import { Work } from './fold/work.ts'
import type { Progress, TableProgress } from './progress.ts'
import type { Summary } from './summary.ts'
import { summarize } from './summary.ts'
import type { TableName } from './table-name.ts'

/** The progress of a run without its list of tables: cheap enough for every frame of a view. */
export type Overview = Omit<Progress, 'tables'> & { table_count: number; settled_tables: number }

type EventOf<Name extends MigrationEvent['type']> = Extract<MigrationEvent, { type: Name }>

const rateWindow = 5_000
/** Longer than for rates: a step that ends is a jump, and the remaining time should not jump with it. */
const paceWindow = 30_000
/** Before the run has lasted this long, a remaining time would be a guess. */
const paceKnownAfter = 2_000

export class ProgressFold {
  readonly #work = new Work()
  readonly #tables = new TableLedger(this.#work)
  readonly #phases = new PhaseLedger()
  readonly #rowRate = new SlidingRate(rateWindow)
  readonly #byteRate = new SlidingRate(rateWindow)
  readonly #pace = new SlidingRate(paceWindow)
  readonly #failed: Progress['failed'] = []
  readonly #failedTables: Progress['failedTables'] = []
  readonly #skipped: Progress['skipped'] = []
  readonly #warnings: string[] = []
  #status: Progress['status'] = 'running'
  #verification: Progress['verification']
  #workers: Progress['workers']
  #error: string | undefined
  #isDry = false
  /** The last event for the status line; formatted only on request. */
  #latest: { event: MigrationEvent; rows: number } | undefined
  #movesRows = true
  #startedAt: number | undefined
  #plannedAt: number | undefined
  #finishedAt: number | undefined

  apply(event: MigrationEvent): void {
    if (this.#finishedAt !== undefined) return
    this.#startedAt ??= event.at
    this.#take(event)
    this.#remember(event)
  }

  progress(now: number): Progress {
    const { table_count: _, settled_tables: __, ...overview } = this.overview(now)
    return { ...overview, tables: this.#tables.progress(this.#finishedAt ?? now) }
  }

  overview(now: number): Overview {
    const until = this.#finishedAt ?? now
    const moving = this.#status === 'running' && this.#phases.current === 'data'
    const remaining = this.#remainingSeconds(until)
    return {
      overall_percent: this.#work.percent,
      elapsed_seconds: Math.max(0, until - (this.#startedAt ?? until)) / 1000,
      current_phase: this.#phases.current,
      log_message: this.#latest ? (describe(this.#latest.event, this.#latest.rows)?.text ?? '') : '',
      failedTables: [...this.#failedTables],
      status: this.#status,
      ...(this.#isDry && { dry_run: true }),
      failed: [...this.#failed],
      skipped: [...this.#skipped],
      warnings: [...this.#warnings],
      phases: this.#phases.progress(until),
      ...(this.#verification && { verification: this.#verification }),
      ...(this.#workers && { workers: this.#workers }),
      migrated_rows: this.#tables.migratedRows,
      migrated_bytes: this.#tables.migratedBytes,
      total_bytes: this.#tables.totalBytes,
      rows_per_second: moving ? this.#rowRate.perSecond(until) : 0,
      bytes_per_second: moving ? this.#byteRate.perSecond(until) : 0,
      ...(remaining === undefined ? {} : { remaining_seconds: remaining }),
      table_count: this.#tables.count,
      settled_tables: this.#tables.settled,
    }
  }

  summary(now: number): Summary {
    return summarize(this.progress(now), this.#error)
  }

  /** One table's progress so far; later events change the object. */
  table(name: TableName): Readonly<TableProgress> | undefined {
    return this.#tables.find(name)
  }

  /** False while the catalogs are read: the amount of work is unknown. */
  get isPlanned(): boolean {
    return this.#plannedAt !== undefined
  }

  get tableCount(): number {
    return this.#tables.count
  }

  runningTables(now: number): TableProgress[] {
    return this.#tables.running(now)
  }

  /** In the order of their start, including ROWS steps. */
  get runningSteps(): Iterable<RunningStep> {
    return this.#phases.running
  }

  #take(event: MigrationEvent): void {
    if (event.type === 'started') this.#started(event)
    else if (event.type === 'planned') this.#planned(event)
    else if (event.type === 'step_started') this.#stepStarted(event)
    else if (event.type === 'rows') this.#rows(event)
    else if (event.type === 'step_finished') this.#stepFinished(event)
    else if (event.type === 'step_failed') this.#stepFailed(event)
    else if (event.type === 'step_skipped') this.#stepSkipped(event)
    else if (event.type === 'copied_by') this.#tables.copiedBy(event.table, event.worker)
    else if (event.type === 'workers') this.#workers = event.workers
    else if (event.type === 'warning') this.#warnings.push(event.message)
    else if (event.type === 'verified') {
      this.#verification = { compared: event.compared, different: event.different }
    } else if (event.type === 'finished') this.#finished(event)
  }

  #started({ at, dryRun = false }: EventOf<'started'>): void {
    this.#isDry = dryRun
    this.#phases.startReading(at)
  }

  #planned({ tables, steps, warnings, at }: EventOf<'planned'>): void {
    this.#plannedAt ??= at
    this.#movesRows = (steps.data ?? 0) > 0
    for (const table of tables) this.#tables.plan(table, this.#movesRows)
    const bytes = tables.reduce((sum, table) => sum + Math.max(0, table.bytes), 0)
    this.#work.plan(steps, tables.length, bytes)
    this.#phases.plan(steps, at)
    for (const warning of warnings) this.#warnings.push(warning)
    this.#pace.restart(at)
  }

  #stepStarted({ step, at }: EventOf<'step_started'>): void {
    if (step.kind === 'ROWS') {
      if (this.#phases.current !== 'data') {
        this.#rowRate.restart(at)
        this.#byteRate.restart(at)
      }
      this.#tables.start(tableOf(step), at)
    }
    this.#phases.start(step, at)
  }

  #rows({ table, rows, bytes, collided = 0, at }: EventOf<'rows'>): void {
    const moved = this.#tables.rows(table, { rows, bytes, collided }, at)
    this.#rowRate.grow(at, moved.rows)
    this.#byteRate.grow(at, moved.bytes)
    this.#pace.grow(at, moved.weight)
  }

  #stepFinished({ step, seconds, at }: EventOf<'step_finished'>): void {
    this.#phases.end(step, 'done', at, seconds)
    if (step.kind === 'ROWS') {
      this.#pace.grow(at, this.#tables.complete(tableOf(step), seconds))
      return
    }
    this.#settleObject(step, seconds, at)
  }

  #settleObject(step: StepInfo, seconds: number, at: number): void {
    this.#settle(step, seconds, at, true)
    // Without rows to copy, a table is complete when it has been created.
    if (step.kind === 'TABLE' && !this.#movesRows && this.#tables.find(tableOf(step))) {
      this.#tables.complete(tableOf(step), 0)
    }
  }

  #stepFailed(event: EventOf<'step_failed'>): void {
    const { step, at } = event
    const seconds = this.#phases.end(step, 'failed', at)
    const failed = { schema: step.schema ?? '', name: step.name, error: describeFailure(event) }
    // The context has the whole row, and its parts are known.
    const { context: _, ...cause } = event.error
    this.#failed.push({ ...failed, kind: step.kind, cause })
    if (event.incomplete) {
      this.#settleObject(step, seconds, at)
      return
    }
    if (step.kind === 'ROWS' || step.kind === 'TABLE') {
      this.#failedTables.push({ ...tableOf(step), error: failed.error })
    }
    this.#giveUp(step, 'failed', seconds, at)
  }

  #stepSkipped({ step, reason, at }: EventOf<'step_skipped'>): void {
    const seconds = this.#phases.end(step, 'skipped', at)
    this.#skipped.push({ schema: step.schema ?? '', name: step.name, kind: step.kind, reason })
    this.#giveUp(step, 'skipped', seconds, at)
  }

  #giveUp(step: StepInfo, status: 'failed' | 'skipped', seconds: number, at: number): void {
    const table = tableOf(step)
    if (step.kind === 'ROWS') {
      this.#pace.grow(at, this.#tables.abandon(table, status, seconds))
      return
    }
    this.#settle(step, seconds, at, false)
    // A partitioned or foreign table has no rows itself, and is not among the tables.
    if (step.kind === 'TABLE' && this.#tables.find(table)) {
      this.#pace.grow(at, this.#tables.abandon(table, status, 0))
    }
  }

  #settle(step: StepInfo, seconds: number, at: number, isDone: boolean): void {
    const forTable = step.table && (step.phase === 'indexes' || step.phase === 'constraints')
    if (step.table && forTable) this.#tables.addIndexSeconds(step.table, seconds)
    const bytes = step.table ? this.#tables.plannedBytes(step.table) : 0
    this.#pace.grow(at, this.#work.settleStep(step.phase, bytes, isDone))
  }

  #finished({ status, error, at }: EventOf<'finished'>): void {
    const completed = status === 'completed' || status === 'completed_with_failures'
    if (!this.#isDry) this.#tables.stop(completed ? 'skipped' : 'cancelled', at)
    this.#phases.stop(at)
    if (status === 'completed' && !this.#isDry) this.#work.complete()
    else this.#work.end()
    if (error) this.#error = describeError(error)
    this.#status = status
    this.#finishedAt = at
  }

  #remember(event: MigrationEvent): void {
    if (!isShown(event)) return
    const table = event.type === 'step_finished' ? this.#tables.find(tableOf(event.step)) : undefined
    this.#latest = { event, rows: table?.migrated_rows ?? 0 }
  }

  #remainingSeconds(now: number): number | undefined {
    if (this.#status !== 'running' || this.#plannedAt === undefined) return undefined
    const elapsed = now - this.#plannedAt
    if (elapsed < paceKnownAfter || this.#work.remaining === 0) return undefined
    const pace = this.#pace.perSecond(now) || (this.#work.done / elapsed) * 1000
    return pace > 0 ? this.#work.remaining / pace : undefined
  }
}

const untold: ReadonlySet<MigrationEvent['type']> = new Set([
  'rows',
  'step_started',
  'collided',
  'copied_by',
  'workers',
])

/** Details are not shown, except for completed steps. */
function isShown(event: MigrationEvent): boolean {
  if (event.type === 'log') return event.level !== 'debug'
  return !untold.has(event.type)
}

/** Replays the events of a stored run or a test. */
export function foldEvents(events: Iterable<MigrationEvent>): ProgressFold {
  const fold = new ProgressFold()
  for (const event of events) fold.apply(event)
  return fold
}

function tableOf(step: StepInfo): TableName {
  return step.table ?? { schema: step.schema ?? '', name: step.name }
}
