// A past run in words.
import type { PastMigration } from '../../shared/api.ts'
import { durationText, rowsText, t } from '../i18n/index.ts'

export type Kind = 'dry' | 'copy' | 'refresh'

export function kindOf({ dry_run, schedule }: Pick<PastMigration, 'dry_run' | 'schedule'>): Kind {
  if (dry_run) return 'dry'
  return schedule === null ? 'copy' : 'refresh'
}

export function kindText(past: Pick<PastMigration, 'dry_run' | 'schedule'>): string {
  const kind = t(`history.kind.${kindOf(past)}`)
  return past.schedule === null ? kind : `${kind}: ${past.schedule}`
}

/** A dry run completes without completing anything. */
export function resultText({ status, dry_run }: Pick<PastMigration, 'status' | 'dry_run'>): string {
  if (!dry_run) return t(`run.result.${status}`)
  return status === 'completed' ? t('history.dryRun') : `${t('history.dryRun')}: ${t(`run.result.${status}`)}`
}

/** What was copied and what was not: `5 of 6 tables, 40,500 rows · 1 failed`. */
export function sizeText({ size, dry_run }: Pick<PastMigration, 'size' | 'dry_run'>): string {
  if (!size) return ''
  const [tables, complete, rows] = [size.tables, size.complete, size.rows].map(rowsText)
  const values = { tables: tables ?? '', complete: complete ?? '', rows: rows ?? '' }
  const copied = size.complete === size.tables ? t('history.whole', values) : t('history.partly', values)
  return [
    dry_run ? t('history.planned', values) : copied,
    size.failed > 0 ? t('history.failed', { count: rowsText(size.failed) }) : '',
    size.skipped > 0 ? t('history.skipped', { count: rowsText(size.skipped) }) : '',
  ]
    .filter(Boolean)
    .join(' · ')
}

/** The difference to the run before between the same databases; empty where there is nothing to compare. */
export function differenceText({ size, seconds, before }: PastMigration): string {
  if (!size || seconds === null) return ''
  if (!before) return t('history.first')
  const rows = size.rows - before.size.rows
  const more = { rows: rowsText(Math.abs(rows)) }
  const later = seconds - before.seconds
  const time = { time: durationText(Math.abs(later)) }
  return [
    rows === 0 ? t('history.same') : t(rows > 0 ? 'history.rowsMore' : 'history.rowsFewer', more),
    // Below half a second and a twentieth it says nothing.
    Math.abs(later) < Math.max(0.5, before.seconds / 20)
      ? t('history.asFast')
      : t(later < 0 ? 'history.faster' : 'history.slower', time),
  ].join(', ')
}

export function tookText({
  started_at,
  finished_at,
  seconds,
}: Pick<PastMigration, 'started_at' | 'finished_at' | 'seconds'>): string {
  if (seconds !== null) return durationText(seconds)
  if (finished_at === null) return ''
  return durationText((new Date(finished_at).getTime() - new Date(started_at).getTime()) / 1000)
}

/** Neither complete nor still running. */
export function isIncomplete({ status }: Pick<PastMigration, 'status'>): boolean {
  return status !== 'completed' && status !== 'running'
}
