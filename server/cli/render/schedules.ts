// Schedules as text.
import { formatDuration } from '../../../shared/format.ts'
import type {
  Schedule,
  ScheduleDetails,
  ScheduleEntry,
  ScheduleTiming,
} from '../../../shared/schedule-api.ts'

export function listLines(list: readonly Schedule[], now: number): string[] {
  if (list.length === 0) return ['no schedules: create one with "pgtrek schedule add"']
  return list.flatMap((schedule) => [
    `${schedule.name}: profile ${schedule.profile}, ${timingWords(schedule.timing)}, ${schedule.zone}`,
    `  next: ${nextWords(schedule, now)}`,
    `  last: ${schedule.last ? entryWords(schedule.last, schedule.zone) : 'none yet'}`,
    ...problemLines(schedule).map((line) => `  ${line}`),
  ])
}

export function detailsLines(details: ScheduleDetails, now: number): string[] {
  const { retries, retry_minutes: pause, keep_runs: keep, notify } = details
  return [
    ...listLines([details], now),
    `  from ${details.source ?? '(profile deleted)'} to ${details.destination ?? '(profile deleted)'}`,
    `  retries: ${retries === 0 ? 'none' : `${retries}, after ${pause} min each`}`,
    `  missed runs: ${details.on_missed === 'once' ? 'caught up once' : 'reported, not run'}`,
    `  success: ${details.success === 'complete' ? 'everything is copied' : 'also when some objects have failed'}`,
    `  history: ${keep === null ? 'keeps all runs' : `keeps the last ${keep} runs`}`,
    `  notifications: ${notify ? `${notify.host} (${notify.format}), on ${notify.on.join(' and ')}` : 'none'}`,
    `  confirmed: ${details.confirmation ? `may drop or empty objects of ${details.confirmation.destination}` : 'no; runs that drop or empty objects are refused'}`,
    ...(details.entries.length > 0 ? ['', 'past runs, latest first:'] : []),
    ...details.entries.map((entry) => `  ${entryWords(entry, details.zone)}`),
  ]
}

export function previewLines(next: readonly string[], zone: string, now: number): string[] {
  return next.map((at) => `${timeIn(at, zone)}  ${inWords(at, now)}`)
}

/** What needs the user's attention. */
function problemLines({ profile, profile_state: state, confirmation_void: isVoid }: Schedule): string[] {
  if (state === 'deleted') return [`warning: profile "${profile}" was deleted: no run starts`]
  if (state === 'ends_changed') {
    return [
      `warning: profile "${profile}" has another source or destination now: no run starts until the schedule is saved again`,
    ]
  }
  if (isVoid) {
    return [
      `warning: profile "${profile}" has changed since the confirmation, which does not hold any more: runs that drop or empty objects are refused`,
    ]
  }
  return []
}

function nextWords({ enabled, next_at: at, zone }: Schedule, now: number): string {
  if (!enabled || at === null) return 'disabled'
  return `${timeIn(at, zone)} (${inWords(at, now)})`
}

function entryWords(entry: ScheduleEntry, zone: string): string {
  const { due_at: at, state, trigger, message, runs } = entry
  const how = { due: '', caught_up: ', caught up', by_hand: ', by hand' }[trigger]
  const which = runs.length > 0 ? ` [${runs.join(', ')}]` : ''
  return `${timeIn(at, zone)}${how}: ${state}${state === 'succeeded' ? '' : `: ${message}`}${which}`
}

function timingWords(timing: ScheduleTiming): string {
  return 'cron' in timing ? `cron "${timing.cron}"` : `every ${formatDuration(timing.every_minutes * 60)}`
}

function inWords(at: string, now: number): string {
  return `in ${formatDuration(Math.max(0, (Date.parse(at) - now) / 1000))}`
}

/** 2026-03-29 03:30:00 GMT+2 */
function timeIn(at: string, zone: string): string {
  const text = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(new Date(at))
  const name = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'shortOffset' })
    .formatToParts(new Date(at))
    .find(({ type }) => type === 'timeZoneName')?.value
  return `${text} ${name ?? ''}`.trim()
}
