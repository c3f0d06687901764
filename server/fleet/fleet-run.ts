// Runs a fleet: per mapping it copies roles, creates databases, copies a few at a time, follows them, and switches
// them over on request. A failure does not stop other databases.

import type { FleetAction, FleetConfig, FleetController, FleetState, FleetView } from '../../shared/fleet.ts'
import type { FollowAnswer } from '../../shared/follow-action.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { formatCount } from '../../shared/format.ts'
import { messageOf } from '../../shared/message-of.ts'
import { say } from '../../shared/say.ts'
import type { WorkerView } from '../../shared/worker.ts'
import { errorInfo } from '../postgres/errors.ts'
import { Ledger } from '../queue/ledger.ts'
import type { JobQueue } from '../queue/queue.ts'
import type { FollowStore } from '../store/follows.ts'
import { aborted } from '../system/deadline.ts'
import type { DatabaseRun } from './database-run.ts'
import { MappingRun } from './mapping-run.ts'
import { Turns } from './semaphore.ts'

export interface FleetServices {
  /** Without it no state is kept, and a later process finds it on the servers. */
  store: FollowStore | undefined
  /** The open queue of the configuration; the caller closes it after the end of the fleet. */
  queue?: JobQueue | undefined
  signal: AbortSignal
  onLine?: (line: FleetView['log'][number]) => void
  /** Called when the state of a database or a mapping has changed. */
  onState?: (change: { mapping: string; database?: string; state: FleetState; message: string }) => void
}

const mostLines = 500
/** States that last a shorter time are not reported. */
const stateAfterMs = 500
const workersEveryMs = 2000
const troubles: readonly FleetState[] = ['problem', 'retrying', 'elsewhere']

export class FleetRun implements FleetController {
  /** Resolves when every database is copied once, switched over or complete, or after a stop. */
  readonly done: Promise<void>
  readonly #mappings: MappingRun[]
  readonly #lines: FleetView['log'] = []
  readonly #startedAt = Date.now()
  readonly #stop = new AbortController()
  #workers: WorkerView[] = []
  readonly #states = new Map<string, FleetState>()
  readonly #over = Promise.withResolvers<void>()
  #looking: ReturnType<typeof setTimeout> | undefined

  private constructor(
    readonly config: FleetConfig,
    readonly services: FleetServices,
  ) {
    services.signal.addEventListener('abort', () => this.#stop.abort(), { once: true })
    const turns = new Turns(config.atOnce)
    this.#mappings = config.mappings.map(
      (mapping) =>
        new MappingRun(mapping, {
          config,
          turns,
          store: services.store,
          queue: services.queue,
          signal: this.#stop.signal,
          say: (level, message, database) => this.#say(level, message, mapping.name, database),
          onChange: () => this.#changed(),
        }),
    )
    this.done = this.#run()
  }

  static start(config: FleetConfig, services: FleetServices): FleetRun {
    return new FleetRun(config, services)
  }

