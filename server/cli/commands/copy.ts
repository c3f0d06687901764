// `pgtrek copy`: copies rows, sequence values and large objects into an existing schema.
import { Command } from 'commander'
import { optionNames, spellingOf } from '../../../shared/option-table.ts'
import { addConfiguredConnectionFlags } from '../flags/connection.ts'
import { addOptionFlags } from '../flags/options.ts'
import { addQueueFlag } from '../flags/queue.ts'
import { requestOf } from '../flags/request.ts'
import { addHookFlag, addRuleFlags } from '../flags/rules.ts'
import { addRunFlags, viewFlags } from '../flags/run.ts'
import { addSelectionFlags } from '../flags/selection.ts'
import { migrateAsCommand } from '../run-migration.ts'

/** Without the options for the schema, which is not migrated here. */
export const copyOptions = optionNames.filter((name) => !spellingOf(name).schema)

export function copyCommand(): Command {
  const command = new Command('copy').description(
    'copy rows into existing tables: replace, append, or merge with --upsert',
  )
  addConfiguredConnectionFlags(command)
  addSelectionFlags(command, { kinds: false })
  addRuleFlags(command)
  addOptionFlags(command, copyOptions)
  addHookFlag(command)
  addQueueFlag(command, 'database that holds the jobs of the workers that copy the rows')
  addRunFlags(command)
  return command.action(async () => {
    process.exitCode = await migrateAsCommand(requestOf(command, { dataOnly: true }), viewFlags(command))
  })
}
