// The health of a followed database by its view and the present time. A view remains when its process has ended: its
// cutover readiness, for example, is not true any more then.

import type { FollowView, SlotView, StreamView } from './follow-view.ts'
import { describeForeignWrites } from './foreign-writes.ts'
import { formatBytes, formatCount, formatDuration, formatRows } from './format.ts'
import { describeLate } from './late-writes.ts'
import { say } from './say.ts'
import { describeSkipped } from './skipped.ts'
import { describeStorageFailure } from './storage-failure.ts'
import { showName } from './table-name.ts'

export interface Concern {
  level: 'warn' | 'error'
  text: string
}

/** A running process publishes its view at least every few seconds. */
const silentAfterSeconds = 10
/** A slot that retains more log than this is a warning. */
const muchRetained = 1024 ** 3
const mostNames = 3

export function secondsSince(at: number, now: number): number {
  return Math.max(0, (now - at) / 1000)
}

/** No process runs it: its numbers are those of `updated_at`. */
export function isOver({ state }: FollowView): boolean {
  return state === 'stopped' || state === 'failed' || state === 'lost'
}

/** Its process has not ended, and has published nothing for a while. */
export function isSilent(view: FollowView, now: number): boolean {
  return !isOver(view) && secondsSince(view.updated_at, now) >= silentAfterSeconds
}

/** Nothing needs an action: `status` exits with 0. */
export function isHealthy(view: FollowView): boolean {
  if (view.state === 'failed' || view.state === 'lost' || view.state === 'conflict') return false
  if (lateLines(view).length > 0) return false
  if ((view.skipped ?? []).length > 0 || view.foreign_writes) return false
  return view.failed_tables.length === 0 && !view.streams.some(({ slot }) => slot?.lost !== undefined)
}

/** Cutover readiness at present. */
export function readinessNow(view: FollowView, now: number): { green: boolean; reasons: string[] } {
  if (isOver(view)) return { green: false, reasons: [reasonOf(view)] }
  if (isSilent(view, now)) return { green: false, reasons: [silence(view, now)] }
  if (view.ready.green && view.state === 'running') return { green: true, reasons: [] }
  const reasons = view.ready.reasons.length > 0 ? view.ready.reasons : [reasonOf(view)]
  return { green: false, reasons }
}

function reasonOf({ state }: FollowView): string {
  switch (state) {
    case 'running':
      return say`it is still catching up`
    case 'paused':
      return say`it is paused`
    case 'waiting':
      return say`it is waiting to connect again`
    case 'conflict':
      return say`it is stopped at a conflict`
    default:
      return noProcess(state)
  }
}

function noProcess(state: 'stopped' | 'failed' | 'lost'): string {
  if (state === 'failed') return say`no process is running: it is failed`
  if (state === 'lost') return say`no process is running: it is lost`
  return say`no process is running: it is stopped`
}

/** Errors first, then warnings. */
export function concernsOf(view: FollowView, now: number): Concern[] {
  const concerns = [
    ...stateConcerns(view, now),
    ...view.streams.flatMap((stream) => slotConcerns(view, stream)),
    ...copyConcerns(view),
    ...skippedConcerns(view),
    ...foreignConcerns(view),
    ...lateLines(view).map((text): Concern => ({ level: 'error', text })),
    ...storageConcerns(view),
    ...[...new Set(view.warnings)].map((text): Concern => ({ level: 'warn', text })),
  ]
  return [
    ...concerns.filter(({ level }) => level === 'error'),
    ...concerns.filter(({ level }) => level === 'warn'),
  ]
}

function storageConcerns({ storage_failure: failure }: FollowView): Concern[] {
  return failure ? [{ level: 'warn', text: describeStorageFailure(failure) }] : []
}

function stateConcerns(view: FollowView, now: number): Concern[] {
  const concerns: Concern[] = []
  const error = view.last_error?.message
  const ago = formatDuration(secondsSince(view.updated_at, now))
  if (view.state === 'lost') {
    concerns.push({
      level: 'error',
      text: say`its process ended unexpectedly; the numbers are ${ago} old`,
    })
  } else if (view.state === 'failed') {
    concerns.push({ level: 'error', text: error ? say`it failed: ${error}` : say`it failed` })
  } else if (view.state === 'waiting') {
    concerns.push({
      level: 'warn',
      text: error
        ? say`a connection was lost, reconnecting: ${error}`
        : say`a connection was lost, reconnecting`,
    })
  }
  if (isSilent(view, now)) concerns.push({ level: 'error', text: silence(view, now) })
  const { switchover } = view
  if (switchover?.state === 'failed') {
    const failed = switchover.error
      ? say`the switchover failed at "${switchover.step}": ${switchover.error.message}`
      : say`the switchover failed at "${switchover.step}"`
    const left = switchover.left ?? []
    const text = left.length > 0 ? say`${failed}. Not as before: ${left.join('; ')}` : failed
    concerns.push({ level: 'error', text })
  }
  if (switchover?.state === 'running' && isOver(view)) {
    concerns.push({ level: 'error', text: endedInSwitchover(view, switchover.options.read_only_source) })
  }
  return concerns
}

