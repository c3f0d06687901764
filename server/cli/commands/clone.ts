// `pgtrek clone`: a whole database, or what is chosen of it, schema and rows, to another server.
import { Command, Option } from 'commander'
import { UsageError } from '../../postgres/errors.ts'
import { addConnectionFlags } from '../flags/connection.ts'
import { addFollowFlags, followOptionsOf, watchFlagsOf } from '../flags/follow.ts'
import { addOptionFlags } from '../flags/options.ts'
import { addQueueFlag } from '../flags/queue.ts'
import { requestOf } from '../flags/request.ts'
import { addHookFlag, addRuleFlags } from '../flags/rules.ts'
import { addConfigFlag, addRunFlags, viewFlags } from '../flags/run.ts'
import { addSelectionFlags } from '../flags/selection.ts'
import { planCloneAndFollow } from '../plan-follow.ts'
import { cloneAndFollow } from '../run-follow.ts'
import { migrateAsCommand } from '../run-migration.ts'

export function cloneCommand(): Command {
  const command = new Command('clone').description(
    'copy a database, schema and rows, to another server: all of it, or what you choose',
  )
  addConnectionFlags(command)
  addConfigFlag(command)
  addSelectionFlags(command, { kinds: true })
  addRuleFlags(command)
  addOptionFlags(command)
  addHookFlag(command)
  addQueueFlag(command, 'let workers copy the rows: the database that holds their jobs')
  addRunFlags(command)
  command.addOption(
    new Option('--follow', 'then apply every change that happens meanwhile, until you switch over').helpGroup(
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
      throw new UsageError('--tui and --api-port show how --follow goes: say that too')
    }
    if (!wantsFollowing) {
      process.exitCode = await migrateAsCommand(request, view)
      return
    }
    const run = request.options.dryRun ? planCloneAndFollow : cloneAndFollow
    process.exitCode = await run(request, { ...view, ...watch, follow })
  })
}
