// `pgtrek switchover`: requests it from the process that follows. If there is none, this process follows until the
// switchover is complete.

import { Command } from 'commander'
import type { FollowController } from '../../../shared/follow-action.ts'
import { describeUndone, isWatchOnly, lateLines } from '../../../shared/follow-health.ts'
import type { FollowView } from '../../../shared/follow-view.ts'
import { messageOf } from '../../../shared/message-of.ts'
import type { SwitchoverOptions } from '../../../shared/switchover.ts'
import { UsageError } from '../../postgres/errors.ts'
import { continueFollowing } from '../../runs/start-following.ts'
import { printJson, tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import {
  addMoveFlags,
  addPublicationFlag,
  addSwitchoverFlags,
  moveStateFlag,
  switchoverOptionsOf,
} from '../flags/follow.ts'
import { endsOf } from '../flags/request.ts'
import { openMove } from '../followed.ts'
import { interruptible } from '../interrupt.ts'
import { reportLines } from '../render/follow-text.ts'
import { askServers } from '../servers.ts'

const lookEveryMs = 100

export function switchoverCommand(): Command {
  const command = new Command('switchover').description(
    'make the destination the primary after checking that it has every change, or return to the source (--back)',
  )
  addMoveFlags(command)
  addPublicationFlag(command)
  addSwitchoverFlags(command)
  command.option('--json', 'print the report as JSON on standard output').option(...moveStateFlag)
  return command.action(async () => {
    process.exitCode = await run(command)
  })
}

async function run(command: Command): Promise<number> {
  const options = switchoverOptionsOf(command)
  using move = openMove(command)
  const { request, follow, store, memory, name } = move
  if (memory.worker(name)) return await byRunningProcess(memory.controller(name), options, command)
  let isDone = false
  let waitedFor: string | undefined
  using interrupt = interruptible(() =>
    tell(
      isDone
        ? 'checking for late writes a last time'
        : 'stopping; if nothing was handed over yet, everything stays as before',
    ),
  )
  const { following, done } = continueFollowing(
    { ...endsOf(request), follow },
    {
      ...{ store, memory, signal: interrupt.signal },
      say: (level, message) => tell(`${level}: ${message}`),
      // Late writes are reported at once. Before the handover, the report of the switchover has the reasons.
      onLine: ({ level, message }) => isDone && level !== 'info' && tell(`${level}: ${message}`),
      onView: ({ state, last_error: error }) => {
        if (state === 'waiting' && error && error.message !== waitedFor) tell(`waiting: ${error.message}`)
        waitedFor = state === 'waiting' ? error?.message : undefined
      },
    },
  )
  const limit = waitLimit(options.timeout_seconds)
  await until(following, (view) => isSettled(view) || limit.isOver(view), done)
  const settled = following.view()
  if (following.isRunning && !isSettled(settled)) {
    const why = settled.last_error?.message ?? settled.state
    tell(
      `pgtrek: no switchover: ${why}. Timed out after ${options.timeout_seconds} s (--timeout); nothing was handed over`,
    )
    await following.act({ type: 'stop' })
    await done
    return exitCode.failures
  }
  const code = following.isRunning ? await requestSwitchover(following, options, command) : exitCode.cannotRun
  isDone = code === exitCode.done
  const view = following.view()
  if (isDone && isWatchOnly(view)) {
    tell(`${view.watch?.place} is watched for late writes; press Ctrl-C to stop after a last check`)
  } else await following.act({ type: 'stop' })
  const result = await done
  if (result.status === 'failed') {
    tell(`pgtrek: ${messageOf(result.error)}`)
    if (!isDone && result.error instanceof UsageError) return exitCode.usage
  }
  const lines = lateLines(following.view())
  for (const line of lines) tell(`pgtrek: ${line}`)
  if (isDone && (lines.length > 0 || result.status === 'failed')) return exitCode.failures
  if (code === exitCode.done && options.keep_reverse) {
    tell('no process applies changes in the return direction: start "pgtrek follow" to apply them')
  }
  return code
}

/** A process that has just started gets time to start its streams. */
async function byRunningProcess(
  controller: FollowController,
  options: SwitchoverOptions,
  command: Command,
): Promise<number> {
  const limit = waitLimit(options.timeout_seconds)
  const isBeginning = ({ process, stage, state, streams }: FollowView) =>
    process !== undefined && state === 'running' && stage === 'done' && streams.length === 0
  await until(controller, (view) => !isBeginning(view) || limit.isOver({ ...view, state: 'waiting' }))
  return await requestSwitchover(controller, options, command)
}

/** Limits how long the switchover waits for an unreachable server. */
function waitLimit(seconds: number): { isOver: (view: Pick<FollowView, 'state'>) => boolean } {
  let since: number | undefined
  return {
    isOver({ state }) {
      since = state === 'waiting' ? (since ?? performance.now()) : undefined
      return since !== undefined && performance.now() - since > seconds * 1000
    },
  }
}

/** The copy is complete and changes are applied, or the move waits for a decision or has ended. */
function isSettled({ stage, state, streams }: FollowView): boolean {
  // After a switchover, changes are applied in the return direction.
  if (stage === 'done' && streams.some(({ status }) => status.phase === 'streaming')) return true
  return stage === 'streaming' || (state !== 'running' && state !== 'waiting')
}

async function requestSwitchover(
  controller: FollowController,
  options: SwitchoverOptions,
  command: Command,
): Promise<number> {
  const requestedAt = Date.now()
  const answer = await controller.act({ type: 'switchover', options })
  if (!answer.ok) {
    tell(`pgtrek: no switchover: ${answer.message}`)
    return exitCode.failures
  }
  let step = ''
  const view = await until(controller, ({ switchover, state }) => {
    const mine = switchover && switchover.started_at >= requestedAt - 1000 ? switchover : undefined
    if (mine && mine.step !== step) {
      step = mine.step
      tell(`switchover: ${step.replace('_', ' ')}`)
    }
    return (mine !== undefined && mine.state !== 'running') || state === 'failed' || state === 'lost'
  })
  const switchover = view?.switchover
  if (switchover?.state === 'done' && switchover.report) {
    for (const line of reportLines(switchover.report)) tell(line)
    if (command.opts().json) printJson(switchover.report)
    return exitCode.done
  }
  if (switchover?.state === 'failed') {
    const reason = switchover.error?.message ?? 'the process that follows has ended'
    tell(`pgtrek: ${switchover.left ? describeUndone(reason, switchover.left) : reason}`)
    return exitCode.failures
  }
  tell('pgtrek: the process that follows ended during the switchover')
  for (const line of await askServers(command)) tell(`pgtrek: ${line}`)
  return exitCode.failures
}

async function until(
  controller: FollowController,
  holds: (view: FollowView) => boolean,
  ended?: Promise<unknown>,
): Promise<FollowView | undefined> {
  let isOver = false
  void ended?.then(() => {
    isOver = true
  })
  for (;;) {
    const view = controller.view()
    if (!view || isOver || holds(view)) return view
    await Bun.sleep(lookEveryMs)
  }
}
