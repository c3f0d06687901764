// A past run in words.

import type { PastMigration } from '../../shared/api.ts'
import { durationText, t } from '../i18n/index.ts'

/** A dry run completes without completing anything. */
export function resultText({ status, dry_run }: Pick<PastMigration, 'status' | 'dry_run'>): string {
  if (!dry_run) return t(`run.result.${status}`)
  return status === 'completed' ? t('history.dryRun') : `${t('history.dryRun')}: ${t(`run.result.${status}`)}`
}

export function tookText({
  started_at,
  finished_at,
}: {
  started_at: string
  finished_at: string | null
}): string {
  if (finished_at === null) return ''
  return durationText((new Date(finished_at).getTime() - new Date(started_at).getTime()) / 1000)
}
