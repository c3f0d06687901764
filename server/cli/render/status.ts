// The state of a move as text for people, and as one line for logs.
import { isOver, secondsSince } from '../../../shared/follow-health.ts'
import type { FollowView, StreamView } from '../../../shared/follow-view.ts'
import { formatDuration, formatPercent, formatRows } from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import { showName } from '../../../shared/table-name.ts'
import { clock, dateAndClock } from './clock.ts'
import { columnLines } from './columns.ts'
import { reportLines } from './follow-text.ts'
import {
  appliedText,
  changedTables,
  changesOf,
  choicesOf,
  concernLines,
  conflictFacts,
  conflictOf,
  copyFacts,
  isCopying,
  lagText,
  processText,
  rateText,
  readyText,
  slotText,
  spilledText,
  stageWords,
  stateWords,
  switchoverText,
  toneOf,
  verificationText,
  watchText,
} from './follow-words.ts'
import type { Style } from './style.ts'
import { pad, wrap } from './text.ts'

const labelWidth = 11
/** With more tables than this, only those with the most changes are listed. */
const mostTables = 40

/** No line is wider than `width`, which is infinite for a file or a pipe. */
export function statusLines(view: FollowView, now: number, width: number, style: Style): string[] {
  return joinSections([
    headSection(view, now, width, style),
    ...view.streams.map((stream) => streamSection(view, stream, width)),
    tableSection(view, width, style),
    conflictSection(view, width, style),
    failedSection(view, width, style),
    reportSection(view, width, style),
    concernLines(view, now, style).flatMap((line) => wrap(line, width)),
  ])
}

/** Everything except the tables, the most important first. */
export function detailLines(view: FollowView, now: number, width: number, style: Style): string[] {
  return joinSections([
    reportSection(view, width, style),
    concernLines(view, now, style).flatMap((line) => wrap(line, width)),
    failedSection(view, width, style),
    headSection(view, now, width, style),
    ...view.streams.map((stream) => streamSection(view, stream, width)),
  ])
}

function joinSections(sections: string[][]): string[] {
  const shown = sections.filter((section) => section.length > 0)
  return shown.flatMap((section, index) => (index === 0 ? section : ['', ...section]))
}

/** `09:03:27 shop: streaming, running, lag 12 kB, 0.3 s, 120 rows/s, ready to switch over` */
export function statusLine(view: FollowView, now: number): string {
  const [stream] = view.streams
  const flow = stream ? [`lag ${lagText(stream)}`, rateText(view, stream)] : []
  const copy = isCopying(view) && view.copy ? [formatPercent(view.copy.overall_percent)] : []
  const readiness = view.stage === 'done' ? [] : [readyText(view, now).text]
  const facts = [stageWords[view.stage], stateWords[view.state], ...copy, ...flow, ...readiness]
  return `${clock(now)} ${printable(view.name)}: ${facts.join(', ')}`
}

function headSection(view: FollowView, now: number, width: number, style: Style): string[] {
  const state = style[toneOf(view)](stateWords[view.state])
  const began = `${dateAndClock(view.started_at)} (${formatDuration(secondsSince(view.started_at, now))} ago)`
  const age = formatDuration(secondsSince(view.updated_at, now))
  const both = view.bidirectional ? ', both ways' : view.direction === 'back' ? ', back' : ''
  const lines: [string, string][] = [
    ['from', printable(view.source)],
    ['to', printable(view.destination)],
    ['process', processText(view)],
    ['since', began],
    ['tables', `${formatRows(view.tables)} followed${both}`],
  ]
  if (isOver(view)) lines.push(['as of', `${dateAndClock(view.updated_at)} (${age} ago)`])
  if (isCopying(view) && view.copy) {
    lines.push(['copied', `${formatPercent(view.copy.overall_percent)}, ${copyFacts(view).join(', ')}`])
  }
  const verification = verificationText(view)
  if (verification && !isOver(view)) lines.push(['compared', verification])
  if (view.stage !== 'done') {
    const { green, text } = readyText(view, now)
    lines.push(['switchover', (green ? style.good : style.caution)(text)])
  }
  const watch = watchText(view)
  if (watch) lines.push(['watched', watch])
  if (view.switchover && view.switchover.state !== 'done') {
    lines.push(['', switchoverText(view.switchover, now)])
  }
  const title = `${style.bold(printable(view.name))}: ${stageWords[view.stage]}, ${state}`
  return [...wrap(title, width), ...lines.flatMap(([label, text]) => labelled(label, text, width))]
}

