// `pgtrek clone`: a whole database, or what is chosen of it, schema and rows, to another server.
import { Command } from 'commander'
import { addConnectionFlags } from './flags/connection.ts'
import { addOptionFlags } from './flags/options.ts'
import { addHookFlag, addRuleFlags } from './flags/rules.ts'
import { addConfigFlag, addRunFlags, viewFlags } from './flags/run.ts'
import { addSelectionFlags } from './flags/selection.ts'
import { requestOf } from './request.ts'
import { runMigration } from './run-migration.ts'

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
  addRunFlags(command)
  return command.action(async () => {
    process.exitCode = await runMigration(requestOf(command), viewFlags(command))
  })
}
