// `pgtrek clone`: copies a database or a selection of it, schema and rows, to another server.

import { Command, Option } from 'commander'
import type { Settled } from '../../config/settle.ts'
import { prepare } from '../../follow/prepare.ts'
import { Cancelled, UsageError } from '../../postgres/errors.ts'
import { NoMemory } from '../../store/run-memory.ts'
import { jsonText, print, tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { addConfiguredConnectionFlags } from '../flags/connection.ts'
import { addFollowFlags, followOptionsOf, watchFlagsOf } from '../flags/follow.ts'
import { addOptionFlags } from '../flags/options.ts'
import { addQueueFlag } from '../flags/queue.ts'
import { endsOf, requestOf, tellWarnings } from '../flags/request.ts'
import { addHookFlag, addRuleFlags } from '../flags/rules.ts'
import { addRunFlags, viewFlags } from '../flags/run.ts'
import { addSelectionFlags } from '../flags/selection.ts'
import { interruptible } from '../interrupt.ts'
import { describePlan } from '../render/plan.ts'
import { planAsJson } from '../render/plan-json.ts'
import { cloneAndFollow, type FollowFlags, refuseContradictions } from '../run-follow.ts'
import { migrateAsCommand } from '../run-migration.ts'

export function cloneCommand(): Command {
  const command = new Command('clone').description(
    'copy a database, schema and rows, to another server, whole or in part',
  )
  addConfiguredConnectionFlags(command)
  addSelectionFlags(command, { kinds: true })
  addRuleFlags(command)
  addOptionFlags(command)
  addHookFlag(command)
  addQueueFlag(command, 'database that holds the jobs of the workers that copy the rows')
  addRunFlags(command)
  command.addOption(
    new Option('--follow', 'apply later changes after the copy, until you switch over').helpGroup(
      'Following:',
    ),
  )
  addFollowFlags(command, { begins: true })
  return command.action(async () => {
    const request = requestOf(command)
    const view = viewFlags(command)
    const follow = followOptionsOf(command)
    const watch = watchFlagsOf(command)
    const { follow: wantsFollowing } = command.opts<{ follow?: boolean }>()
    const isWatched = watch.tui || watch.apiPort !== undefined
    if (isWatched && !wantsFollowing) {
      throw new UsageError('--tui and --api-port need --follow')
    }
    if (!wantsFollowing) {
      process.exitCode = await migrateAsCommand(request, view)
      return
    }
    const run = request.options.dryRun ? planCloneAndFollow : cloneAndFollow
    process.exitCode = await run(request, { ...view, ...watch, follow })
  })
}

/**
 * `clone --follow --dry-run`: prints the plan of the copy, and whether its changes can be followed. Nothing is
 * created.
 */
async function planCloneAndFollow(request: Settled, flags: FollowFlags): Promise<number> {
  refuseContradictions(request)
  const ends = { ...endsOf(request), follow: flags.follow }
  const { selection, tables, hooks, options } = request
  using interrupt = interruptible(() => tell('stopping; repeat to stop immediately'))
  tellWarnings(request, ends)
  try {
    const { plan, warnings } = await prepare(
      {
        ...ends,
        ...{ run: 'plan', selection, tables, hooks, options, runMemory: new NoMemory() },
        onEvent() {},
        confirm: () => false,
      },
      interrupt.signal,
    )
    const whole = { ...plan, warnings: [...plan.warnings, ...warnings] }
    const detail = { verbose: flags.level === 'verbose' }
    const lines = flags.json ? [jsonText(planAsJson(whole, detail))] : describePlan(whole, detail)
    print(lines)
    return exitCode.done
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error
    return exitCode.cancelled
  }
}
