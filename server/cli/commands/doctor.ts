// `pgtrek preflight`: checks both servers before a migration or a move. It changes nothing.
import { Command, Option } from 'commander'
import { optionNames, spellingOf } from '../../../shared/option-table.ts'
import type { PreflightItem, PreflightReport } from '../../../shared/preflight.ts'
import { isFleetConfig } from '../../fleet/config.ts'
import { Cancelled } from '../../postgres/errors.ts'
import { preflight } from '../../preflight/preflight.ts'
import { jsonText, print, tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { addConfiguredConnectionFlags } from '../flags/connection.ts'
import { addBeginningFlags, addPublicationFlag, followOptionsOf } from '../flags/follow.ts'
import { addOptionFlags } from '../flags/options.ts'
import { endsOf, requestOf, tellWarnings } from '../flags/request.ts'
import { addRuleFlags } from '../flags/rules.ts'
import { addSelectionFlags } from '../flags/selection.ts'
import { interruptible } from '../interrupt.ts'
import { itemLines, preflightVerdict } from '../render/preflight.ts'
import { styleFor } from '../render/style.ts'
import { doctorFleet, type FleetDoctorFlags } from './fleet-doctor.ts'

interface PreflightFlags extends FleetDoctorFlags {
  follow?: boolean
}

/** The options that decide what a run does, without those that decide how it runs. */
const options = optionNames.filter((name) => spellingOf(name).group !== 'run')

export function preflightCommand(): Command {
  const command = new Command('preflight')
    .alias('doctor')
    .description('run preflight checks on both servers; changes nothing')
  addConfiguredConnectionFlags(command)
  addSelectionFlags(command, { kinds: true })
  addRuleFlags(command)
  addOptionFlags(command, options)
  command.addOption(
    new Option('--follow', 'also check the requirements for following changes').helpGroup('Following:'),
  )
  addPublicationFlag(command)
  addBeginningFlags(command)
  command
    .option('--quiet', 'show only warnings and blockers')
    .option('--json', 'print one JSON object on standard output')
  return command.action(async () => {
    process.exitCode = await run(command)
  })
}

async function run(command: Command): Promise<number> {
  const flags = command.opts<PreflightFlags>()
  using interrupt = interruptible(() => tell('stopping; repeat to stop immediately'))
  const { signal } = interrupt
  const style = styleFor(process.stdout.isTTY === true)
  try {
    const isFleet = isFleetConfig(flags.config, process.env)
    return await (isFleet ? doctorFleet : doctor)(command, flags, { signal, style, print })
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error
    return exitCode.cancelled
  }
}

async function doctor(
  command: Command,
  { follow = false, quiet = false, json = false }: PreflightFlags,
  { signal, style, print }: Parameters<typeof doctorFleet>[2],
): Promise<number> {
  const request = requestOf(command)
  const { selection, tables, options } = request
  const { insertsOnly, bidirectional, publication } = followOptionsOf(command)
  const ends = endsOf(request)
  tellWarnings(request, ends)
  const report = await preflight({
    ...ends,
    ...{ follow, selection, tables, options },
    ...{ insertsOnly, bidirectional, publication, signal },
    // Printed at once: some checks take long.
    onItem: (item: PreflightItem) => {
      if (!json && (!quiet || item.status !== 'ok')) print(itemLines(item, style))
    },
  })
  print(json ? [jsonText(report)] : ['', preflightVerdict(report, style)])
  return codeFor(report)
}

function codeFor({ status }: PreflightReport): number {
  return status === 'blocker' ? exitCode.failures : exitCode.done
}
