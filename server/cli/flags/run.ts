// The flags for the output of a run, its log and its state directory.
import { type Command, Option } from 'commander'
import { UsageError } from '../../postgres/errors.ts'
import type { Verbosity } from '../render/view.ts'

export interface ViewFlags {
  yes: boolean
  progress: boolean
  level: Verbosity
  json: boolean
  /** Wait for another run on the same objects. */
  wait: boolean
}

const heading = 'Output:'

export function addRunFlags(command: Command) {
  const shown = (flags: string, meaning: string) => new Option(flags, meaning).helpGroup(heading)
  command
    .addOption(shown('--yes', 'do not ask before anything of the destination is deleted'))
    .addOption(
      shown('--wait', 'wait for another run on the same tables of the destination (default: refuse)'),
    )
    .addOption(shown('--no-progress', 'print plain lines instead of progress bars'))
    .addOption(shown('--quiet', 'print only warnings, errors and the summary'))
    .addOption(shown('--verbose', 'print every step'))
    .addOption(shown('--json', 'print one JSON summary on standard output'))
    .addOption(shown('--log-dir <directory>', 'directory for log files, one per run (default: logs)'))
    .addOption(shown('--state-dir <directory>', 'state directory (default: .pgtrek)'))
}

export function viewFlags(command: Command): ViewFlags {
  const { yes, progress, quiet, verbose, json, wait } = command.opts<{
    yes?: boolean
    progress: boolean
    quiet?: boolean
    verbose?: boolean
    json?: boolean
    wait?: boolean
  }>()
  if (quiet && verbose) throw new UsageError('--quiet and --verbose exclude each other')
  const level = quiet ? 'quiet' : verbose ? 'verbose' : 'normal'
  return { yes: yes ?? false, progress, level, json: json ?? false, wait: wait ?? false }
}
