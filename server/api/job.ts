// One migration under way: the engine's events folded into what the page shows, and kept for later.

import type { JobProgress, LogLine, PlanAnswer } from '../../shared/api.ts'
import { describe } from '../../shared/describe.ts'
import type { MigrationEvent, StepInfo } from '../../shared/event.ts'
import { ProgressFold } from '../../shared/fold.ts'
import { printable } from '../../shared/printable.ts'
import type { TableProgress } from '../../shared/progress.ts'
import type { Hook, MigrationOptions, Selection, TableRule } from '../../shared/request.ts'
import { Curve } from '../../shared/speeds.ts'
import { showName, type TableName, tableKey } from '../../shared/table-name.ts'
import { migrate } from '../migrate/migrate.ts'
import type { Plan } from '../migrate/plan/types.ts'
import type { Migration } from '../migrate/request.ts'
import { errorInfo, PgtrekError, PlanRefused } from '../postgres/errors.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import { openLogFile, redact } from '../runs/log-file.ts'
import type { History } from '../store/history.ts'
import type { RunLog } from '../store/log.ts'
import { NoMemory, type RunMemory } from '../store/run-memory.ts'
import type { RunEnds, RunStore } from '../store/runs.ts'
import { tellMistake } from '../system/output.ts'
import { confirmationOf, planAnswer } from './plan-answer.ts'

export interface JobRequest {
  source: ConnectionSettings
  destination: ConnectionSettings
  selection: Selection
  tables: readonly TableRule[]
  hooks: readonly Hook[]
  options: MigrationOptions
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

/** What does it: the engine's run, or the one with which following begins. It ends with the event of its end. */
export type Work = (migration: Migration) => Promise<unknown>

/** `soon`: the next tick is early enough. `now`: the state has changed. */
export type Urgency = 'soon' | 'now'

/** A process that is killed loses no more of its curve. */
const betweenSpeedsKeptMs = 10_000

export class Job {
  readonly id = crypto.randomUUID().slice(0, 8)
  /** Never rejects. */
  readonly done: Promise<void>
  isRunning = true
  readonly log = new JobLog()
  readonly #fold = new ProgressFold()
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
    readonly work: Work = migrate,
  ) {
    const logFile = openLogFile(stores.logDirectory, this.id, {
      onFailure: (error) => this.#say('warn', `the log file ended: ${error.message}`),
    })
    try {
      const { source, destination, shown } = request
      stores.log.forgetOld()
      stores.history.remember(this.id, shown)
      const memory = this.#begin({ source, destination })
      this.done = this.#run(memory, logFile).finally(() => logFile.close())
    } catch (error) {
      logFile.close()
      throw error
    }
  }

  cancel() {
    if (this.#stop.signal.aborted) return
    this.#say('warn', 'stopping: what is half done is taken back')
    this.#stop.abort()
    this.onChange('now')
  }

  /** All of it. */
  full(now: number): Omit<JobProgress, 'log'> {
    const { settled_tables: _, ...overview } = this.#fold.overview(now)
    return {
      ...overview,
      tables: this.#fold.progress(now).tables,
      running: this.isRunning,
      id: this.id,
      request: this.request.shown,
      ...(this.#plan && { plan: this.#plan }),
      speeds: this.#curve.speeds,
      ...(!this.isRunning && { summary: this.#fold.summary(now) }),
    }
  }

  /** Only the tables that have changed since this was called last. */
  changes(now: number): Omit<JobProgress, 'log'> {
    const { settled_tables: _, ...overview } = this.#fold.overview(now)
    const tables = new Map<string, TableProgress>()
    for (const [key, name] of this.#changed) {
      const table = this.#fold.table(name)
      if (table) tables.set(key, { ...table })
    }
    // Their time goes on without an event.
    for (const table of this.#fold.runningTables(now)) tables.set(tableKey(table), table)
    this.#changed = new Map()
    return { ...overview, partial: true, tables: [...tables.values()], running: this.isRunning, id: this.id }
  }

  /** The speed of this moment, for those who come later. */
  keepSpeed(now: number) {
    this.#curve.add({ ...this.#fold.overview(now), running: this.isRunning })
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

  /** A dry run has its place in the history, but is none that another could go on with. */
  #begin(ends: RunEnds): RunMemory {
    const { store } = this.stores
    const { dryRun, resume } = this.request.options
    const earlier = dryRun && resume ? store.unfinished(ends) : undefined
    const memory = store.begin(this.id, ends)
    return dryRun ? new NoMemory(earlier) : memory
  }

  async #run(memory: RunMemory, logFile: ReturnType<typeof openLogFile>) {
    const { source, destination } = this.request
    const { database } = this.stores.store
    if (database.trouble !== undefined) this.#say('warn', database.trouble)
    using _ = database.tell((message) => this.#say('warn', message))
    for (const warning of [...source.warnings, ...destination.warnings]) this.#say('warn', warning)
    try {
      await this.work({
        ...this.request,
        run: this.id,
        memory,
        signal: this.#stop.signal,
        onEvent: (event) => {
          logFile.event(event)
          this.#take(event)
        },
        onPlan: (plan) => {
          if (!this.request.options.dryRun) return
          this.#plan = planAnswer(plan)
          this.stores.history.rememberPlan(this.id, this.#plan)
        },
        confirm: (plan) => isConfirmed(plan, this.request.confirmed),
      })
    } catch (error) {
      // The engine tells of failures in events: whatever else comes here is a mistake of ours.
      if (!(error instanceof PgtrekError)) tellMistake(error)
      this.#take({ type: 'finished', at: Date.now(), status: 'failed', error: errorInfo(error) })
    }
    try {
      this.stores.store.end(this.id, this.#fold.summary(Date.now()))
    } catch (error) {
      tellMistake(error)
      this.#say('error', `the result could not be stored: ${errorInfo(error).message}`)
    }
    this.isRunning = false
    this.onChange('now')
  }

  #take(event: MigrationEvent) {
    this.#fold.apply(event)
    const table = tableOf(event)
    if (table) this.#changed.set(tableKey(table), table)
    // Those that wait are to be seen too, before their turn comes.
    if (event.type === 'planned')
      for (const planned of event.tables) this.#changed.set(tableKey(planned), planned)
    const rows = event.type === 'step_finished' && table ? this.#fold.table(table)?.migrated_rows : undefined
    const message = describe(event, rows)
    if (message) this.#say(message.level, message.text, objectOf(event), event.at)
    if (event.type === 'started' || event.type === 'planned') this.onChange('now')
    else if (event.type !== 'finished') this.onChange('soon')
  }

  #say(level: LogLine['level'], text: string, table?: string, at = Date.now()) {
    this.log.add({ at, level, message: redact(text), ...(table !== undefined && { table }) })
  }
}

/** Throws a PlanRefused that says what to do, since whoever asked is a page or a script. */
function isConfirmed(plan: Plan, confirmed: boolean | string): boolean {
  if (confirmed === true || confirmed === confirmationOf(plan)) return true
  const count = plan.destroyed.length
  throw new PlanRefused(
    typeof confirmed === 'string'
      ? 'the destination has changed since the plan was shown: what would be dropped or emptied is something else now. Nothing was changed; look at the plan again'
      : `${count} ${count === 1 ? 'object' : 'objects'} of the destination would be dropped or emptied (${shownNames(plan)}). Nothing was changed; look at the plan and confirm it`,
  )
}

function shownNames({ destroyed }: Plan): string {
  const names = destroyed.slice(0, 5).map((one) => printable(showName(one)))
  return names.join(', ') + (destroyed.length > 5 ? ', ...' : '')
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
