// Runs one database of a fleet: turns what happens into events of `database-machine.ts`, and executes its effects.
// Attempts run one after another, each until the end of its run, so there are never two runs at a time.

import type { FleetDatabase } from '../../shared/fleet.ts'
import { ProgressFold } from '../../shared/fold.ts'
import type { FollowAction, FollowAnswer } from '../../shared/follow-action.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { say } from '../../shared/say.ts'
import { DestinationBusy } from '../coordination/run-lock.ts'
import { cleanUpFollow } from '../follow/cleanup.ts'
import type { FollowRun } from '../follow/follow-run.ts'
import type { FollowEnds } from '../follow/request.ts'
import { shownState as shownRunState } from '../follow/run-state.ts'
import { HandoverUnknown } from '../follow/switchover/handover.ts'
import { errorInfo, PgtrekError, SnapshotLost } from '../postgres/errors.ts'
import { mayPass } from '../replication/apply/recovery.ts'
import { MoveTaken } from '../store/follow-memory.ts'
import { FollowStore } from '../store/follows.ts'
import { StateDatabase } from '../store/state-database.ts'
import { aborted } from '../system/deadline.ts'
import { countDifference } from './count-rows.ts'
import { type AttemptServices, DatabaseAttempt, endsOf, MoveEnded, type Outcome } from './database-attempt.ts'
import {
  type DatabaseEffect,
  type DatabaseEvent,
  type DatabaseState,
  type Failure,
  firstStep,
  isSettled,
  next,
} from './database-machine.ts'
import { databaseView, flowsBack, mayComplete, shownState } from './database-view.ts'
import { type InstanceDatabase, readMarkedMove, setMark } from './instance.ts'

export interface DatabaseServices
  extends Pick<AttemptServices, 'config' | 'mapping' | 'instances' | 'queue' | 'signal'> {
  /** Keeps the state for later processes, or only in memory. */
  store: FollowStore | undefined
  say: (level: 'info' | 'warn' | 'error', message: string, database: string) => void
  /** Called when the view may have changed. */
  onChange: () => void
}

/** Limits how many pieces of work run at a time. */
export type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

const firstRestMs = 2_000
/** Short for `busy`: the other process may end at any moment, and checking that is cheap. */
const longestRestMs = { passing: 300_000, busy: 30_000 }

export class DatabaseRun {
  attempts = 0
  #state: DatabaseState = firstStep.state
  /** Failures since the last success. */
  #failures = 0
  #fold = new ProgressFold()
  #run: FollowRun | undefined
  #counted: { difference: number; at: number } | undefined
  #inTurn: InTurn = (work) => work()
  readonly #started = Promise.withResolvers<void>()
  /** The chain of attempts. */
  #attempts: Promise<void> = this.#started.promise
  #marking = Promise.resolve()
  #rest: ReturnType<typeof setTimeout> | undefined
  readonly #stop = new AbortController()
  readonly #store: FollowStore

