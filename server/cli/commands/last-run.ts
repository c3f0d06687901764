// The last plain migration that a state directory remembers, for those who ask how it went.

import type { PastMigrationDetails } from '../../../shared/api.ts'
import { printable } from '../../../shared/printable.ts'
import { History } from '../../store/history.ts'
import type { StateDatabase } from '../../store/state-database.ts'
import { exitCode } from '../exit.ts'
import { dateAndClock } from '../render/clock.ts'
import type { Style } from '../render/style.ts'
import { closingLine } from '../render/summary-table.ts'
import { wrap } from '../render/text.ts'

export function lastRun(database: StateDatabase): PastMigrationDetails | undefined {
  const history = new History(database)
  const [last] = history.list({ limit: 1, offset: 0 })
  return last && history.find(last.id)
}

export function lastRunLines(run: PastMigrationDetails, width: number, style: Style): string[] {
  const began = dateAndClock(Date.parse(run.started_at))
  const ended = run.finished_at ? `, ended ${dateAndClock(Date.parse(run.finished_at))}` : ''
  const lines = [
    `No database is followed. The last run, ${run.id}, began ${began}${ended}:`,
    `  from ${printable(run.source)}`,
    `  to   ${printable(run.destination)}`,
    run.summary ? closingLine(run.summary, style) : `It is ${stateOf(run)}.`,
  ]
  return lines.flatMap((line) => wrap(line, width))
}

export function lastRunCode({ status }: PastMigrationDetails): number {
  return status === 'completed' || status === 'running' ? exitCode.done : exitCode.failures
}

function stateOf({ status }: PastMigrationDetails): string {
  if (status === 'interrupted')
    return 'interrupted: its process ended without a word; "pgtrek clone --resume" goes on'
  return status === 'running' ? 'still under way' : status
}