/** The view does not show the outcome, because the process ended first. */
function endedInSwitchover(view: FollowView, isReadOnly: boolean): string {
  const side = view.direction === 'forward' ? view.source : view.destination
  return say`it ended during a switchover${isReadOnly ? say`, and ${side} may be read-only` : ''}: check the servers with "pgtrek status --source URL --dest URL", then recover and continue with "pgtrek follow"`
}

function silence(view: FollowView, now: number): string {
  return say`no status from its process for ${formatDuration(secondsSince(view.updated_at, now))}`
}

/** The end of a move that a stream reads from. */
export function sideOf({ direction }: Pick<StreamView, 'direction'>): 'source' | 'destination' {
  return direction === 'forward' ? 'source' : 'destination'
}

/** Whether a process reads the slot. The view of a process that has ended still shows it as active. */
export function isRead(view: FollowView, slot: SlotView): boolean {
  return slot.active && !isOver(view)
}

function slotConcerns(view: FollowView, stream: StreamView): Concern[] {
  const { slot } = stream
  if (!slot) return []
  const side = sideOf(stream)
  if (slot.lost !== undefined) {
    const text = say`the slot ${slot.name} on the ${side} is lost: ${slot.lost || say`its log is gone`}. Changes are missing; a new copy is needed`
    return [{ level: 'error', text }]
  }
  const kept = formatBytes(slot.retained_bytes)
  const concerns: Concern[] = []
  if (slot.endangered) {
    const text = say`the ${side} is about to invalidate the slot ${slot.name}, for which it keeps ${kept} of log (max_slot_wal_keep_size)`
    concerns.push({ level: 'error', text })
  }
  if (!isRead(view, slot) && stream.status.phase !== 'connecting') {
    const what = isOver(view)
      ? say`until "pgtrek follow" continues or "pgtrek cleanup" drops it`
      : say`until it is read`
    const text = say`no process reads the slot ${slot.name}: the ${side} keeps ${kept} of log for it, and more with every change, ${what}`
    concerns.push({ level: 'warn', text })
  } else if (slot.retained_bytes >= muchRetained && !slot.endangered) {
    concerns.push({
      level: 'warn',
      text: say`the ${side} keeps ${kept} of log on its disk for the slot ${slot.name}`,
    })
  }
  return concerns
}

export function describeUndone(reason: string, left: readonly string[]): string {
  return left.length === 0
    ? say`the switchover did not happen, everything is as before: ${reason}`
    : say`the switchover did not happen: ${reason}. Not as before: ${left.join('; ')}`
}

/** Late writes of the old primary, or why they are unknown. */
export function lateLines({ late_writes: late, watch }: FollowView): string[] {
  return [...(late ? describeLate(late) : []), ...(watch?.trouble ? [watch.trouble] : [])]
}

/** Switched over; the process only watches the old primary. */
export function isWatchOnly(view: FollowView): boolean {
  return view.stage === 'done' && !isOver(view) && view.watch?.until !== undefined
}

function skippedConcerns({ skipped = [] }: FollowView): Concern[] {
  const text = describeSkipped(skipped)
  return text === undefined ? [] : [{ level: 'error', text }]
}

function foreignConcerns({ foreign_writes: found }: FollowView): Concern[] {
  return found ? [{ level: 'error', text: describeForeignWrites(found) }] : []
}

function copyConcerns({ failed_tables: failed, tables }: FollowView): Concern[] {
  if (failed.length === 0) return []
  const names = failed.slice(0, mostNames).map(showName)
  if (failed.length > mostNames) names.push(say`and ${formatRows(failed.length - mostNames)} more`)
  const count = `${formatRows(failed.length)} of ${formatCount(tables + failed.length, 'table')}`
  return [
    { level: 'error', text: say`${count} could not be copied and are not followed: ${names.join(', ')}` },
  ]
}
