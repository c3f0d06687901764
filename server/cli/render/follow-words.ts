// The texts about a followed database, for `status` and the dashboard.
import type { FollowConflict, TableChanges } from '../../../shared/follow.ts'
import {
  concernsOf,
  isOver,
  isRead,
  readinessNow,
  secondsSince,
  sideOf,
} from '../../../shared/follow-health.ts'
import type { FollowStage, FollowState, FollowView, StreamView } from '../../../shared/follow-view.ts'
import { formatBytes, formatCount, formatDuration, formatRows } from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import type { SwitchoverStep, SwitchoverView } from '../../../shared/switchover.ts'
import { showName } from '../../../shared/table-name.ts'
import { dateAndClock } from './clock.ts'
import type { Style } from './style.ts'

export const stageWords: Record<FollowStage, string> = {
  preflight: 'preflight',
  schema: 'schema',
  copy: 'copy',
  catchup: 'catch-up',
  streaming: 'streaming',
  switchover: 'switchover',
  done: 'done',
}

export const stateWords: Record<FollowState, string> = {
  running: 'running',
  paused: 'paused',
  waiting: 'waiting for a connection',
  conflict: 'conflict',
  stopped: 'stopped',
  failed: 'failed',
  lost: 'lost',
}

export const stepWords: Record<SwitchoverStep, string> = {
  check: 'checking whether the switchover is possible',
  read_only: 'making the old primary read-only',
  sentinel: 'waiting for confirmation of the sentinel',
  quiet: 'checking for sessions that still write',
  sequences: 'setting sequences',
  large_objects: 'copying large objects that changed',
  compare: 'comparing both sides',
  reverse: 'preparing the return',
  report: 'writing the report',
  materialized_views: 'refreshing materialized views after the handover',
}

export type Tone = 'good' | 'caution' | 'bad'

export function toneOf({ state, stage, late_writes: late }: FollowView): Tone {
  if (late) return 'bad'
  if (state === 'running' || (state === 'stopped' && stage === 'done')) return 'good'
  return state === 'paused' || state === 'waiting' || state === 'stopped' ? 'caution' : 'bad'
}

/** `12 kB, 0.3 s` */
export function lagText({ status }: StreamView): string {
  const { lagBytes, lagMilliseconds } = status
  const time = lagMilliseconds > 0 ? `, ${formatDuration(lagMilliseconds / 1000)}` : ''
  return `${formatBytes(lagBytes)}${time}`
}

/** `12 of 14 tables compared up to 0/3A5F210, comparing app.orders; left for the switchover: ...` */
export function verificationText({ verification }: FollowView): string | undefined {
  if (!verification) return undefined
  const { tables, checked, position, running, changed_rows: changed, whole_tables: whole } = verification
  const up = position === undefined ? '' : ` up to ${position}`
  const left = [
    ...(whole > 0 ? [`${formatCount(whole, 'table')} whole${bytesOf(verification.whole_bytes)}`] : []),
    ...(changed > 0 ? [`${formatCount(changed, 'changed key')}`] : []),
  ]
  const seconds = verification.window_seconds
  return [
    `${formatRows(checked)} of ${formatCount(tables, 'table')} compared by checksum${up}`,
    ...(running ? [`comparing ${printable(showName(running))}`] : []),
    `left for the switchover: ${left.join(' and ') || 'nothing'}${seconds === undefined ? '' : `, about ${formatDuration(seconds)}`}`,
    ...(verification.note ? [printable(verification.note)] : []),
  ].join('; ')
}

function bytesOf(bytes: number): string {
  return bytes > 0 ? ` (${formatBytes(bytes)})` : ''
}

export function isBeforeRows({ stage }: FollowView): boolean {
  return stage === 'preflight' || stage === 'schema' || stage === 'copy'
}

/** The current rate; none when no process reads the stream. */
export function rateText(view: FollowView, { status }: StreamView): string {
  if (isOver(view)) return 'not streaming'
  return `${perSecond(status.rowsPerSecond, 'row')}, ${perSecond(status.transactionsPerSecond, 'transaction')}`
}

function perSecond(rate: number, what: string): string {
  const shown = rate > 0 && rate < 10 ? rate.toFixed(1) : formatRows(rate)
  return `${shown} ${what}s/s`
}

export function appliedText({ status }: StreamView): string {
  return `${formatCount(status.rows, 'row')} in ${formatCount(status.transactions, 'transaction')}`
}

/** `pgtrek_shop: read, keeps 16 MB of the source's log` */
export function slotText(view: FollowView, stream: StreamView): string {
  const { slot } = stream
  if (!slot) return ''
  const reading = slot.lost !== undefined ? 'lost' : isRead(view, slot) ? 'being read' : 'not being read'
  const kept = `keeps ${formatBytes(slot.retained_bytes)} of the ${sideOf(stream)}'s log`
  return printable(`${slot.name}: ${reading}, ${kept}${slot.endangered ? ', endangered' : ''}`)
}

export function readyText(view: FollowView, now: number): { green: boolean; text: string } {
  const { green, reasons } = readinessNow(view, now)
  const { since } = view.ready
  const time = since === undefined ? '' : `, for ${formatDuration(secondsSince(since, now))}`
  return green
    ? { green, text: `ready to switch over${time}` }
    : { green, text: printable(`not ready: ${reasons.join('; ')}`) }
}

