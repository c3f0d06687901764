// What views show of a followed database, kept up to date from events.

import { describe } from '../../shared/describe.ts'
import type { ErrorInfo } from '../../shared/error-info.ts'
import type { MigrationEvent } from '../../shared/event.ts'
import { ProgressFold } from '../../shared/fold.ts'
import type { Direction, FollowEvent } from '../../shared/follow.ts'
import type { FollowOptions } from '../../shared/follow-options.ts'
import type {
  CopyOverview,
  FollowLogLine,
  FollowStage,
  FollowState,
  FollowView,
  RecopyView,
  SlotView,
  VerificationView,
} from '../../shared/follow-view.ts'
import { describeForeignWrites } from '../../shared/foreign-writes.ts'
import type { LateWritesView } from '../../shared/late-writes.ts'
import { say } from '../../shared/say.ts'
import { describeSkipped } from '../../shared/skipped.ts'
import type { SwitchoverView } from '../../shared/switchover.ts'
import { errorInfo } from '../postgres/errors.ts'
import type { Following } from '../replication/apply/follower.ts'
import type { FollowRecord } from '../store/follow-memory.ts'
import { describeFollowEvent } from './describe.ts'
import { ViewHistory } from './history.ts'
import type { ObjectsCheck } from './moved-objects.ts'
import { CutoverReadiness, objections } from './readiness.ts'
import {
  firstState,
  next,
  type RunEvent,
  type RunState,
  type RunTransition,
  shownState,
  stageOf,
} from './run-state.ts'

/** Tables that a view names while they are copied. */
const mostRunning = 16

export class FollowStatus {
  switchover: SwitchoverView | undefined
  recopy: RecopyView | undefined
  sequencesRefreshedAt: number | undefined
  changedLargeObjects: number | undefined
  largeObjects = 0
  /** Reasons against a switchover apart from the streams, by their subject. */
  readonly troubles = new Map<string, string>()
  /** The result of the last comparison of both catalogs. */
  objects: ObjectsCheck | undefined
  readonly #followers = new Map<Direction, Following>()
  /** Of the comparison in the current direction. */
  verification: (() => VerificationView) | undefined
  readonly slots = new Map<Direction, SlotView>()
  /** Directions whose source was asked for the end of its log. Without it the lag may be larger than known. */
  readonly knownEnds = new Set<Direction>()
  readonly warnings: string[] = []
  /** On the old primary. */
  lateWrites: LateWritesView | undefined
  watch: FollowView['watch']
  #run: RunState = firstState
  #lastError: ErrorInfo | undefined
  #copy: ProgressFold | undefined
  readonly #history = new ViewHistory()
  readonly #readiness: CutoverReadiness
  readonly #startedAt = Date.now()

  constructor(
    /** The current record of the move. */
    readonly record: () => FollowRecord,
    readonly options: FollowOptions,
    readonly onChange: (urgency: 'soon' | 'now') => void,
    readonly onLine: (line: FollowLogLine) => void = () => {},
    readonly onTransition: (transition: RunTransition) => void = () => {},
  ) {
    this.#readiness = new CutoverReadiness(options)
  }

  say(message: string, level: FollowLogLine['level'] = 'info', at = Date.now()) {
    this.onLine({ at, level, message })
    this.#keep({ at, level, message })
  }

