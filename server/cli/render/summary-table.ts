// The end of a run as text and columns.
import { describeObject } from '../../../shared/describe.ts'
import { formatBytes, formatCount, formatDuration, formatRows } from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import type { Summary } from '../../../shared/summary.ts'
import { showName } from '../../../shared/table-name.ts'
import { columnLines } from './columns.ts'
import type { Style } from './style.ts'
import { printableLines, wrap } from './text.ts'

type Table = Summary['tables'][number]

/** Of more tables than this, only the largest and the failed ones are listed. */
const allTables = 40
const largestTables = 20
const mostWarnings = 10
const mostNamesPerReason = 5
const mostNamesAtEnd = 3

/** No line is wider than `width`, which is infinite for a file or a pipe. */
export function summaryLines(summary: Summary, width: number, style: Style): string[] {
  const isRefused = wasRefused(summary)
  const sections = [
    isRefused ? [] : tableSection(summary.tables, width, style),
    isRefused ? [] : phaseSection(summary.phases, width, style),
    warningSection(summary.warnings, width, style),
    skippedSection(summary.skipped, width, style),
    failedSection(summary.failed, width, style),
    wrap(closingLine(summary, style), width),
  ].filter((section) => section.length > 0)
  return sections.flatMap((section) => ['', ...section])
}

/** Refused before the start: columns of zeros would only hide the reason. */
function wasRefused({ status, tables, phases, failed }: Summary): boolean {
  const isNothingDone = tables.every((table) => table.status !== 'completed' && table.status !== 'failed')
  return status === 'failed' && failed.length === 0 && isNothingDone && phases.every(({ done }) => done === 0)
}

/** The result in one line. */
export function closingLine(summary: Summary, style: Style): string {
  const whole = summary.tables.filter((table) => table.status === 'completed')
  const took = formatDuration(summary.elapsed_seconds)
  const tables = formatCount(whole.length, 'table')
  const leftOut = sum(whole, 'collided')
  const amount = `${formatCount(sum(whole, 'rows'), 'row')}, ${formatBytes(sum(whole, 'bytes'))} in ${tables}`
  const remark =
    leftOut > 0 ? ` ${formatCount(leftOut, 'row')} left out: their keys exist on the destination.` : ''
  switch (summary.status) {
    case 'completed':
      if (summary.planned) return `Dry run in ${took}: nothing was written. ${plannedText(summary.planned)}`

      return `${style.good('Done')} in ${took}: ${amount}.${remark}`
    case 'completed_with_failures': {
      const failures =
        summary.failed.length > 0
          ? formatCount(summary.failed.length, 'failure')
          : `${formatCount(summary.skipped.length, 'object')} left out`
      return `${style.caution(`Finished with ${failures}`)} in ${took}: ${amount}.${remark}${failedNames(summary.failed)}`
    }
    case 'cancelled':
      return `${style.caution('Cancelled')} after ${took}: ${amount} were complete.`
    case 'failed': {
      const reason = summary.error ? printable(summary.error) : `${amount} were complete.`
      return `${style.bad('Failed')} after ${took}: ${reason}`
    }
  }
}

function plannedText({ tables, rows, bytes }: NonNullable<Summary['planned']>): string {
  return `Planned: about ${formatCount(rows, 'row')}, ${formatBytes(bytes)} in ${formatCount(tables, 'table')}.`
}

/** The last failure comes first: a terminal may show only the last lines. */
function failedNames(failed: Summary['failed']): string {
  if (failed.length === 0) return ''
  const names = failed.toReversed().map((object) => printable(describeObject(object.kind, object)))
  const hidden = names.length - mostNamesAtEnd
  const more = hidden > 0 ? ` and ${formatRows(hidden)} more` : ''
  return ` Failed: ${names.slice(0, mostNamesAtEnd).join(', ')}${more}.`
}

