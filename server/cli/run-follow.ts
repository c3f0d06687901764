// `clone --follow` and `follow` as commands: their output and exit code.

import type { FollowAction, FollowController } from '../../shared/follow-action.ts'
import { lateLines } from '../../shared/follow-health.ts'
import type { FollowOptions } from '../../shared/follow-options.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { asError } from '../../shared/message-of.ts'
import type { Settled } from '../config/settle.ts'
import type { FollowResult, FollowRun } from '../follow/follow-run.ts'
import { followName } from '../follow/names.ts'
import { UsageError } from '../postgres/errors.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import { copiersOn } from '../queue/queued-copies.ts'
import { openQueue } from '../runs/open-queue.ts'
import { continueFollowing, copyAndFollow } from '../runs/start-following.ts'
import { FollowStore } from '../store/follows.ts'
import { RunStore } from '../store/runs.ts'
import { printJson, tell } from '../system/output.ts'
import { confirmDestruction } from './confirm.ts'
import { OwnDashboard } from './dashboard/own.ts'
import { exitCode } from './exit.ts'
import type { WatchFlags } from './flags/follow.ts'
import { type Ends, endsOf, runRequestOf } from './flags/request.ts'
import type { ViewFlags } from './flags/run.ts'
import { interruptible } from './interrupt.ts'
import { ownerOf } from './owner.ts'
import { FollowScreen } from './render/follow-screen.ts'
import { reportLines } from './render/follow-text.ts'
import { chooseView } from './render/view.ts'

export interface FollowFlags extends ViewFlags, WatchFlags {
  follow: FollowOptions
}

/** Copies like `clone`, then follows. */
export async function cloneAndFollow(settled: Settled, flags: FollowFlags): Promise<number> {
  refuseContradictions(settled)
  const request = runRequestOf(settled)
  const ends = { ...request, follow: flags.follow }
  using store = new RunStore(settled.stateDir)
  using view = chooseView({ stream: process.stderr, progress: flags.progress, level: flags.level })
  using screen = new FollowScreen(process.stderr, flags)
  const dashboard = new OwnDashboard(flags.tui, (message) => screen.say(infoLine(message)))
  using interrupt = interruptible(() => reportStopping())
  let isStarted = false
  let isCopied = false
  let lastError: string | undefined
  const isViewOver = () => isCopied || dashboard.wasOpened
  await using queue = await openQueue(settled.queue, (message) => view.say(message, 'warn'))
  const pending = new PendingRun(followName(ends))
  await using _ = await servePage(pageOptionsOf(settled, flags, ends), pending, (message) =>
    view.say(message),
  )
  const { copy, following, done } = copyAndFollow(request, {
    ...{ store, logDirectory: settled.logDir, warnings: settled.warnings, wait: flags.wait },
    ...{ follow: flags.follow, memory: new FollowStore(store.database) },
    copiers: queue && copiersOn(queue),
    until: interrupt.signal,
    signal: interrupt.signal,
    confirmed: flags.yes || ((plan) => confirmDestruction(plan, view, interrupt.signal)),
    say(level, message) {
      if (dashboard.isOpen) return
      if (isViewOver()) screen.say({ at: Date.now(), level, message })
      else view.say(message, level)
    },
    onEvent(event) {
      if (event.type === 'started') isStarted = true
      // Before the first step there may be a question to confirm.
      if (event.type === 'step_started') dashboard.open(following, () => view[Symbol.dispose]())
      const isSeen = isStarted && !dashboard.wasOpened
      if (isSeen) view.event(event)
      if (event.type !== 'finished') return
      if (isSeen) view.end(copy.progress.summary(event.at))
      isCopied = isStarted
    },
    onView: (now) => isViewOver() && !dashboard.isOpen && screen.show(now),
    onLine(line) {
      if (dashboard.isOpen) return
      if (line.level === 'error') lastError = line.message
      if (isViewOver()) screen.say(line)
      else view.say(line.message, line.level)
    },
  })
  pending.run = following
  function reportStopping() {
    if (!isViewOver()) view.say('stopping; repeat to stop immediately', 'warn')
  }
  const result = await done
  await dashboard.over()
  view[Symbol.dispose]()
  return finish(result, following.view(), screen, flags, lastError)
}

