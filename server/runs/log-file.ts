// The log file of one run: JSON lines, one for each event worth keeping.

import { join, resolve } from 'node:path'
import { pino } from 'pino'
import type { LogLevel, MigrationEvent, StepInfo } from '../../shared/event.ts'
import type { FollowLogLine } from '../../shared/follow-view.ts'
import { showName } from '../../shared/table-name.ts'
import { LogOutput, type LogOutputOptions } from './log-output.ts'

export interface LogFile extends Disposable {
  readonly path: string
  event(event: MigrationEvent): void
  /** Writes a line that is not an event of a migration. */
  line(line: FollowLogLine): void
  close(): void
}

export interface LogFileOptions extends Omit<LogOutputOptions, 'missing'> {
  /** Part of the file name, with the run. */
  at?: Date
}

/** Throws a UsageError if the file cannot be created: better before the run than during it. */
export function openLogFile(directory: string, run: string, options: LogFileOptions = {}): LogFile {
  const { at = new Date(), ...how } = options
  const path = join(resolve(directory), fileName(at, run))
  const lineOf = linesOf(run)
  const output = new LogOutput(path, {
    ...how,
    missing: (count) =>
      lineOf('log', Date.now(), {
        level: 'warn',
        message: `the file could not be written: lines missing here: ${count}`,
      }),
  })
  const rows = new RowCounts()
  const close = () => output.close()
  return {
    path,
    event(event) {
      const entry = output.isOpen ? entryOf(event, rows) : undefined
      if (entry) output.add(lineOf(event.type, event.at, entry))
    },
    line({ at: time, level, message }) {
      if (output.isOpen) output.add(lineOf('follow', time, { level, message }))
    },
    close,
    [Symbol.dispose]: close,
  }
}

/** In a compiled executable pino cannot start its worker thread, so it only formats the lines. */
function linesOf(run: string) {
  let text = ''
  const logger = pino(
    {
      level: 'debug',
      base: { run },
      timestamp: false,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redact },
    },
    {
      write(line: string) {
        text = line
      },
    },
  )
  return (type: string, at: number, { level, message, ...fields }: Entry): string => {
    logger[level]({ time: new Date(at).toISOString(), type, ...fields }, message)
    return text
  }
}

/** Hides passwords in the text of a line. Events contain none; this is the last resort. */
export function redact(line: string): string {
  return line
    .replace(passwordInUrl, '$1***@')
    .replace(passwordInSql, "$1'***'")
    .replace(passwordInSettings, '$1***')
}

// The line is JSON: a backslash and the next character are one character of the value.
const passwordInUrl = /(postgres(?:ql)?:\/\/[^\s:@/"\\]*:)(?:\\.|[^\s"\\])*@/gi
const passwordInSql = /(\bpassword\s*=?\s*)'(?:''|[^'])*'/gi
const passwordInSettings = /(\b(?:ssl)?password=)(?!')(?:\\.|[^\s&"'\\])+/gi

interface Entry {
  level: LogLevel
  message?: string
  [field: string]: unknown
}

/** Undefined for `rows`: the end of the table has the sum, and workers have their own lines. */
function entryOf(event: MigrationEvent, rows: RowCounts): Entry | undefined {
  switch (event.type) {
    case 'started':
      return { level: 'info' }
    case 'planned':
      return planEntry(event)
    case 'rows':
      rows.set(event.table, event)
      return undefined
    case 'copied_by':
    case 'workers':
      return undefined
    case 'verified':
      return {
        level: event.different.length > 0 ? 'error' : 'info',
        compared: event.compared,
        different: event.different,
      }
    case 'collided':
      return { level: 'warn', table: showName(event.table), key: event.key, values: event.values }
    case 'step_started':
      return { level: 'debug', ...stepFields(event.step) }
    case 'step_finished':
      return { level: 'info', ...stepFields(event.step), seconds: event.seconds, ...rows.take(event.step) }
    case 'step_failed':
      rows.take(event.step)
      return failureEntry(event)
    case 'step_skipped':
      return { level: 'warn', ...stepFields(event.step), reason: event.reason }
    case 'warning':
      return { level: 'warn', message: event.message }
    case 'log':
      return { level: event.level, object: event.object, message: event.message }
    case 'finished':
      return finishEntry(event)
  }
}

function planEntry({ tables, steps, warnings }: Extract<MigrationEvent, { type: 'planned' }>): Entry {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0)
  return { level: 'info', tables: tables.length, rows, bytes, steps, warnings }
}

function failureEntry({ step, error }: Extract<MigrationEvent, { type: 'step_failed' }>): Entry {
  const { message, ...fields } = error
  return { level: 'error', ...stepFields(step), ...fields, message }
}

function finishEntry({ status, error }: Extract<MigrationEvent, { type: 'finished' }>): Entry {
  const level = status === 'failed' ? 'error' : status === 'completed' ? 'info' : 'warn'
  return error ? { level, status, ...error } : { level, status }
}

function stepFields({ id, phase, kind, table, ...object }: StepInfo) {
  return { step: id, phase, kind, object: showName(object), table: table && showName(table) }
}

/** The latest count of each table that is being copied. */
class RowCounts {
  readonly #counts = new Map<string, { rows: number; bytes: number }>()

  set(table: { schema: string; name: string }, { rows, bytes }: { rows: number; bytes: number }): void {
    this.#counts.set(showName(table), { rows, bytes })
  }

  /** The rows of a ROWS step, removed from the counts; undefined for other steps. */
  take(step: StepInfo): { rows: number; bytes: number } | undefined {
    if (step.kind !== 'ROWS') return undefined
    const name = showName(step.table ?? step)
    const count = this.#counts.get(name) ?? { rows: 0, bytes: 0 }
    this.#counts.delete(name)
    return count
  }
}

function fileName(at: Date, run: string): string {
  const time = at.toISOString().slice(0, 19).replaceAll(':', '-')
  return `${time}-${run.replace(/[^\w.-]/g, '_')}.jsonl`
}
