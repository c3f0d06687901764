// A move in this process: copied, followed, and seen as others see it.
import { join } from 'node:path'
import { cleanUpFollow } from '../../server/engine/follow/cleanup.ts'
import { FollowRun } from '../../server/engine/follow/follow-run.ts'
import type { CloneAndFollow } from '../../server/engine/follow/request.ts'
import { NoMemory } from '../../server/engine/memory.ts'
import { resolveSettings } from '../../server/postgres/settings.ts'
import { FollowStore } from '../../server/store/follows.ts'
import { RunStore } from '../../server/store/runs.ts'
import { defaultFollowOptions, type FollowOptions } from '../../shared/follow-options.ts'
import type { FollowView, SwitchoverOptions } from '../../shared/follow-view.ts'
import { defaultOptions, everything } from '../../shared/request.ts'
import { scratchDirectory } from './scratch.ts'

export interface Ends {
  source: { url: string }
  destination: { url: string }
}

export interface Moving extends AsyncDisposable {
  run: FollowRun
  store: FollowStore
  /** Ends it, and goes on in its place. */
  restart(): Promise<void>
  until(holds: (view: FollowView) => boolean): Promise<FollowView>
  /** Resolves with its outcome. */
  switchover(options?: Partial<SwitchoverOptions>): Promise<NonNullable<FollowView['switchover']>>
  cleanUp(): Promise<string[]>
}

export const switchoverDefaults: SwitchoverOptions = {
  timeout_seconds: 30,
  read_only_source: false,
  keep_reverse: false,
  verify: true,
  sequence_margin: 0,
  back: false,
}

export function move(
  { source, destination }: Ends,
  follow: Partial<FollowOptions> = {},
  request: Partial<CloneAndFollow> = {},
): Moving {
  const runs = new RunStore(join(scratchDirectory(), `state-${crypto.randomUUID().slice(0, 8)}`))
  const store = new FollowStore(runs.database)
  const ends = {
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    follow: { ...defaultFollowOptions, readyForSeconds: 1, ...follow },
  }
  const services = () => ({ memory: store, signal: new AbortController().signal })
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
      await moving.run.done
      moving.run = FollowRun.continue(ends, services())
    },
    async until(holds) {
      for (;;) {
        const view = moving.run.view()
        if (holds(view)) return view
        if (!moving.run.isRunning) {
          const { error } = await moving.run.done
          throw new Error(`it has ended while it was waited for: ${error ?? view.state}`, { cause: error })
        }
        await Bun.sleep(50)
      }
    },
    async switchover(options = {}) {
      const answer = await moving.run.act({
        type: 'switchover',
        options: { ...switchoverDefaults, ...options },
      })
      if (!answer.ok) throw new Error(answer.message)
      for (;;) {
        const { switchover } = moving.run.view()
        if (switchover && switchover.state !== 'running') return switchover
        await Bun.sleep(20)
      }
    },
    async cleanUp() {
      return (await cleanUpFollow(ends, store, { writable: true })).dropped
    },
    async [Symbol.asyncDispose]() {
      await moving.run.act({ type: 'stop' })
      await moving.run.done
      await cleanUpFollow(ends, store, { writable: true })
      runs[Symbol.dispose]()
    },
  }
  return moving
}

export function isStreaming({ stage, state }: FollowView): boolean {
  return stage === 'streaming' && state === 'running'
}