/** Whether a switchover or a return is possible in this stage. */
export function canSwitch(view: FollowView): boolean {
  return view.stage !== 'done' || view.streams.length > 0
}

export function processText({ process }: FollowView): string {
  return process ? `${process.pid} on ${printable(process.host)}` : 'none'
}

export function spilledText({ status }: StreamView): string {
  return status.spilledBytes > 0 ? `${formatBytes(status.spilledBytes)} of open transactions on disk` : ''
}

export function changesOf(table: TableChanges): number {
  return table.inserts + table.updates + table.deletes + table.truncates
}

/** Of all streams; with the direction when both are followed. */
export function changedTables(view: FollowView): (TableChanges & { arrow?: 'forward' | 'back' })[] {
  const both = view.streams.length > 1
  return view.streams.flatMap(({ direction, status }) =>
    status.tables
      .filter((table) => changesOf(table) > 0)
      .map((table) => (both ? { ...table, arrow: direction } : table)),
  )
}

export function concernLines(view: FollowView, now: number, style: Style): string[] {
  return concernsOf(view, now).map(({ level, text }) => {
    const sign = level === 'error' ? style.bad('error: ') : style.caution('warning: ')
    return sign + printable(text)
  })
}

export function conflictOf(view: FollowView): FollowConflict | undefined {
  return view.streams.find(({ status }) => status.conflict)?.status.conflict
}

/** What happened, one fact a line. */
export function conflictFacts(conflict: FollowConflict): string[] {
  const table = conflict.table ? ` ${showName(conflict.table)}` : ''
  const key = Object.entries(conflict.key ?? {}).map(([name, value]) => `${name} = ${value ?? 'null'}`)
  const row = key.length > 0 ? `, row ${key.join(', ')}` : ''
  const { error } = conflict
  const lines = [
    `${statementWords[conflict.statement]}${table}${row}`,
    ...(conflict.problems.length > 0 ? conflict.problems : [conflict.message]),
    ...(error ? [`server error: ${error.message}${error.sqlstate ? ` (${error.sqlstate})` : ''}`] : []),
    ...(error?.detail ? [error.detail] : []),
    `transaction ${conflict.xid}, committed ${dateAndClock(Date.parse(conflict.committedAt))} at ${conflict.lsn}`,
  ]
  return lines.map(printable)
}

const statementWords: Record<FollowConflict['statement'], string> = {
  insert: 'insert into',
  update: 'update of',
  delete: 'delete from',
  truncate: 'truncate of',
  relation: 'columns of',
  commit: 'commit',
}

export interface Choice {
  action: 'retry' | 'skip' | 'apply_schema'
  /** On the dashboard. */
  key: string
  command: string
  text: string
}

export function choicesOf(conflict: FollowConflict): Choice[] {
  const choices: Choice[] = [
    { action: 'retry', key: 't', command: 'retry', text: 'retry, after fixing the destination' },
    { action: 'skip', key: 'k', command: 'skip', text: 'skip the whole transaction' },
  ]
  if (conflict.statement === 'relation') {
    choices.push({
      action: 'apply_schema',
      key: 'a',
      command: 'apply-schema',
      text: 'apply the change of the source table',
    })
  }
  return choices
}

/** `postgres@old:5432/shop for late writes, until 2026-11-27 18:00:00` */
export function watchText(view: FollowView): string | undefined {
  const { watch } = view
  if (!watch || isOver(view)) return undefined
  const until =
    watch.until === undefined ? 'as long as changes flow back' : `until ${dateAndClock(watch.until)}`
  return printable(`${watch.place} for late writes, ${until}`)
}

export function copyFacts(view: FollowView): string[] {
  const { copy } = view
  if (!copy) return []
  const facts: string[] = [copy.current_phase]
  if (copy.failed.length > 0) facts.push(`${formatRows(copy.failed.length)} failed`)
  facts.push(formatCount(copy.rows, 'row'))
  facts.push(
    copy.total_bytes > 0
      ? `${formatBytes(copy.bytes)} of ${formatBytes(copy.total_bytes)}`
      : formatBytes(copy.bytes),
  )
  if (!isOver(view) && copy.bytes_per_second > 0) facts.push(`${formatBytes(copy.bytes_per_second)}/s`)
  facts.push(`${formatRows(copy.tables_done)} of ${formatCount(copy.tables, 'table')}`)
  return facts
}

export function isCopying(view: FollowView): boolean {
  return view.copy !== undefined && isBeforeRows(view)
}

/** `5 of 9: setting sequences, 12 s left` */
export function switchoverText(switchover: SwitchoverView, now: number): string {
  const { state, step, deadline, started_at: startedAt } = switchover
  if (state === 'failed') {
    const reason = switchover.error ? `: ${switchover.error.message}` : ''
    return printable(`failed at "${stepWords[step]}"${reason}`)
  }
  if (state === 'done') return 'done'
  const left = deadline !== undefined && step === 'sentinel' ? (deadline - now) / 1000 : undefined
  const time =
    left === undefined
      ? `${formatDuration(secondsSince(startedAt, now))} so far`
      : `gives up in ${formatDuration(Math.max(0, left))}`
  return `${stepWords[step]}, ${time}`
}
