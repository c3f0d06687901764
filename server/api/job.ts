// One migration: the engine's events, folded into the progress that the page shows and the store keeps.

import type { JobProgress, LogLine } from '../../shared/api.ts'
import { describe } from '../../shared/describe.ts'
import type { MigrationEvent, StepInfo } from '../../shared/event.ts'
import type { ProgressFold } from '../../shared/fold.ts'
import type { PlanAnswer } from '../../shared/plan-api.ts'
import type { TableProgress } from '../../shared/progress.ts'
import { Curve } from '../../shared/speeds.ts'
import { describeStorageFailure } from '../../shared/storage-failure.ts'
import { showName, type TableName, tableKey } from '../../shared/table-name.ts'
import type { Plan } from '../migrate/plan/types.ts'
import type { MigrationResult, RunRequest } from '../migrate/request.ts'
import { redact } from '../runs/log-file.ts'
import { newRunId, type Run, type RunOptions, startRun } from '../runs/start-run.ts'
import type { History } from '../store/history.ts'
import type { RunLog } from '../store/log.ts'
import type { RunStore } from '../store/runs.ts'
import { tell } from '../system/output.ts'
import { planAnswer } from './plan-answer.ts'

export interface JobRequest {
  run: RunRequest
  confirmed: boolean | string
  /** The request without secrets, to be stored and shown. */
  shown: unknown
  /** What was done before it, for its log. */
  notes?: readonly string[] | undefined
}

export interface JobStores {
  store: RunStore
  history: History
  log: RunLog
  logDirectory: string
}

/** Starts the run: a migration, or the copy of a move. */
export type Start = (request: RunRequest, options: RunOptions) => Run

/** `now`: the state has changed; `soon`: the next update is early enough. */
export type Urgency = 'soon' | 'now'

/** If the process is killed, at most this much of the curve is lost. */
const betweenSpeedsKeptMs = 10_000

export class Job {
  readonly id = newRunId()
  /** Never rejects. */
  readonly done: Promise<MigrationResult>
  isRunning = true
  readonly log = new JobLog()
  readonly #run: Run
  readonly #stop = new AbortController()
  #changed = new Map<string, TableName>()
  #plan: PlanAnswer | undefined
  #kept = 0
  readonly #curve = new Curve()
  #keptSpeedAt = 0