function tableSection(tables: Table[], width: number, style: Style): string[] {
  if (tables.length === 0) return []
  const bySize = tables.toSorted((one, other) => other.bytes - one.bytes || other.rows - one.rows)
  const isLong = tables.length > allTables
  const shown = bySize.filter((table, index) => !isLong || index < largestTables || table.status === 'failed')
  const listed = new Set(shown)
  const hidden = bySize.filter((table) => !listed.has(table))
  const rows = shown.map(tableCells)
  if (hidden.length > 0) {
    const name = `and ${formatRows(hidden.length)} more`
    const collided = sum(hidden, 'collided')
    rows.push([
      name,
      formatRows(sum(hidden, 'rows')),
      collided > 0 ? formatRows(collided) : '',
      formatBytes(sum(hidden, 'bytes')),
      '',
      '',
    ])
  }
  const titles = ['Table', 'Rows', 'Left out', 'Bytes', 'Copy', 'Indexes']
  const leftOut = titles.indexOf('Left out')
  const isShown = rows.some((cells) => cells[leftOut] !== '')
  const pick = (cells: string[]) => (isShown ? cells : cells.toSpliced(leftOut, 1))
  return columnLines(pick(titles), rows.map(pick), width, style)
}

function tableCells(table: Table): string[] {
  const name = printable(showName(table))
  if (table.status !== 'completed') return [name, table.status, '', '', '', '']
  return [
    name,
    formatRows(table.rows),
    table.collided > 0 ? formatRows(table.collided) : '',
    formatBytes(table.bytes),
    formatDuration(table.seconds),
    table.index_seconds > 0 ? formatDuration(table.index_seconds) : '',
  ]
}

function phaseSection(phases: Summary['phases'], width: number, style: Style): string[] {
  const rows = phases.map((phase) => [
    phase.phase,
    phase.total > 0 ? formatRows(phase.done) : '',
    phase.failed > 0 ? formatRows(phase.failed) : '',
    phase.skipped > 0 ? formatRows(phase.skipped) : '',
    formatDuration(phase.wall_seconds),
    formatDuration(phase.cumulative_seconds),
  ])
  const titles = ['Phase', 'Done', 'Failed', 'Skipped', 'Time', 'Added up']
  // Empty columns are omitted; the total time is the least important.
  const used = titles.map((_, index) => rows.some((row) => row[index] !== ''))
  const pick = (cells: string[]) => cells.filter((_, index) => used[index])
  return rows.length === 0 ? [] : columnLines(pick(titles), rows.map(pick), width, style)
}

function warningSection(warnings: string[], width: number, style: Style): string[] {
  const counts = Map.groupBy(warnings, (warning) => warning)
  if (counts.size === 0) return []
  const items = Array.from(counts, ([warning, times]) => {
    return times.length > 1 ? `${warning} (${formatRows(times.length)} times)` : warning
  })
  const title = style.caution(formatCount(counts.size, 'warning'))
  return [title, ...list(items, mostWarnings, width)]
}

function skippedSection(skipped: Summary['skipped'], width: number, style: Style): string[] {
  if (skipped.length === 0) return []
  const reasons = Map.groupBy(skipped, ({ reason }) => reason)
  const items = Array.from(reasons, ([reason, objects]) => {
    const names = objects.slice(0, mostNamesPerReason).map((object) => describeObject(object.kind, object))
    const hidden = objects.length - names.length
    if (hidden > 0) names.push(`and ${formatRows(hidden)} more`)
    return `${reason}: ${names.join(', ')}`
  })
  const title = style.caution(`${formatRows(skipped.length)} skipped`)
  return [title, ...list(items, items.length, width)]
}

function failedSection(failed: Summary['failed'], width: number, style: Style): string[] {
  if (failed.length === 0) return []
  const items = failed.map((object) => `${describeObject(object.kind, object)}: ${object.error}`)
  return [style.bad(`${formatRows(failed.length)} failed`), ...list(items, items.length, width)]
}

function list(items: string[], most: number, width: number): string[] {
  const lines = items.slice(0, most).flatMap((item) => {
    return printableLines(item).flatMap((line, index) => {
      return wrap(`${index === 0 ? '  ' : '    '}${line}`, width, '    ')
    })
  })
  const hidden = items.length - most
  if (hidden > 0) lines.push(`  and ${formatRows(hidden)} more`)
  return lines
}

function sum(tables: Table[], field: 'rows' | 'collided' | 'bytes'): number {
  return tables.reduce((total, table) => total + table[field], 0)
}
