// Times of schedules, in their zone and from now.
import { durationText, language, t } from '../i18n/index.ts'

export function zonedText(iso: string, zone: string): string {
  return new Intl.DateTimeFormat(language(), {
    timeZone: zone,
    weekday: 'short',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(new Date(iso))
}

export function fromNowText(iso: string): string {
  const seconds = Math.max(0, (Date.parse(iso) - Date.now()) / 1000)
  return t('schedules.inTime', { time: durationText(seconds < 60 ? seconds : Math.round(seconds / 60) * 60) })
}
