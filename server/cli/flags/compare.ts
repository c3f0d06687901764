// The flags of `pgtrek compare`: connections and selection as for a copy, and its own.
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { OptionName } from '../../../shared/option-table.ts'
import { addConfiguredConnectionFlags } from './connection.ts'
import { addOptionFlags } from './options.ts'
import { addRuleFlags } from './rules.ts'
import { addSelectionFlags } from './selection.ts'

export interface CompareFlags {
  progress: boolean
  quiet?: boolean
  json?: boolean
}

export interface CompareDataFlags extends CompareFlags {
  fast?: boolean
  drill?: boolean
  drillLimit: number
  filter: 'both' | 'source'
}

/** Differences between objects that a user may exclude. */
const schemaOptions: readonly OptionName[] = [
  'owner',
  'acl',
  'comments',
  'tablespaces',
  'publications',
  'securityLabels',
]

export function addDataFlags(command: Command): Command {
  addSharedFlags(command)
  addRuleFlags(command, { keys: false })
  addOptionFlags(command, ['workers'])
  return addOutputFlags(command)
    .option('--fast', 'only count rows')
    .option('--drill', 'name the rows that differ, by their keys')
    .addOption(
      new Option(
        '--filter <both|source>',
        'conditions select rows on both sides, or on the source only if the destination holds just those',
      )
        .choices(['both', 'source'])
        .default('both'),
    )
    .option('--drill-limit <count>', 'maximum number of rows to name per table', atLeastOne, 100)
}

export function addSchemaFlags(command: Command): Command {
  addSharedFlags(command)
  addOptionFlags(command, schemaOptions)
  return addOutputFlags(command)
}

function addSharedFlags(command: Command) {
  addConfiguredConnectionFlags(command)
  addSelectionFlags(command, { kinds: false })
}

function addOutputFlags(command: Command): Command {
  return command
    .option('--no-progress', 'do not show progress')
    .option('--quiet', 'print only the result')
    .option('--json', 'print one JSON object on standard output')
}

function atLeastOne(text: string): number {
  if (!/^\d{1,7}$/.test(text) || Number(text) < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1 on.')
  }
  return Number(text)
}
