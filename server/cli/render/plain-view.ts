// Plain lines for log files, pipes and continuous integration: nothing is redrawn.
import type { Message } from '../../../shared/describe.ts'
import { ProgressFold } from '../../../shared/fold.ts'
import { formatBytes, formatDuration, formatPercent, formatRate, formatRows } from '../../../shared/format.ts'
import { harmless } from '../../system/output.ts'
import { remarkLines, remarks } from './remarks.ts'
import type { TerminalStream } from './screen.ts'
import { styleFor } from './style.ts'
import { closingLine, summaryLines } from './summary-table.ts'
import type { View, ViewOptions } from './view-types.ts'

const betweenLines = 5_000

export function plainView(stream: TerminalStream, options: ViewOptions = {}, progress = true): View {
  const { level = 'normal', environment, now = Date.now, interval = betweenLines } = options
  const style = styleFor(stream.isTTY === true, environment)
  const fold = new ProgressFold()
  const timer = progress && level !== 'quiet' ? setInterval(printProgress, interval) : undefined
  timer?.unref()
  const held: Message[] = []
  let isPaused = false

  function print(lines: string[]): void {
    if (lines.length > 0) stream.write(`${harmless(lines.join('\n'))}\n`)
  }

  function printRemark(remark: Message): void {
    if (isPaused) held.push(remark)
    else print(remarkLines(remark, Number.POSITIVE_INFINITY, style))
  }

  function printProgress(): void {
    if (isPaused) return
    const line = progressLine(fold, now())
    if (line) print([line])
  }

  return {
    event(event) {
      fold.apply(event)
      for (const remark of remarks(event, fold, level)) printRemark(remark)
      if (event.type === 'finished') clearInterval(timer)
    },
    say(text, level = 'info') {
      printRemark({ level, text })
    },
    pause() {
      isPaused = true
      return {
        [Symbol.dispose]() {
          isPaused = false
          for (const remark of held.splice(0)) printRemark(remark)
        },
      }
    },
    end(summary) {
      clearInterval(timer)
      print(level === 'quiet' ? [closingLine(summary, style)] : summaryLines(summary, width(), style))
    },
    [Symbol.dispose]() {
      clearInterval(timer)
    },
  }

  function width(): number {
    return stream.isTTY ? (stream.columns || 80) - 1 : Number.POSITIVE_INFINITY
  }
}

function progressLine(fold: ProgressFold, now: number): string | undefined {
  const overview = fold.overview(now)
  if (overview.status !== 'running' || overview.elapsed_seconds === 0) return undefined
  const elapsed = `${formatDuration(overview.elapsed_seconds)} elapsed`
  if (!fold.isPlanned) return `reading the catalogs: ${elapsed}`
  const facts = [
    `${formatRows(overview.migrated_rows)} rows`,
    formatBytes(overview.migrated_bytes),
    ...(overview.bytes_per_second > 0 ? [formatRate(overview.bytes_per_second)] : []),
    `${formatRows(overview.settled_tables)} of ${formatRows(overview.table_count)} tables`,
    ...(overview.failed.length > 0 ? [`${formatRows(overview.failed.length)} failed`] : []),
    elapsed,
    ...(overview.remaining_seconds === undefined
      ? []
      : [`${formatDuration(overview.remaining_seconds)} left`]),
  ]
  return `${formatPercent(overview.overall_percent)} (${overview.current_phase}): ${facts.join(', ')}`
}