  #keep(line: FollowLogLine) {
    this.#history.keep(line)
    this.onChange('soon')
  }

  warn(message: string) {
    if (this.warnings.includes(message)) return
    this.warnings.push(message)
    this.say(message, 'warn')
  }

  knowObjects(check: ObjectsCheck) {
    this.objects = check
    for (const words of [...check.problems, ...check.remarks]) this.warn(words)
    // The differences include the objects that the copy could not create.
    this.troubles.delete('objects')
  }

  get run(): RunState {
    return this.#run
  }

  get stage(): FollowStage {
    return stageOf(this.#run)
  }

  get state(): FollowState {
    return shownState(this.#run)
  }

  /** Views show the new state before subscribers get the transition. */
  dispatch(event: RunEvent) {
    const before = this.#run
    this.#run = next(before, event)
    if (this.#run === before) return
    this.onChange('now')
    this.onTransition({ event, before, after: this.#run })
  }

  end(state: 'stopped' | 'failed', error?: unknown) {
    if (error !== undefined) this.fail(error)
    this.dispatch(state === 'stopped' ? { type: 'stopped' } : { type: 'failed', error: errorInfo(error) })
  }

  fail(error: unknown) {
    this.#lastError = errorInfo(error)
    this.say(this.#lastError.message, 'error')
  }

  /** Forgets the progress of an earlier copy. */
  beginCopy() {
    this.#copy = undefined
  }

  /** Removes warnings that are not true any more. */
  withdraw(isOver: (warning: string) => boolean) {
    const left = this.warnings.filter((warning) => !isOver(warning))
    this.warnings.splice(0, this.warnings.length, ...left)
  }

  copying(event: MigrationEvent) {
    this.#copy ??= new ProgressFold()
    this.#copy.apply(event)
    const message = describe(event)
    if (message && event.type !== 'rows') {
      this.#keep({ at: event.at, level: levelOf(message.level), message: message.text })
    }
    if (event.type === 'warning') this.warnings.push(event.message)
    if (event.type === 'planned') this.dispatch({ type: 'schema_began' })
    if (event.type === 'step_started' && event.step.kind === 'ROWS') this.dispatch({ type: 'rows_began' })
    this.onChange('soon')
  }

  followed(direction: Direction, event: FollowEvent) {
    const line = describeFollowEvent(event, direction)
    if (line) this.say(line.message, line.level, event.at)
    if (event.type === 'follow_conflict') this.#lastError = { message: event.conflict.message }
    this.#streamsChanged()
    if (event.type === 'follow_progress') this.#noticeCaughtUp(direction)
    this.onChange(event.type === 'follow_progress' ? 'soon' : 'now')
  }

  /** The state of a subscription was read, which copies and applies by itself. */
  nativeChecked({ ready, tables }: { ready: number; tables: number }) {
    this.#streamsChanged()
    if (ready === tables) this.dispatch({ type: 'rows_copied' })
    this.#noticeCaughtUp('forward')
    this.onChange('soon')
  }

  follow(direction: Direction, follower: Following) {
    this.knownEnds.delete(direction)
    this.#followers.set(direction, follower)
    this.#streamsChanged()
  }

  unfollow(direction: Direction) {
    this.#followers.delete(direction)
    this.#streamsChanged()
  }

  get followers(): ReadonlyMap<Direction, Following> {
    return this.#followers
  }

  #streamsChanged() {
    const phases = [...this.#followers.values()].map(({ status }) => status.phase)
    const worst = (['conflict', 'waiting', 'paused'] as const).find((phase) => phases.includes(phase))
    this.dispatch({ type: 'streams_changed', streams: worst ?? 'running' })
  }

  /** `streaming` once it has caught up. A burst of changes does not lead back to `catching_up`. */
  #noticeCaughtUp(direction: Direction) {
    if (direction !== this.record().direction || this.#run.at !== 'catching_up') return
    const status = this.#followers.get(direction)?.status
    if (!status) return
    const isNear = this.knownEnds.has(direction) && status.lagBytes <= this.options.readyLagBytes
    if (isNear && (status.phase === 'streaming' || status.phase === 'catchup'))
      this.dispatch({ type: 'caught_up' })
  }

  /** A server does not answer, before anything streams; undefined: it does again. Each reason is logged once. */
  wait(error: Error | undefined) {
    const isWaiting = 'awaits' in this.#run
    if (!error) {
      if (isWaiting) this.#lastError = undefined
      this.dispatch({ type: 'server_reached' })
      return
    }
    const isNew = !isWaiting || this.#lastError?.message !== error.message
    this.#lastError = errorInfo(error)
    if (isNew) this.say(say`${error.message}; it will be retried`, 'warn')
    this.dispatch({ type: 'server_awaited', error: this.#lastError })
    this.onChange('now')
  }

  /** Why a switchover is refused now, except for reasons that are accepted or that it checks itself. */
  blockers(accepted: readonly string[]): string[] {
    const passed = new Set(['objects', 'foreign writes', ...accepted])
    const troubles = this.#allTroubles().flatMap(([about, words]) => (passed.has(about) ? [] : [words]))
    return objections({ ...this.#watched(), troubles }, this.options).blockers
  }

  #allTroubles(): [about: string, words: string][] {
    const { skipped = [], foreignWrites } = this.record()
    const left = describeSkipped(skipped)
    const troubles = new Map(this.troubles)
    if (left) troubles.set('skipped', left)
    if (foreignWrites) troubles.set('foreign writes', describeForeignWrites(foreignWrites))
    return [...troubles]
  }

  #watched() {
    const { direction, failedTables, tables } = this.record()
    const streams = [...this.#followers].map(([direction, follower]) => {
      const slot = this.slots.get(direction)
      return { direction, status: follower.status, ...(slot && { slot }) }
    })
    return {
      ...{ stage: this.stage, state: this.state, direction, streams },
      failed_tables: failedTables,
      tables: tables.length,
    }
  }

  /** Updates what views show of the past. Called at every change, and at intervals. */
  observe(now: number) {
    const watched = this.#watched()
    const { direction } = this.record()
    this.#history.sample(watched.streams.find((one) => one.direction === direction)?.status, now)
    this.#readiness.observe({ ...watched, troubles: this.#shownTroubles() }, now)
  }

  #shownTroubles(): string[] {
    return [
      ...this.#allTroubles().map(([, words]) => words),
      ...shownProblems(this.objects),
      ...(this.stage === 'streaming' && !this.objects
        ? [say`the objects of both sides are being compared`]
        : []),
    ]
  }

  view(now: number): FollowView {
    const record = this.record()
    const watched = this.#watched()
    const { streams } = watched
    const conflict = streams.find(({ status }) => status.conflict)?.status.conflict
    return {
      ...watched,
      name: record.name,
      source: record.source,
      destination: record.destination,
      started_at: this.#startedAt,
      updated_at: now,
      bidirectional: record.bidirectional,
      ...(this.#copy && { copy: overviewOf(this.#copy, now) }),
      ready: this.#readiness.now({ ...watched, troubles: this.#shownTroubles() }, now),
      sequences: {
        total: record.sequences.length,
        ...(this.sequencesRefreshedAt !== undefined && { refreshed_at: this.sequencesRefreshedAt }),
      },
      large_objects: {
        total: this.largeObjects,
        ...(this.changedLargeObjects !== undefined && { changed: this.changedLargeObjects }),
      },
      ...(this.verification && { verification: this.verification() }),
      ...(record.skipped && { skipped: record.skipped }),
      ...(record.foreignWrites && { foreign_writes: record.foreignWrites }),
      warnings: this.warnings.slice(),
      ...(conflict
        ? { last_error: { message: conflict.message } }
        : this.#lastError && { last_error: this.#lastError }),
      ...(this.lateWrites && { late_writes: this.lateWrites }),
      ...(this.watch && { watch: this.watch }),
      ...(this.switchover && { switchover: this.switchover }),
      ...(this.recopy && { recopy: this.recopy }),
      ...this.#history.view(),
    }
  }
}

const mostProblems = 10

function shownProblems(check: ObjectsCheck | undefined): string[] {
  const problems = check?.problems ?? []
  const more = problems.length - mostProblems
  return more > 0 ? [...problems.slice(0, mostProblems), say`${more} more differences`] : problems
}

function levelOf(level: string): FollowLogLine['level'] {
  return level === 'warn' || level === 'error' ? level : 'info'
}

function overviewOf(fold: ProgressFold, now: number): CopyOverview {
  const overview = fold.overview(now)
  return {
    overall_percent: overview.overall_percent,
    current_phase: overview.current_phase,
    tables: overview.table_count,
    tables_done: overview.settled_tables,
    rows: overview.migrated_rows,
    bytes: overview.migrated_bytes,
    total_bytes: overview.total_bytes,
    rows_per_second: overview.rows_per_second,
    bytes_per_second: overview.bytes_per_second,
    ...(overview.remaining_seconds !== undefined && { remaining_seconds: overview.remaining_seconds }),
    running: fold
      .runningTables(now)
      .slice(0, mostRunning)
      .map(({ schema, name, percent, migrated_rows: rows }) => ({ schema, name, percent, rows })),
    failed: overview.failed.map(({ schema, name, error }) => ({ schema, name, error })),
  }
}