  /** Throws a UsageError if the log file cannot be written. */
  constructor(
    readonly request: JobRequest,
    readonly stores: JobStores,
    readonly onChange: (urgency: Urgency) => void,
    start: Start = startRun,
  ) {
    const { store, log, history, logDirectory } = stores
    log.forgetOld()
    history.remember(this.id, request.shown)
    for (const note of request.notes ?? []) this.#say('info', note)
    if (store.database.failure) this.#say('warn', store.database.failure.reason)
    this.#run = start(request.run, {
      ...{ id: this.id, store, logDirectory, remembersDryRuns: true },
      confirmed: request.confirmed,
      signal: this.#stop.signal,
      // The records of a move continue after its copy, which is this job, has ended.
      say: (level, message) => (this.isRunning ? this.#say(level, message) : tell(`${level}: ${message}`)),
      onEvent: (event) => this.#take(event),
      onPlan: (plan) => this.#keepPlan(plan),
    })
    this.done = this.#run.done.then((result) => {
      this.isRunning = false
      this.onChange('now')
      return result
    })
  }

  cancel() {
    if (this.#stop.signal.aborted) return
    this.#say('warn', 'stopping: incomplete work is rolled back')
    this.#stop.abort()
    this.onChange('now')
  }

  /** The whole progress. */
  full(now: number): Omit<JobProgress, 'log'> {
    const overview = shownOverview(this.#run.progress, now)
    return {
      ...overview,
      ...this.#shownStorage(overview.warnings),
      tables: this.#run.progress.progress(now).tables,
      running: this.isRunning,
      id: this.id,
      request: this.request.shown,
      ...(this.#plan && { plan: this.#plan }),
      speeds: this.#curve.speeds,
      ...(!this.isRunning && { summary: this.#run.progress.summary(now) }),
    }
  }

  /** Only the tables that have changed since the last call. */
  changes(now: number): Omit<JobProgress, 'log'> {
    const overview = shownOverview(this.#run.progress, now)
    const tables = new Map<string, TableProgress>()
    for (const [key, name] of this.#changed) {
      const table = this.#run.progress.table(name)
      if (table) tables.set(key, { ...table })
    }
    // The times of running tables advance without events.
    for (const table of this.#run.progress.runningTables(now)) tables.set(tableKey(table), table)
    this.#changed = new Map()
    return {
      ...overview,
      ...this.#shownStorage(overview.warnings),
      partial: true,
      tables: [...tables.values()],
      running: this.isRunning,
      id: this.id,
    }
  }

  #shownStorage(warnings: string[]): Pick<JobProgress, 'warnings' | 'storage_failure'> {
    const { failure } = this.stores.store.database
    if (!failure) return { warnings }
    return { warnings: [...warnings, describeStorageFailure(failure)], storage_failure: failure }
  }

  /** Records the present speed for the curve. */
  keepSpeed(now: number) {
    this.#curve.add({ ...this.#run.progress.overview(now), running: this.isRunning })
    const isDue = now - this.#keptSpeedAt >= betweenSpeedsKeptMs || !this.isRunning
    if (!isDue || this.#curve.length === 0) return
    this.#keptSpeedAt = now
    this.stores.history.rememberSpeeds(this.id, this.#curve.speeds)
  }

  /** Stores the lines since the last call. */
  keepLog() {
    const lines = this.log.since(this.#kept)
    this.#kept = this.log.last
    this.stores.log.append(this.id, lines)
  }

  #keepPlan(plan: Plan) {
    if (!this.request.run.options.dryRun) return
    this.#plan = planAnswer(plan)
    this.stores.history.rememberPlan(this.id, this.#plan)
  }

  #take(event: MigrationEvent) {
    const table = tableOf(event)
    if (table) this.#changed.set(tableKey(table), table)
    // Tables that wait for a worker are shown too.
    if (event.type === 'planned')
      for (const planned of event.tables) this.#changed.set(tableKey(planned), planned)
    const rows =
      event.type === 'step_finished' && table ? this.#run.progress.table(table)?.migrated_rows : undefined
    const message = describe(event, rows)
    if (message) this.#say(message.level, message.text, objectOf(event), event.at)
    if (event.type === 'planned') this.onChange('now')
    else if (event.type !== 'finished') this.onChange('soon')
  }

  #say(level: LogLine['level'], text: string, table?: string, at = Date.now()) {
    this.log.add({ at, level, message: redact(text), ...(table !== undefined && { table }) })
  }
}

/** Percent and seconds are whole numbers here: clients parse them as integers, and show them as they are. */
export function shownOverview(progress: ProgressFold, now: number) {
  const {
    settled_tables: _,
    overall_percent: percent,
    elapsed_seconds: seconds,
    ...rest
  } = progress.overview(now)
  return {
    ...rest,
    overall_percent: Math.floor(percent),
    elapsed_seconds: Math.floor(seconds),
    elapsed_ms: Math.round(seconds * 1000),
  }
}

function tableOf(event: MigrationEvent): TableName | undefined {
  if ('step' in event) return event.step.table ?? ownTable(event.step)
  return 'table' in event ? event.table : undefined
}

function ownTable({ kind, schema, name }: StepInfo): TableName | undefined {
  return (kind === 'ROWS' || kind === 'TABLE') && schema !== undefined ? { schema, name } : undefined
}

function objectOf(event: MigrationEvent): string | undefined {
  if (event.type === 'log') return event.object
  const table = tableOf(event)
  return table && showName(table)
}

/** Log lines kept in memory; the store and the log file have all of them. */
const mostLines = 5_000
const longestMessage = 10_000

/** The latest log lines, numbered from 1, so that each client knows which ones it has. */
class JobLog {
  #lines: LogLine[] = []
  #forgotten = 0

  get last(): number {
    return this.#forgotten + this.#lines.length
  }

  add(line: LogLine) {
    const { message } = line
    this.#lines.push(
      message.length > longestMessage ? { ...line, message: message.slice(0, longestMessage) } : line,
    )
    // Dropped in large batches: moving thousands of lines for each new one would cost more than the line.
    if (this.#lines.length < 2 * mostLines) return
    this.#forgotten += this.#lines.length - mostLines
    this.#lines = this.#lines.slice(-mostLines)
  }

  /** The lines after this number, or the latest `most` of them. */
  since(number: number, most = Number.POSITIVE_INFINITY): LogLine[] {
    const first = Math.max(0, number - this.#forgotten, this.#lines.length - most)
    return this.#lines.slice(first)
  }
}