function streamSection(view: FollowView, stream: StreamView, width: number): string[] {
  const { status } = stream
  const way = stream.direction === 'forward' ? 'to the destination' : 'back to the source'
  const lines: [string, string][] = [
    ['changes', `${way}: ${status.phase}`],
    ['lag', lagText(stream)],
    ['rate', rateText(view, stream)],
    ['applied', `${appliedText(stream)}, safe on disk up to ${status.durable}`],
  ]
  const spilled = spilledText(stream)
  if (spilled) lines.push(['waiting', spilled])
  const slot = slotText(view, stream)
  if (slot) lines.push(['slot', slot])
  return lines.flatMap(([label, text]) => labelled(label, text, width))
}

function labelled(label: string, text: string, width: number): string[] {
  return wrap(`  ${pad(label, labelWidth)} ${text}`, width, ' '.repeat(labelWidth + 3))
}

function tableSection(view: FollowView, width: number, style: Style): string[] {
  const tables = changedTables(view).toSorted((one, other) => changesOf(other) - changesOf(one))
  if (tables.length === 0) return []
  const shown = tables.slice(0, mostTables)
  const truncated = shown.some(({ truncates }) => truncates > 0)
  const titles = ['Table', 'Inserts', 'Updates', 'Deletes', ...(truncated ? ['Truncates'] : [])]
  const rows = shown.map((table) => [
    (table.arrow === 'back' ? `${style.signs.back} ` : '') + printable(showName(table)),
    formatRows(table.inserts),
    formatRows(table.updates),
    formatRows(table.deletes),
    ...(truncated ? [formatRows(table.truncates)] : []),
  ])
  const hidden = tables.length - shown.length
  const more = hidden > 0 ? wrap(style.dim(`and ${formatRows(hidden)} more (--json has all)`), width) : []
  return [...columnLines(titles, rows, width, style), ...more]
}

function conflictSection(view: FollowView, width: number, style: Style): string[] {
  const conflict = conflictOf(view)
  if (!conflict) return []
  const name = printable(view.name)
  const choices = choicesOf(conflict).map(({ command, text }) => `  pgtrek ${command} ${name}: ${text}`)
  return [
    style.bad('Conflict: changes wait for a decision'),
    ...conflictFacts(conflict).flatMap((line) => wrap(`  ${line}`, width, '    ')),
    `Choices, also in "pgtrek tui ${name}":`,
    ...choices,
  ].flatMap((line) => wrap(line, width))
}

function failedSection({ failed_tables: failed }: FollowView, width: number, style: Style): string[] {
  if (failed.length === 0) return []
  const title = style.bad(`${formatRows(failed.length)} not copied, and not followed`)
  const lines = failed.map((table) => printable(`${showName(table)}: ${table.error}`))
  const hint = 'fix the cause, then run "pgtrek recopy": it copies them while the move continues'
  return [...wrap(title, width), ...[...lines, hint].flatMap((line) => wrap(`  ${line}`, width, '    '))]
}

function reportSection({ switchover }: FollowView, width: number, style: Style): string[] {
  if (!switchover?.report) return []
  const at = dateAndClock(Date.parse(switchover.report.finished_at))
  const lines = reportLines(switchover.report).map(printable)
  return [style.good(at), ...lines.flatMap((line) => wrap(line, width, /^\s*/.exec(line)?.[0].padEnd(4)))]
}