  view(): FleetView {
    return {
      started_at: this.#startedAt,
      updated_at: Date.now(),
      stateless: this.services.store === undefined,
      refresh_seconds: this.config.refreshSeconds,
      mappings: this.#mappings.map((mapping) => mapping.view()),
      ...(this.services.queue && { workers: this.#workers }),
      log: this.#lines.slice(),
    }
  }

  database(mapping: string, database: string): FollowView | undefined {
    const [move] = this.#meant({ mapping, database })
    return move?.follow
  }

  async act(action: FleetAction): Promise<FollowAnswer> {
    const moves = this.#meant(action)
    if (action.type === 'retry') return await this.#retry(moves, action)
    if (moves.length === 0) return { ok: false, message: say`there is no such mapping or database` }
    switch (action.type) {
      case 'pause':
        return summed(await Promise.all(moves.map((move) => move.pause())))
      case 'resume':
        return summed(await Promise.all(moves.map((move) => move.resume())))
      case 'switchover':
        return await this.#switchOver(moves, action)
      case 'complete':
        return await this.#complete(moves, action.discard_late_writes)
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.done
  }

  #meant({
    mapping,
    database,
  }: {
    mapping?: string | undefined
    database?: string | undefined
  }): DatabaseRun[] {
    return this.#mappings
      .filter(({ mapping: { name } }) => mapping === undefined || name === mapping)
      .flatMap(({ moves }) => moves)
      .filter(({ name }) => database === undefined || name === database)
  }

  async #run() {
    void this.#lookForWorkers()
    this.#changed()
    const working = Promise.all(this.#mappings.map((mapping) => mapping.run()))
    try {
      await Promise.race([this.#over.promise, this.#countOver(), working, aborted(this.#stop.signal)])
    } finally {
      this.#reportStates()
      clearTimeout(this.#looking)
      // The last view lists the present workers; a queue that does not answer must not delay the end.
      await Promise.race([this.#readWorkers(), Bun.sleep(workersEveryMs)])
      this.#stop.abort()
      await Promise.all(this.#mappings.map((mapping) => mapping.end()))
    }
    await working
  }

  async #lookForWorkers() {
    while (this.services.queue && !this.#stop.signal.aborted) {
      await this.#readWorkers()
      await Bun.sleep(workersEveryMs)
    }
  }

  async #readWorkers() {
    const { queue } = this.services
    if (!queue) return
    try {
      this.#workers = await new Ledger(queue.connection).workers()
    } catch (error) {
      this.#workers = []
      if (this.#stop.signal.aborted) return
      this.#say('warn', say`the workers cannot be listed: ${errorInfo(error).message}`)
    }
  }

  /** Changes of the same moment are sent together. */
  #changed() {
    if (this.#stop.signal.aborted) return
    this.#looking ??= setTimeout(() => {
      this.#looking = undefined
      if (this.#stop.signal.aborted) return
      this.#reportStates()
      if (this.#isOver) this.#over.resolve()
    }, stateAfterMs)
  }

  /** No database is left to be followed or tried again. */
  get #isOver(): boolean {
    if (!this.#mappings.every((mapping) => mapping.isOver)) return false
    const isCopiedOnce = this.#mappings.every(({ mapping: { follow } }) => !follow)
    return isCopiedOnce || this.#meant({}).every((move) => move.view().state === 'complete')
  }

  /** Counts one database after the other to limit the load; never ends by itself. */
  async #countOver(): Promise<never> {
    const { countEverySeconds } = this.config
    for (;;) {
      if (countEverySeconds === 0 || this.#stop.signal.aborted) await new Promise(() => {})
      const due = this.#meant({}).filter((move) => ['synced', 'ready'].includes(move.view().state))
      for (const move of due) {
        if (this.#stop.signal.aborted) break
        await move
          .count()
          .catch((error) =>
            this.#say('warn', say`rows could not be counted: ${error.message}`, undefined, move.name),
          )
      }
      await Bun.sleep(countEverySeconds * 1000)
    }
  }

  async #retry(
    moves: readonly DatabaseRun[],
    { mapping, database }: { mapping?: string | undefined; database?: string | undefined },
  ): Promise<FollowAnswer> {
    const whole = database === undefined ? this.#mappings : []
    const mappings = whole.filter((one) => mapping === undefined || one.mapping.name === mapping)
    if (moves.length + mappings.length === 0)
      return { ok: false, message: say`there is no such mapping or database` }
    const restarted = mappings.filter((one) => one.retry()).length
    const troubled = moves.filter((move) => troubles.includes(move.view().state))
    const answers = await Promise.all(troubled.map((move) => move.retry()))
    const refused = answers.find(({ ok }) => !ok)
    const again = restarted + answers.filter(({ ok }) => ok).length
    if (again === 0)
      return refused ?? { ok: true, message: say`nothing has failed: there is nothing to retry` }
    const databases = answers.filter(({ ok }) => ok).length
    const parts = [
      ...(restarted > 0 ? [formatCount(restarted, 'mapping')] : []),
      ...(databases > 0 ? [formatCount(databases, 'database')] : []),
    ]
    const rest = refused ? `; ${refused.message}` : ''
    return { ok: true, message: `${parts.join(' and ')} ${again === 1 ? 'is' : 'are'} retried${rest}` }
  }

  async #switchOver(
    moves: readonly DatabaseRun[],
    action: Extract<FleetAction, { type: 'switchover' }>,
  ): Promise<FollowAnswer> {
    const { back = false } = action
    const ready = moves.filter((move) => move.canSwitch({ back }))
    if (ready.length === 0) {
      const why = back
        ? say`changes flow back from none of them: they were not switched over with keep_reverse`
        : say`none of them is followed and has caught up`
      return { ok: false, message: why }
    }
    const [only, ...others] = ready
    // The reason of a refusal is part of the answer.
    if (only && others.length === 0 && moves.length === 1) return await this.#switchOne(only, action)
    void this.#oneAfterAnother(ready, action).catch((error) =>
      this.#say('error', `switchover: ${messageOf(error)}`),
    )
    const rest = moves.length - ready.length
    const begun = back
      ? say`returning ${ready.length} databases, one after another`
      : say`switching over ${ready.length} databases, one after another`
    return { ok: true, message: rest > 0 ? `${begun}; ${say`${rest} are not ready`}` : begun }
  }

  async #oneAfterAnother(
    moves: readonly DatabaseRun[],
    action: Extract<FleetAction, { type: 'switchover' }>,
  ) {
    for (const move of moves) {
      if (this.#stop.signal.aborted) return
      const { ok } = await this.#switchOne(move, action)
      if (ok) await Promise.race([move.idle(), aborted(this.#stop.signal)])
    }
  }

  async #switchOne(
    move: DatabaseRun,
    action: Extract<FleetAction, { type: 'switchover' }>,
  ): Promise<FollowAnswer> {
    const answer = await move.act({
      type: 'switchover',
      options: {
        timeout_seconds: action.timeout_seconds ?? 30,
        read_only_source: action.read_only_source ?? false,
        keep_reverse: action.keep_reverse ?? false,
        verify: action.verify ?? false,
        accept_differences: action.accept_differences ?? false,
        refresh_materialized_views: action.refresh_materialized_views ?? false,
        sequence_margin: 0,
        // The database is marked as switched over immediately, without waiting for late writes.
        watch_seconds: 0,
        discard_late_writes: action.discard_late_writes ?? false,
        back: action.back ?? false,
      },
    })
    this.#say(answer.ok ? 'info' : 'error', `switchover: ${answer.message}`, undefined, move.name)
    return answer
  }

  async #complete(moves: readonly DatabaseRun[], discardLateWrites = false): Promise<FollowAnswer> {
    const open = moves.filter((move) => !move.mayComplete)
    const [first] = open
    if (first) {
      return {
        ok: false,
        message: say`${first.name} is ${first.view().state}: switch over first, then mark it complete`,
      }
    }
    const done: string[] = []
    for (const move of moves) {
      if (move.view().state === 'complete') continue
      try {
        done.push(...(await move.complete({ discardLateWrites })))
      } catch (error) {
        return { ok: false, message: `${move.name}: ${messageOf(error)}` }
      }
    }
    return {
      ok: true,
      message: done.length > 0 ? done.join('; ') : say`nothing was left to drop`,
    }
  }

  #say(level: 'info' | 'warn' | 'error', message: string, mapping?: string, database?: string) {
    const line = {
      at: Date.now(),
      level,
      message,
      ...(mapping && { mapping }),
      ...(database && { database }),
    }
    this.#lines.push(line)
    if (this.#lines.length > mostLines) this.#lines.shift()
    this.services.onLine?.(line)
  }

  #reportStates() {
    const { onState } = this.services
    if (!onState) return
    for (const mapping of this.#mappings.map((one) => one.view())) {
      for (const database of mapping.databases) {
        const key = JSON.stringify([mapping.name, database.name])
        if (this.#states.get(key) === database.state) continue
        this.#states.set(key, database.state)
        const message = database.error?.message ?? database.at_work ?? database.state
        onState({ mapping: mapping.name, database: database.name, state: database.state, message })
      }
    }
  }
}

function summed(answers: readonly FollowAnswer[]): FollowAnswer {
  const good = answers.filter(({ ok }) => ok).length
  const refused = answers.find(({ ok }) => !ok)
  if (good === 0 && refused) return refused
  return { ok: true, message: `${good} of ${answers.length}${refused ? `; ${refused.message}` : ''}` }
}
