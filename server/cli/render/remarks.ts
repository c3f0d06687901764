// Which events are printed as a line at which level, and how that line looks.
import { describe, type Message } from '../../../shared/describe.ts'
import type { MigrationEvent } from '../../../shared/event.ts'
import type { ProgressFold } from '../../../shared/fold.ts'
import type { Style } from './style.ts'
import { printableLines, wrap } from './text.ts'

export const verbosities = ['quiet', 'normal', 'verbose'] as const
export type Verbosity = (typeof verbosities)[number]

/** With more tables than this, only slow or unusual ones get a line. */
const manyTables = 100

/** Seconds after which a step is printed also without --verbose. */
const longStep = 1

/** The lines for an event, which the fold has already processed. */
export function remarks(event: MigrationEvent, fold: ProgressFold, level: Verbosity): Message[] {
  // The summary follows immediately and contains it.
  if (event.type === 'finished') return []
  if (level !== 'verbose' && isRoutine(event, fold)) return []
  return messagesOf(event, fold).filter((message) => isWorthALine(event, message, level))
}

/** One message as lines of the terminal. */
export function remarkLines({ level, text }: Message, width: number, style: Style, done = false): string[] {
  const [first = '', ...others] = printableLines(text)
  const sign = done ? `${style.signs.done} ` : prefixes[level]
  const lines = [wrap(sign + first, width), ...others.map((line) => wrap(`  ${line}`, width))].flat()
  if (level === 'debug') return lines.map(style.dim)
  if (sign === '') return lines
  const paint = level === 'error' ? style.bad : level === 'warn' ? style.caution : style.good
  return lines.map((line, index) => {
    return index === 0 && line.startsWith(sign) ? paint(sign) + line.slice(sign.length) : line
  })
}

const prefixes = { error: 'error: ', warn: 'warning: ', info: '', debug: '' }

function messagesOf(event: MigrationEvent, fold: ProgressFold): Message[] {
  const table = event.type === 'step_finished' && event.step.table ? fold.table(event.step.table) : undefined
  const message = describe(event, table?.migrated_rows)
  const warnings = event.type === 'planned' ? event.warnings : []
  return [...(message ? [message] : []), ...warnings.map((text): Message => ({ level: 'warn', text }))]
}

/** There may be a hundred thousand of these events, so they are not even formatted. */
function isRoutine(event: MigrationEvent, fold: ProgressFold): boolean {
  if (event.type === 'step_started' || event.type === 'rows') return true
  if (event.type !== 'step_finished' || event.seconds >= longStep) return false
  return event.step.kind !== 'ROWS' || fold.tableCount > manyTables
}

function isWorthALine(event: MigrationEvent, message: Message, level: Verbosity): boolean {
  if (message.level === 'warn' || message.level === 'error' || level === 'verbose') return true
  if (level === 'quiet') return false
  // The summary lists what was skipped because of a failure, under one reason.
  if (event.type === 'step_skipped') return false
  return event.type === 'step_finished' || message.level === 'info'
}
