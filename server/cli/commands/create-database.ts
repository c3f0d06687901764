// `pgtrek create-database`: the destination database, with the encoding and the locale of the source.
import { Command, Option } from 'commander'
import type { DatabaseChoice } from '../../../shared/create-database-api.ts'
import { UsageError } from '../../postgres/errors.ts'
import { createDatabase } from '../../preflight/create-database.ts'
import { print, printJson, tell } from '../../system/output.ts'
import { askToContinue } from '../confirm.ts'
import { exitCode } from '../exit.ts'
import { addConfiguredConnectionFlags } from '../flags/connection.ts'
import { endsOf, requestOf } from '../flags/request.ts'
import { interruptible } from '../interrupt.ts'

interface Flags {
  locale: DatabaseChoice['locale']
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

export function createDatabaseCommand(): Command {
  const command = new Command('create-database').description(
    'create the destination database with the encoding and the locale of the source',
  )
  addConfiguredConnectionFlags(command)
  command
    .addOption(
      new Option(
        '--locale <locale>',
        "same: as the source; server: the default of the destination's server; c: text is sorted by its bytes",
      )
        .choices(['same', 'server', 'c'])
        .default('same'),
    )
    .option('--dry-run', 'only print the statement')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON object on standard output')
  return command.action(async () => {
    process.exitCode = await run(command)
  })
}

async function run(command: Command): Promise<number> {
  const { locale, dryRun = false, yes = false, json = false } = command.opts<Flags>()
  using interrupt = interruptible(() => tell('stopping; repeat to stop immediately'))
  const { signal } = interrupt
  const { source: like, destination } = endsOf(requestOf(command))
  const shown = await createDatabase({ destination, like, signal })
  if (shown.exists) {
    tell(`the database "${shown.database}" exists already`)
    if (json) printJson(shown)
    return exitCode.done
  }
  const choice = shown.choices.find((one) => one.locale === locale)
  if (!choice) {
    const others = shown.choices.map((one) => `--locale ${one.locale} (${one.collation})`).join(' or ')
    throw new UsageError(`the destination cannot have the locale of the source: use ${others}`)
  }
  if (choice.doubt !== null) tell(`warning: ${choice.doubt}`)
  if (dryRun) {
    if (json) printJson(shown)
    else print([`${choice.sql};`])
    return exitCode.done
  }
  const question = [`as "${shown.user}", in the database "${shown.via}" of the destination:`, choice.sql]
  if (!yes && !(await askToContinue(question, signal))) {
    tell('nothing was created: confirm with yes, or use --yes')
    return signal.aborted ? exitCode.cancelled : exitCode.cannotRun
  }
  const made = await createDatabase({ destination, like, confirmed: choice.sql, signal })
  tell(
    made.created
      ? `created the database "${made.database}" (${made.encoding}, ${choice.collation})`
      : `the database "${made.database}" was created by someone else meanwhile`,
  )
  if (json) printJson(made)
  return exitCode.done
}
