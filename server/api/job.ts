// One migration under way: the engine's events folded into what the page shows, and kept for later.

import type { JobProgress, LogLine, PlanAnswer } from '../../shared/api.ts'
import { describe } from '../../shared/describe.ts'
import type { MigrationEvent, StepInfo } from '../../shared/event.ts'
import type { TableProgress } from '../../shared/progress.ts'
import { Curve } from '../../shared/speeds.ts'
import { describeStorageFailure } from '../../shared/storage-failure.ts'
import { showName, type TableName, tableKey } from '../../shared/table-name.ts'
import type { Plan } from '../migrate/plan/types.ts'
import type { RunRequest } from '../migrate/request.ts'
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
  /** The same without secrets, to be stored and shown. */
  shown: unknown
}

export interface JobStores {
  store: RunStore
  history: History
  log: RunLog
  logDirectory: string
}

/** What starts it: a run of its own, or the copy of a move. */
export type Start = (request: RunRequest, options: RunOptions) => Run

/** `soon`: the next tick is early enough. `now`: the state has changed. */
export type Urgency = 'soon' | 'now'

/** A process that is killed loses no more of its curve. */
const betweenSpeedsKeptMs = 10_000

export class Job {
  readonly id = newRunId()
  /** Never rejects. */
  readonly done: Promise<void>
  isRunning = true
  readonly log = new JobLog()
  readonly #run: Run
  readonly #stop = new AbortController()
  #changed = new Map<string, TableName>()
  #plan: PlanAnswer | undefined
  #kept = 0
  readonly #curve = new Curve()
  #keptSpeedAt = 0

  /** Throws a UsageError when its log cannot be written. */
  constructor(
    readonly request: JobRequest,
    readonly stores: JobStores,
    readonly onChange: (urgency: Urgency) => void,
    start: Start = startRun,
  ) {
    const { store, log, history, logDirectory } = stores
    log.forgetOld()
    history.remember(this.id, request.shown)
    if (store.database.failure) this.#say('warn', store.database.failure.reason)
    this.#run = start(request.run, {
      ...{ id: this.id, store, logDirectory, remembersDryRuns: true },
      confirmed: request.confirmed,
      signal: this.#stop.signal,
      // Of a move that follows, the records go on when its job is over.
      say: (level, message) => (this.isRunning ? this.#say(level, message) : tell(`${level}: ${message}`)),
      onEvent: (event) => this.#take(event),
      onPlan: (plan) => this.#keepPlan(plan),
    })
    this.done = this.#run.done.then(() => {
      this.isRunning = false
      this.onChange('now')
    })
  }

  cancel() {
    if (this.#stop.signal.aborted) return
    this.#say('warn', 'stopping: incomplete work is rolled back')
    this.#stop.abort()
    this.onChange('now')
  }

  /** All of it. */
  full(now: number): Omit<JobProgress, 'log'> {
    const { settled_tables: _, ...overview } = this.#run.progress.overview(now)
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

  /** Only the tables that have changed since this was called last. */
  changes(now: number): Omit<JobProgress, 'log'> {
    const { settled_tables: _, ...overview } = this.#run.progress.overview(now)
    const tables = new Map<string, TableProgress>()
    for (const [key, name] of this.#changed) {
      const table = this.#run.progress.table(name)
      if (table) tables.set(key, { ...table })
    }
    // Their time goes on without an event.
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

  /** The speed of this moment, for those who come later. */
  keepSpeed(now: number) {
    this.#curve.add({ ...this.#run.progress.overview(now), running: this.isRunning })
    const isDue = now - this.#keptSpeedAt >= betweenSpeedsKeptMs || !this.isRunning
    if (!isDue || this.#curve.length === 0) return
    this.#keptSpeedAt = now
    this.stores.history.rememberSpeeds(this.id, this.#curve.speeds)
  }

  /** Puts the lines since the last time into the store. */
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
    // Those that wait are to be seen too, before their turn comes.
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

/** Log lines that are kept in memory; the store and the log file have all of them. */
const mostLines = 5_000
const longestMessage = 10_000

/** The latest log lines, numbered from 1, so that each listener can say which it has. */
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
    // In large bites: moving thousands of lines for each new one would cost more than the line.
    if (this.#lines.length < 2 * mostLines) return
    this.#forgotten += this.#lines.length - mostLines
    this.#lines = this.#lines.slice(-mostLines)
  }

  /** The lines behind this number, the latest ones when there are more than `most`. */
  since(number: number, most = Number.POSITIVE_INFINITY): LogLine[] {
    const first = Math.max(0, number - this.#forgotten, this.#lines.length - most)
    return this.#lines.slice(first)
  }
}