  constructor(
    readonly database: InstanceDatabase,
    readonly services: DatabaseServices,
  ) {
    this.#store = services.store ?? new FollowStore(StateDatabase.inMemory())
    services.signal.addEventListener('abort', () => this.#abort(), { once: true })
    for (const effect of firstStep.effects) this.#execute(effect)
  }

  get name(): string {
    return this.database.name
  }

  /** Works until the fleet is stopped. `inTurn` is held while rows are copied, not while it rests or follows. */
  async work(inTurn: InTurn): Promise<void> {
    this.#inTurn = inTurn
    this.#started.resolve()
    await aborted(this.#stop.signal)
    await this.#ended()
  }

  /** Nothing more happens without a request of a user. */
  get isSettled(): boolean {
    return isSettled(this.#state)
  }

  view(): FleetDatabase {
    const facts = {
      ...{ name: this.name, state: this.#state, follow: this.follow, copy: this.#fold },
      ...{ bytes: this.database.bytes, engine: this.services.mapping.engine },
      ...{ counted: this.#counted, attempts: this.attempts },
    }
    return databaseView(facts, Date.now())
  }

  get follow(): FollowView | undefined {
    return this.#run?.view()
  }

  /** It can be switched over, or back; its run decides whether the moment is right. */
  canSwitch({ back }: { back: boolean }): boolean {
    const follow = this.follow
    if (back) return flowsBack(this.#state, follow)
    return ['ready', 'synced', 'catchup'].includes(shownState(this.#state, follow)) && follow !== undefined
  }

  get mayComplete(): boolean {
    return mayComplete(this.#state, this.follow)
  }

  async act(action: FollowAction): Promise<FollowAnswer> {
    return (await this.#run?.act(action)) ?? { ok: false, message: say`${this.name} is not followed` }
  }

  /** Resolves when the last request to its run is done. */
  async idle(): Promise<void> {
    await this.#run?.idle()
  }

  /** Also before its rows are copied: then nothing is started until it is resumed. */
  async pause(): Promise<FollowAnswer> {
    if (this.#state.at === 'following') return await this.act({ type: 'pause' })
    return this.#enter({ type: 'paused' })
      ? { ok: true, message: 'pausing' }
      : { ok: false, message: say`${this.name} is ${this.view().state}, and cannot be paused in this state` }
  }

  async resume(): Promise<FollowAnswer> {
    return this.#enter({ type: 'resumed' })
      ? { ok: true, message: 'resuming' }
      : await this.act({ type: 'resume' })
  }

  /** Starts an attempt at once; an existing run ends first. */
  async retry(): Promise<FollowAnswer> {
    const run = this.#run
    if (this.#state.at === 'following' && run && shownRunState(run.state) !== 'waiting') {
      const { state, stage, failed_tables: failed } = run.view()
      // The run refuses a retry without a conflict.
      const isRecopy = state !== 'conflict' && stage !== 'done' && failed.length > 0
      return await this.act(isRecopy ? { type: 'recopy', tables: [] } : { type: 'retry' })
    }
    return this.#enter({ type: 'retry_requested' })
      ? { ok: true, message: say`trying again` }
      : {
          ok: false,
          message: say`${this.name} is ${this.view().state}: there is nothing to retry`,
        }
  }

  /**
   * Drops slots, publications and positions of the move. The rows stay, with a mark that the database is complete:
   * otherwise a later process would find a database that is not empty.
   */
  async complete({ discardLateWrites }: { discardLateWrites: boolean }): Promise<string[]> {
    const run = this.#run
    if (!this.mayComplete || !this.#enter({ type: 'complete_requested' })) {
      throw new PgtrekError(say`it is ${this.view().state}, and cannot be marked complete in this state`)
    }
    try {
      await run?.done
      await this.#marking
      const { dropped, remarks } = await cleanUpFollow(this.#ends, this.#store, {
        ...{ writable: false, discardLateWrites },
      })
      for (const line of remarks) this.#say('warn', line)
      const { missing } = await readMarkedMove(this.#ends.destination)
      await setMark(this.#ends.destination, 'complete', { missing })
      this.#enter({ type: 'completed' })
      return [...(dropped.length > 0 ? [`dropped ${dropped.join(', ')}`] : []), ...remarks]
    } catch (error) {
      this.#enter({ type: 'complete_failed' })
      throw error
    }
  }

  /** Counts the rows of the source minus those of the destination. */
  async count(): Promise<void> {
    const difference = await countDifference(this.#ends, this.#stop.signal)
    this.#counted = { difference, at: Date.now() }
    this.services.onChange()
  }

  async end(): Promise<void> {
    this.#abort()
    await this.#ended()
  }

  #abort() {
    this.#stop.abort()
    clearTimeout(this.#rest)
    this.#started.resolve()
  }

  async #ended() {
    await this.#attempts
    await this.#marking
  }

  /** False if the event does not apply to this state. */
  #enter(event: DatabaseEvent): boolean {
    const before = this.#state
    const { state, effects } = next(before, event)
    if (state === before) return false
    this.#state = state
    const [was, is] = [shownState(before, undefined), shownState(state, undefined)]
    if (was !== is && event.type !== 'failed') this.#say('info', is)
    this.services.onChange()
    for (const effect of effects) this.#execute(effect)
    return true
  }

  #execute(effect: DatabaseEffect) {
    switch (effect.type) {
      case 'attempt':
        this.#attempts = this.#attempts.then(() => this.#attempt())
        return
      case 'rest':
        clearTimeout(this.#rest)
        if (this.#stop.signal.aborted) return
        this.#rest = setTimeout(() => this.#enter({ type: 'due' }), Math.max(0, effect.until - Date.now()))
        return
      case 'end_run':
        // The end of the run is reported as an event.
        void this.#run?.act({ type: 'stop' })
        return
      case 'mark':
        this.#marking = this.#marking.then(() => this.#mark(effect.as))
        return
    }
  }

  /** If the mark cannot be set, the next process finds the state on the servers. */
  async #mark(as: 'switched' | 'returned') {
    try {
      await setMark(this.#ends.destination, as)
    } catch (error) {
      this.#say('warn', say`the mark "${as}" could not be written: ${errorInfo(error).message}`)
    }
  }

  /** Lasts until the end of its run; only the copy needs a turn. */
  async #attempt() {
    // It was paused while it was queued.
    if (!('turn' in this.#state) || this.#state.turn !== 'queued') return
    try {
      const outcome = await this.#inTurn(() => this.#try())
      if (!outcome) return
      if (outcome.type === 'followed') await this.#follow(outcome.run)
      else this.#finish(outcome)
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fail(error)
    }
  }

  async #try(): Promise<Outcome | undefined> {
    // It was stopped or paused while it waited for its turn.
    if (this.#stop.signal.aborted || !this.#enter({ type: 'turn_taken' })) return undefined
    this.attempts++
    this.#run = undefined
    const { config, mapping, instances, queue, onChange } = this.services
    const attempt = new DatabaseAttempt(this.database, {
      ...{ config, mapping, instances, queue, onChange },
      store: this.#store,
      signal: this.#stop.signal,
      say: (level, message) => this.#say(level, message),
      started: () => this.#enter({ type: 'started' }),
      onCopy: (fold) => {
        this.#fold = fold
        this.#enter({ type: 'schema' })
      },
      onRows: () => this.#enter({ type: 'rows' }),
      onRun: (run) => {
        this.#run = run
      },
      onRunState: (state) => {
        if (state.at === 'streaming' && shownRunState(state) === 'running') this.#failures = 0
        onChange()
      },
    })
    return await attempt.make()
  }

  #finish(outcome: Exclude<Outcome, { type: 'followed' }>) {
    this.#enter(outcome)
    if (outcome.type === 'copied' && outcome.missing !== undefined) this.#say('error', outcome.missing)
  }

  async #follow(run: FollowRun) {
    this.#enter({ type: 'followed' })
    const { status, error } = await run.done
    if (this.#stop.signal.aborted) return
    // A user has stopped it, to try again or to mark the database complete.
    if (this.#state.at !== 'following') {
      this.#enter({ type: 'run_ended' })
      return
    }
    if (status === 'failed') throw error
    if (status !== 'switched_over') throw new PgtrekError(say`another command has stopped following`)
    this.#enter({ type: run.view().switchover?.options.back ? 'returned' : 'switched' })
  }

  #fail(error: unknown) {
    const before = 'error' in this.#state ? errorInfo(this.#state.error).message : undefined
    const why = failureOf(error)
    const longest = why === 'busy' ? longestRestMs.busy : longestRestMs.passing
    const restMs = Math.min(firstRestMs * 2 ** this.#failures++, longest)
    const { message } = errorInfo(error)
    this.#enter({ type: 'failed', error, why, retryAt: Date.now() + restMs })
    if (message === before) return
    if (why === 'busy') this.#say('info', say`${message}; this process continues the move when that one ends`)
    else this.#say('error', message)
  }

  get #ends(): FollowEnds {
    return endsOf(this.database, this.services)
  }

  #say(level: 'info' | 'warn' | 'error', message: string) {
    this.services.say(level, message, this.name)
  }
}

/** How the error affects the next attempt. */
function failureOf(error: unknown): Failure {
  if (error instanceof DestinationBusy || error instanceof MoveTaken) return 'busy'
  if (error instanceof MoveEnded) return 'ended'
  return mayPassLater(error) ? 'passing' : 'lasting'
}

/** For example a server that is starting, or a network failure. */
export function mayPassLater(error: unknown): boolean {
  return mayPass(error) || error instanceof SnapshotLost || error instanceof HandoverUnknown
}
