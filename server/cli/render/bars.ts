// One frame of the live view: two lines for the whole run, then one for each running table or step.
import { describeStep } from '../../../shared/describe.ts'
import type { Overview, ProgressFold } from '../../../shared/fold.ts'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  formatRows,
} from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import type { TableProgress } from '../../../shared/progress.ts'
import { showName } from '../../../shared/table-name.ts'
import type { Style } from './style.ts'
import { fit, pad, widthOf } from './text.ts'

export interface FrameSize {
  columns: number
  rows: number
}

const mostRunning = 8

export function frame(fold: ProgressFold, now: number, size: FrameSize, style: Style): string[] {
  // The last column stays empty: some terminals wrap as soon as it is written.
  const width = Math.max(1, size.columns - 1)
  const overview = fold.overview(now)
  const room = Math.max(0, Math.min(mostRunning, size.rows - 4))
  if (!fold.isPlanned) return [readingLine(overview, width, style)]
  return [...overallLines(overview, width, style), ...runningLines(fold, now, { room, width, style })]
}

function readingLine(overview: Overview, width: number, style: Style): string {
  const facts = ['reading the catalogs', formatDuration(overview.elapsed_seconds)]
  return style.dim(joinFitting(facts, width, style.signs.separator))
}

function overallLines(overview: Overview, width: number, style: Style): string[] {
  const facts = joinFitting(factsOf(overview), width, style.signs.separator)
  const percent = pad(formatPercent(overview.overall_percent), 4, 'right')
  const left = leftText(overview)
  const barWidth = width - widthOf(percent) - 1 - (left ? widthOf(left) + 2 : 0)
  const line =
    barWidth < 5
      ? fit(`${percent} ${left}`, width)
      : `${style.bold(percent)} ${bar(overview.overall_percent, barWidth, style)}${left ? `  ${left}` : ''}`
  return [line, style.dim(facts)]
}

function leftText({ remaining_seconds: seconds }: Overview): string {
  if (seconds === undefined) return ''
  return `${formatDuration(Math.round(seconds)).replace('.0 s', ' s')} left`
}

/** In the order of importance: a narrow terminal shows only as many as fit. */
function factsOf(overview: Overview): string[] {
  const elapsed = formatDuration(overview.elapsed_seconds)
  const facts: string[] = [overview.current_phase]
  if (overview.failed.length > 0) facts.push(`${formatRows(overview.failed.length)} failed`)
  facts.push(formatCount(overview.migrated_rows, 'row'), formatBytes(overview.migrated_bytes))
  if (overview.bytes_per_second > 0) facts.push(formatRate(overview.bytes_per_second))
  if (overview.table_count > 0) {
    facts.push(`${formatRows(overview.settled_tables)} of ${formatCount(overview.table_count, 'table')}`)
  }
  facts.push(elapsed)
  return facts
}

export function joinFitting(parts: string[], width: number, separator: string): string {
  let line = fit(parts[0] ?? '', width)
  for (const part of parts.slice(1)) {
    const longer = line + separator + part
    if (widthOf(longer) > width) break
    line = longer
  }
  return line
}

interface Place {
  room: number
  width: number
  style: Style
}

function runningLines(fold: ProgressFold, now: number, place: Place): string[] {
  const tables = fold.runningTables(now)
  const steps = Array.from(fold.runningSteps).filter(({ step }) => step.kind !== 'ROWS')
  const count = tables.length + steps.length
  const room = count > place.room ? place.room - 1 : place.room
  const shownTables = tables.slice(0, Math.max(0, room))
  const shownSteps = steps.slice(0, Math.max(0, room - shownTables.length))
  const lines = [
    ...tableLines(shownTables, place),
    ...shownSteps.map(({ step, at }) => stepLine(describeStep(step), (now - at) / 1000, place)),
  ]
  if (count > lines.length && place.room > 0) {
    const more = fit(`  and ${formatRows(count - lines.length)} more`, place.width)
    lines.push(place.style.dim(more))
  }
  return lines
}

function tableLines(tables: TableProgress[], { width, style }: Place): string[] {
  const names = tables.map((table) => printable(showName(table)))
  const tails = alignRight(tables.map((table) => tableTail(table, width)))
  const nameRoom = Math.max(8, Math.floor(width * 0.45))
  const nameWidth = Math.min(nameRoom, Math.max(0, ...names.map(widthOf)))
  return tables.map((table, index) => {
    const tail = tails[index] ?? ''
    const name = pad(names[index] ?? '', nameWidth)
    const barWidth = Math.min(30, width - 2 - nameWidth - 2 - widthOf(tail) - 1)
    if (barWidth < 4) return fit(`  ${name} ${tail}`, width)
    return `  ${name} ${bar(table.percent, barWidth, style)} ${tail}`
  })
}

function tableTail(table: TableProgress, width: number): string {
  // Without an estimate the percentage would stay at zero and look stuck.
  const percent = pad(table.percent > 0 ? formatPercent(table.percent) : '', 4, 'right')
  if (width < 56) return percent
  const rows = formatCount(table.migrated_rows, 'row')
  return width < 72 ? `${percent}  ${rows}` : `${percent}  ${rows}  ${formatDuration(table.copy_seconds)}`
}

function alignRight(texts: string[]): string[] {
  const width = Math.max(0, ...texts.map(widthOf))
  return texts.map((text) => pad(text, width, 'right'))
}

function stepLine(label: string, seconds: number, { width, style }: Place): string {
  const elapsed = formatDuration(seconds)
  const room = width - 2 - 2 - widthOf(elapsed)
  if (room < 4) return fit(`  ${label}`, width)
  return `  ${fit(label, room)}  ${style.dim(elapsed)}`
}

export function bar(percent: number, width: number, { signs, good, accent, dim }: Style): string {
  const cells = (Math.min(100, Math.max(0, percent)) / 100) * width
  const full = Math.floor(cells)
  const half = full < width && cells - full >= 0.5 ? signs.half : ''
  const rest = signs.empty.repeat(width - full - half.length)
  return (percent >= 100 ? good : accent)(signs.full.repeat(full) + half) + dim(rest)
}