/** Continues an existing move. */
export async function followOn(settled: Settled, flags: FollowFlags): Promise<number> {
  const ends = { ...endsOf(settled), follow: flags.follow }
  using store = new RunStore(settled.stateDir)
  using screen = new FollowScreen(process.stderr, flags)
  const dashboard = new OwnDashboard(flags.tui, (message) => screen.say(infoLine(message)))
  using interrupt = interruptible(() => {})
  for (const warning of settled.warnings) tell(`warning: ${warning}`)
  const pending = new PendingRun(followName(ends))
  await using _ = await servePage(pageOptionsOf(settled, flags, ends), pending, (message) =>
    screen.say(infoLine(message)),
  )
  let lastError: string | undefined
  const { following, done } = continueFollowing(ends, {
    ...{ store, logDirectory: settled.logDir, memory: new FollowStore(store.database) },
    signal: interrupt.signal,
    say(level, message) {
      if (!dashboard.isOpen) screen.say({ at: Date.now(), level, message })
    },
    onView: (view) => !dashboard.isOpen && screen.show(view),
    onLine(line) {
      if (dashboard.isOpen) return
      if (line.level === 'error') lastError = line.message
      screen.say(line)
    },
  })
  pending.run = following
  dashboard.open(following)
  const result = await done
  await dashboard.over()
  return finish(result, following.view(), screen, flags, lastError)
}

function pageOptionsOf(
  { logDir, stateDir }: Settled,
  { apiPort }: FollowFlags,
  { source, destination }: Ends,
) {
  return { apiPort, logDirectory: logDir, stateDirectory: stateDir, ends: [source, destination] }
}

/** Stands for a run that starts a moment later; until then it has no view. */
class PendingRun implements FollowController {
  run: FollowRun | undefined

  constructor(readonly name: string) {}

  view() {
    return this.run?.view()
  }

  async act(action: FollowAction) {
    return (await this.run?.act(action)) ?? { ok: false as const, message: 'the run has not started' }
  }
}

function infoLine(message: string) {
  return { at: Date.now(), level: 'info', message } as const
}

function finish(
  result: FollowResult,
  view: FollowView,
  screen: FollowScreen,
  flags: ViewFlags,
  lastError?: string,
): number {
  screen[Symbol.dispose]()
  const report = view.switchover?.report
  // Also after a failure of the watch that follows the switchover.
  if ((result.status === 'switched_over' || result.status === 'failed') && report)
    for (const line of reportLines(report)) tell(line)
  for (const line of lateLines(view)) tell(`pgtrek: ${line}`)
  if (result.status === 'failed') {
    const { message } = asError(result.error)
    // Do not repeat an error that is on the screen already.
    if (message !== lastError) tell(`pgtrek: ${message}`)
  }
  if (result.status === 'stopped')
    tell('stopped: all applied changes are on disk, "pgtrek follow" continues from here')
  if (flags.json) printJson(view)
  return exitCodeOf(result, view)
}

function exitCodeOf({ status, error }: FollowResult, view: FollowView): number {
  switch (status) {
    case 'failed':
      return error instanceof UsageError ? exitCode.usage : exitCode.cannotRun
    case 'cancelled':
      return exitCode.cancelled
    case 'stopped':
    case 'switched_over':
      return view.failed_tables.length > 0 || lateLines(view).length > 0 ? exitCode.failures : exitCode.done
  }
}

/** Options that exclude following. */
export function refuseContradictions({ options, origins }: Settled) {
  const nameOf = (name: keyof typeof options) => origins.get(name) ?? name
  if (options.schemaOnly)
    throw new UsageError(`${nameOf('schemaOnly')} copies no rows: it cannot be combined with --follow`)
  if (options.resume) {
    throw new UsageError(
      `${nameOf('resume')} and --follow exclude each other: the snapshot of an interrupted copy is lost; after a complete copy, use "pgtrek follow" to continue`,
    )
  }
}

/** `--api-port`: the page and the API of a process that follows. */
interface PageOptions {
  apiPort: number | undefined
  logDirectory: string
  stateDirectory: string
  ends: readonly ConnectionSettings[]
}

/** Listens before the move starts, so that a port in use is reported in time. */
async function servePage(
  { apiPort, logDirectory, stateDirectory, ends }: PageOptions,
  controller: FollowController,
  say: (message: string) => void,
): Promise<AsyncDisposable> {
  if (apiPort === undefined) return { async [Symbol.asyncDispose]() {} }
  // Only this flag needs the framework.
  const { startServer } = await import('../api/start.ts')
  const server = await startServer({
    host: 'localhost',
    port: apiPort,
    token: process.env.PGTREK_TOKEN || undefined,
    names: [],
    allowCommands: false,
    logDirectory,
    stateDirectory,
    follow: controller,
    owner: ownerOf(ends),
  })
  say(`the page and the API listen on ${server.url}`)
  return server
}
