// A move in this process: copied, followed, and observed like a move of another process.
import { join } from 'node:path'
import { inspect } from 'node:util'
import { cleanUpFollow, LateWritesFound } from '../../server/follow/cleanup.ts'
import { FollowRun } from '../../server/follow/follow-run.ts'
import type { CloneAndFollow, FollowServices } from '../../server/follow/request.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { FollowStore } from '../../server/store/follows.ts'
import { NoMemory } from '../../server/store/run-memory.ts'
import { RunStore } from '../../server/store/runs.ts'
import { defaultFollowOptions, defaultOptions, everything } from '../../shared/defaults.ts'
import type { FollowOptions } from '../../shared/follow-options.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import type { SwitchoverOptions } from '../../shared/switchover.ts'
import { CannotHappen, eventually, within } from '../eventually.ts'
import { scratchDirectory } from '../servers/scratch.ts'

export interface Ends {
  source: { url: string }
  destination: { url: string }
}

export interface Moving extends AsyncDisposable {
  run: FollowRun
  store: FollowStore
  /** Stops it, and continues it in another run. */
  restart(): Promise<void>
  until(what: string, holds: (view: FollowView) => boolean): Promise<FollowView>
  untilStreaming(): Promise<FollowView>
  /** Resolves with its outcome. */
  switchover(options?: Partial<SwitchoverOptions>): Promise<NonNullable<FollowView['switchover']>>
  cleanUp(): Promise<string[]>
  /** Cleans up, and returns the report about writes to the old primary after the switchover. */
  cleanUpLate(): Promise<string | undefined>
}

export const switchoverDefaults: SwitchoverOptions = {
  timeout_seconds: 30,
  read_only_source: false,
  keep_reverse: false,
  verify: true,
  accept_differences: false,
  refresh_materialized_views: false,
  sequence_margin: 0,
  watch_seconds: 0,
  discard_late_writes: false,
  back: false,
}

export function move(
  { source, destination }: Ends,
  follow: Partial<FollowOptions> = {},
  request: Partial<CloneAndFollow> = {},
  other: Partial<FollowServices> = {},
): Moving {
  const runs = new RunStore(join(scratchDirectory(), `state-${crypto.randomUUID().slice(0, 8)}`))
  const store = new FollowStore(runs.database)
  const ends = {
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    follow: { ...defaultFollowOptions, readyForSeconds: 1, ...follow },
  }
  const services = () => ({
    memory: store,
    signal: new AbortController().signal,
    tableCheckEveryMs: 1000,
    compareEveryMs: 200,
    watchEveryMs: 200,
    ...other,
  })
  const ended = () =>
    within('the end of following', moving.run.done, undefined, () => shown(moving.run.view()))
  const moving: Moving = {
    store,
    run: FollowRun.clone(
      {
        ...ends,
        run: crypto.randomUUID().slice(0, 8),
        selection: everything,
        tables: [],
        hooks: [],
        options: defaultOptions,
        runMemory: new NoMemory(),
        onEvent() {},
        confirm: () => true,
        ...request,
      },
      services(),
    ),
    async restart() {
      await moving.run.act({ type: 'stop' })
      await ended()
      moving.run = FollowRun.continue(ends, services())
    },
    async until(what, holds) {
      const { view } = await eventually(
        what,
        async () => {
          const view = moving.run.view()
          if (!holds(view) && !moving.run.isRunning) {
            const { error } = await moving.run.done
            throw new CannotHappen(`following has ended: ${error ?? view.state}`, { cause: error })
          }
          return { view, [inspect.custom]: () => shown(view) }
        },
        ({ view }) => holds(view),
      )
      return view
    },
    untilStreaming: () => moving.until('streaming', isStreaming),
    async switchover(options = {}) {
      const answer = await moving.run.act({
        type: 'switchover',
        options: { ...switchoverDefaults, ...options },
      })
      if (!answer.ok) throw new Error(answer.message)
      const { switchover } = await moving.until(
        'the end of the switchover',
        ({ switchover }) => switchover !== undefined && switchover.state !== 'running',
      )
      if (!switchover) throw new Error('the view has no switchover')
      return switchover
    },
    async cleanUp() {
      return (await cleanUpFollow(ends, store, { writable: true })).dropped
    },
    async cleanUpLate() {
      try {
        await cleanUpFollow(ends, store, { writable: true })
        return undefined
      } catch (error) {
        if (!(error instanceof LateWritesFound)) throw error
        return error.message
      }
    },
    async [Symbol.asyncDispose]() {
      await moving.run.act({ type: 'stop' })
      await ended()
      await cleanUpFollow(ends, store, { writable: true, discardLateWrites: true })
      runs[Symbol.dispose]()
    },
  }
  return moving
}

export function isStreaming({ stage, state }: FollowView): boolean {
  return stage === 'streaming' && state === 'running'
}

/** The part of a view that is shown when a wait fails: without its samples, and with the last lines of its log. */
function shown({
  stage,
  state,
  streams,
  ready,
  switchover,
  verification,
  warnings,
  last_error,
  log,
}: FollowView) {
  return {
    ...{ stage, state, reasons: ready.reasons, verification, warnings, last_error },
    switchover: switchover && { state: switchover.state, step: switchover.step, error: switchover.error },
    streams: streams.map(({ direction, status: { phase, lagBytes, rows, conflict } }) => {
      return { direction, phase, lagBytes, rows, conflict: conflict?.message }
    }),
    log: log.slice(-5).map(({ message }) => message),
  }
}
