// `pgtrek follow`: continues a move whose copy is complete.
import { Command } from 'commander'
import { addConfiguredConnectionFlags } from '../flags/connection.ts'
import { addFollowFlags, followOptionsOf, watchFlagsOf } from '../flags/follow.ts'
import { requestOf } from '../flags/request.ts'
import { addRunFlags, viewFlags } from '../flags/run.ts'
import { followOn } from '../run-follow.ts'

export function followCommand(): Command {
  const command = new Command('follow').description(
    'continue to follow a database that "clone --follow" has copied',
  )
  addConfiguredConnectionFlags(command)
  addFollowFlags(command, { begins: false })
  addRunFlags(command)
  return command.action(async () => {
    process.exitCode = await followOn(requestOf(command), {
      ...viewFlags(command),
      follow: followOptionsOf(command),
      ...watchFlagsOf(command),
    })
  })
}
