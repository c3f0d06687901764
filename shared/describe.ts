// Events in words, for the log, the terminal and the page.

import { placeInCopy } from './error-info.ts'
import type { ErrorInfo, LogLevel, MigrationEvent, RowsLeft, StepInfo } from './event.ts'
import { formatBytes, formatCount, formatDuration, formatRows } from './format.ts'
import { printable } from './printable.ts'
import { say } from './say.ts'
import { showName } from './table-name.ts'

export interface Message {
  level: LogLevel
  text: string
}

/** Undefined for an event that only updates numbers; `rows`: the rows that a ROWS step has copied. */
export function describe(event: MigrationEvent, rows = 0): Message | undefined {
  switch (event.type) {
    case 'started':
      return { level: 'info', text: say`reading the catalogs` }
    case 'planned':
      return { level: 'info', text: describePlan(event) }
    case 'step_started':
      return { level: 'debug', text: say`${describeStep(event.step)} started` }
    case 'step_finished':
      return describeFinished(event.step, event.seconds, rows)
    case 'step_failed':
      return {
        level: 'error',
        text: event.incomplete
          ? `${describeStep(event.step)}: ${describeFailure(event)}`
          : say`${describeStep(event.step)} failed: ${describeFailure(event)}`,
      }
    case 'step_skipped':
      return { level: 'info', text: say`${describeStep(event.step)} skipped: ${event.reason}` }
    case 'warning':
      return { level: 'warn', text: event.message }
    case 'log':
      return {
        level: event.level,
        text: event.object ? `${printable(event.object)}: ${event.message}` : event.message,
      }
    case 'finished':
      return describeEnd(event)
    case 'collided':
      return { level: 'debug', text: describeCollisions(event) }
    case 'verified':
      return describeVerified(event)
    case 'rows':
    case 'copied_by':
    case 'workers':
      return undefined
  }
}

/** `index public.users_email`, `rows of public.users` */
export function describeStep(step: StepInfo): string {
  return describeObject(step.kind, step)
}

/** The kind in the words of users: `foreign key`, not the archive's `FK CONSTRAINT`. */
export function describeObject(kind: string, object: { schema?: string | undefined; name: string }): string {
  const name = printable(showName(object))
  if (kind === 'LARGE OBJECTS') return say`large objects`
  if (kind === 'ROWS') return say`rows of ${name}`
  if (kind === 'RELATED ROWS') return say`rows of ${name} related by foreign keys`
  return `${kind === 'FK CONSTRAINT' ? 'foreign key' : kind.toLowerCase()} ${name}`
}

/** Everything that helps to understand a failure, in one readable text. */
export function describeError({ message, sqlstate, detail, hint, context }: ErrorInfo): string {
  const parts = [sqlstate ? `${message} (SQLSTATE ${sqlstate})` : message]
  const place = describePlace(context)
  if (place) parts.push(place)
  if (detail) parts.push(`Detail: ${detail}`)
  if (hint) parts.push(`Hint: ${hint}`)
  return parts.map(asSentence).join(' ')
}

/** The value of the failing row is in the log. */
function describePlace(context: string | undefined): string | undefined {
  const { row, column } = placeInCopy(context)
  if (row === undefined) return undefined
  return `The failing row is number ${formatRows(row)} of the rows sent${column ? `, column ${column}` : ''}`
}

/** The error, and its effect on rows that existed before. */
export function describeFailure({
  step,
  error,
  left = [],
  incomplete,
}: Extract<MigrationEvent, { type: 'step_failed' }>): string {
  const said = incomplete
    ? say`it exists, but this was refused: ${describeError(error)}`
    : describeError(error)
  if (left.length === 0) return said
  const own = step.table && showName(step.table)
  const facts = left.map(
    (table) => `${showName(table) === own ? 'The table' : printable(showName(table))} ${stateOf(table)}`,
  )
  const text = facts.join(', ')
  return `${asSentence(said, 0, [said, text])} ${text}.`
}

function stateOf({ rows, estimated }: RowsLeft): string {
  if (rows === 0) return 'is empty'
  return `kept its ${estimated ? 'about ' : ''}${formatCount(rows, 'row')}`
}

function asSentence(part: string, index: number, parts: string[]): string {
  const isLast = index === parts.length - 1
  return isLast || /[.!?:;]\s*$/.test(part) ? part.trimEnd() : `${part.trimEnd()}.`
}

function describePlan({ tables, steps }: Extract<MigrationEvent, { type: 'planned' }>): string {
  const rows = tables.reduce((sum, table) => sum + Math.max(0, table.rows), 0)
  const bytes = tables.reduce((sum, table) => sum + Math.max(0, table.bytes), 0)
  const count = Object.values(steps).reduce((sum, phase) => sum + phase, 0)
  return say`planned ${formatCount(count, 'step')} for ${formatCount(tables.length, 'table')}, about ${formatRows(rows)} rows, ${formatBytes(bytes)}`
}

function describeFinished(step: StepInfo, seconds: number, rows: number): Message {
  const took = formatDuration(seconds)
  if (step.kind === 'ROWS') {
    return {
      level: 'info',
      text: say`${printable(showName(step.table ?? step))}: ${formatCount(rows, 'row')} in ${took}`,
    }
  }
  const what = describeStep(step)
  const isBuilt = step.phase === 'indexes'
  return { level: 'debug', text: isBuilt ? say`${what} built in ${took}` : say`${what} done in ${took}` }
}

function describeCollisions({ table, key, values }: Extract<MigrationEvent, { type: 'collided' }>): string {
  const rows = values.map((row) => `(${row.map((value) => value ?? 'null').join(', ')})`)
  return printable(
    say`${showName(table)}: ${formatCount(values.length, 'row')} left out, since these keys exist: (${key.join(', ')}) = ${rows.join(', ')}`,
  )
}

function describeVerified({ compared, different }: Extract<MigrationEvent, { type: 'verified' }>): Message {
  const tables = formatCount(compared, 'table')
  return different.length === 0
    ? { level: 'info', text: say`verified: the rows of ${tables} are the same on both servers` }
    : { level: 'error', text: say`verified: of ${tables}, ${different.length} differ` }
}

function describeEnd({ status, error }: Extract<MigrationEvent, { type: 'finished' }>): Message {
  const text = status.replaceAll('_', ' ')
  if (status === 'completed') return { level: 'info', text }
  const level = status === 'failed' ? 'error' : 'warn'
  return { level, text: error ? `${text}: ${describeError(error)}` : text }
}
