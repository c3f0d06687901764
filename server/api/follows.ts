// The moves of this process and, through the store, of others: shows and controls them. One move can be started at a
// time.

import type { FollowAction, FollowController } from '../../shared/follow-action.ts'
import type { FollowOptions } from '../../shared/follow-options.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { say } from '../../shared/say.ts'
import { type CleanedUp, type CleanUpOptions, cleanUpFollow, LateWritesFound } from '../follow/cleanup.ts'
import { refuseOver } from '../follow/continue.ts'
import type { FollowRun } from '../follow/follow-run.ts'
import { followName } from '../follow/names.ts'
import type { FollowEnds } from '../follow/request.ts'
import { continueFollowing, copyAndFollow, type StartedFollowing } from '../runs/start-following.ts'
import type { FollowStore } from '../store/follows.ts'
import { tell } from '../system/output.ts'
import { ApiFailure } from './errors.ts'
import { FollowWatches } from './follow-watches.ts'
import type { JobRequest } from './job.ts'
import type { Jobs } from './jobs.ts'

export interface FollowedElsewhere {
  /** A move of this process that was not started through the API. */
  external?: FollowController | undefined
  /** Moves of a fleet: available by name, but not listed. */
  elsewhere(): ReadonlySet<string>
}

export class Follows {
  #run: FollowRun | undefined
  /** Resolves after the end, when everything is recorded. */
  #done: Promise<unknown> | undefined
  /** The last view sent to clients; a requested view is always read again. */
  #lastSent: FollowView | undefined
  /** The job of the copy with which the run started. */
  #copyJob: string | undefined
  readonly #stop = new AbortController()
  readonly watches: FollowWatches

  readonly external: FollowController | undefined

  constructor(
    readonly store: FollowStore,
    readonly jobs: Jobs,
    readonly others: FollowedElsewhere,
  ) {
    this.external = others.external
    this.watches = new FollowWatches(store, {
      names: () => this.#ownControllers().map(({ name }) => name),
      view: (name) => (this.#lastSent?.name === name ? this.#lastSent : this.view(name)),
      elsewhere: () => others.elsewhere(),
    })
  }

  /** True while this process runs a move. */
  get isBusy(): boolean {
    return this.external !== undefined || (this.#run?.isRunning ?? false)
  }

  /** The move whose copy is this job, if any. */
  nameOfJob(id: string | null): string | undefined {
    return id !== null && id === this.#copyJob ? this.#run?.name : undefined
  }

  names(): string[] {
    const elsewhere = this.others.elsewhere()
    const stored = this.store.names().filter((name) => !elsewhere.has(name))
    return [...new Set([...this.#ownControllers(stored).map(({ name }) => name), ...stored])]
  }

  list(): FollowView[] {
    return this.names()
      .map((name) => this.view(name))
      .filter((view) => view !== undefined)
  }

  view(name: string): FollowView | undefined {
    return this.#own(name)?.view() ?? this.store.lastView(name)
  }

  /** Throws if there is no such move, or if the name is missing and there are several. */
  controller(name: string | undefined): FollowController {
    if (name !== undefined && this.others.elsewhere().has(name)) return this.store.controller(name)
    const names = this.names()
    const [only] = names
    if (only === undefined) throw new ApiFailure('not_found', say`no database is followed`)
    if (name === undefined && names.length > 1) {
      throw new ApiFailure('usage', say`several moves: give the name of one (${names.join(', ')})`, '/name')
    }
    const wanted = name ?? only
    if (!names.includes(wanted)) {
      throw new ApiFailure(
        'not_found',
        say`no move is named "${wanted}"; known: ${names.join(', ')}`,
        '/name',
      )
    }
    return this.#own(wanted) ?? this.store.controller(wanted)
  }

  /** Returns what was started, in words; throws if the action is not possible. */
  async act(name: string | undefined, action: FollowAction): Promise<string> {
    const { ok, message } = await this.controller(name).act(action)
    if (!ok) throw new ApiFailure('not_now', message)
    return message
  }

  /** The copy is the job that all clients see. Returns the name of the move. */
  clone(request: JobRequest, follow: FollowOptions): string {
    this.#refuseSecond()
    const name = followName({ ...request.run, follow })
    const earlier = this.store.load(name)
    if (earlier && (earlier.progress === 'following' || earlier.progress === 'done')) {
      throw new ApiFailure(
        'not_now',
        `these databases are already followed as ${name}: continue that move, clean it up, or use another name`,
        '/follow/name',
      )
    }
    let started = ''
    this.#copyJob = this.jobs.start(request, (run, options) => {
      const move = copyAndFollow(run, { ...options, ...this.#watched, follow, until: this.#stop.signal })
      started = this.#started(move)
      return move.copy
    })
    return started
  }

  continue(ends: FollowEnds): string {
    this.#refuseSecond()
    if (this.jobs.isBusy) throw new ApiFailure('busy', say`a migration is running: wait for it, or cancel it`)
    const name = followName(ends)
    const record = this.store.load(name)
    if (record) refuseOver(record)
    this.#copyJob = undefined
    const { store, logDirectory } = this.jobs.stores()
    return this.#started(
      continueFollowing(ends, {
        ...{ ...this.#watched, store, logDirectory, signal: this.#stop.signal },
        say: (level, message) => tell(`pgtrek: ${name}: ${level}: ${message}`),
      }),
    )
  }

  async cleanUp(ends: FollowEnds, options: CleanUpOptions): Promise<CleanedUp> {
    const name = followName(ends)
    const working = this.#ownControllers().find(
      (controller) => controller.name === name && controller !== this.#ended,
    )
    const worker = working ? { pid: process.pid } : this.store.worker(name)
    if (worker)
      throw new ApiFailure('busy', say`${name} is followed by process ${worker.pid}: stop that process first`)
    const cleaned = await cleanUpFollow(ends, this.store, options).catch((error) => {
      throw error instanceof LateWritesFound ? new ApiFailure('not_now', error.message) : error
    })
    if (this.#run?.name === name) this.#run = undefined
    this.watches.changed()
    return cleaned
  }

  /** Stops after the transaction that is being applied. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#done
    this.watches.close()
  }

  get #watched() {
    return {
      memory: this.store,
      onView: (view: FollowView) => {
        this.#lastSent = view
        this.watches.changed()
      },
    }
  }

  #started({ following, done }: StartedFollowing): string {
    this.#run = following
    this.#done = done
    this.watches.changed()
    void done.then(() => {
      this.#lastSent = undefined
      this.watches.changed()
    })
    return following.name
  }

  /** Includes a run that ended before anything was created: no store has it, and its view shows the reason. */
  #ownControllers(stored = this.store.names()): FollowController[] {
    const run = this.#run
    const isOurs = run && (run.isRunning || !stored.includes(run.name))
    return [...(this.external ? [this.external] : []), ...(isOurs ? [run] : [])]
  }

  #own(name: string): FollowController | undefined {
    return this.#ownControllers().find((controller) => controller.name === name)
  }

  get #ended(): FollowController | undefined {
    return this.#run?.isRunning ? undefined : this.#run
  }

  #refuseSecond() {
    const own = this.#ownControllers().find((controller) => controller !== this.#ended)
    if (own) throw new ApiFailure('busy', say`${own.name} is followed by this pgtrek: stop it first`)
  }
}
