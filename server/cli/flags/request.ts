// Makes one checked request of a command line, its configuration file and the environment.
import type { Command } from 'commander'
import { defaultOptions } from '../../../shared/defaults.ts'
import { flagOf, type OptionName, variableOf } from '../../../shared/option-table.ts'
import type { MigrationOptions } from '../../../shared/request.ts'
import { readConfigFile } from '../../config/file.ts'
import { type Given, type Settled, settle } from '../../config/settle.ts'
import type { RunRequest } from '../../migrate/request.ts'
import type { Environment } from '../../postgres/environment.ts'
import { UsageError } from '../../postgres/errors.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import { tell } from '../../system/output.ts'
import { connectionsFromEnvironment, connectionsFromFlags, settingsFor } from './connection.ts'
import { optionsFromEnvironment, optionsFromFlags, unknownVariables } from './options.ts'
import { queueFromEnvironment, queueFromFlags } from './queue.ts'
import { hooksFromFlags, rulesFromFlags } from './rules.ts'
import { selectionFromFlags } from './selection.ts'

export interface Ends {
  source: ConnectionSettings
  destination: ConnectionSettings
}

/**
 * Per option, `meant` (fixed by the command itself) takes precedence over a flag, a flag over the file, and the file over
 * the environment.
 */
export function requestOf(
  command: Command,
  meant: Partial<MigrationOptions> = {},
  environment: Environment = process.env,
): Settled {
  const { config } = command.opts<{ config?: string }>()
  const name = `pgtrek ${command.name()}`
  const settled = settle([
    { selection: {}, options: meant, called: { option: () => name, tables: name } },
    fromFlags(command),
    ...(config === undefined ? [] : [readConfigFile(config, environment)]),
    fromEnvironment(environment),
  ])
  refuseContradictions(settled)
  settled.warnings.push(...unknownVariables(environment), ...withoutEffect(settled))
  return settled
}

/** Throws a UsageError without one of the connections. */
export function endsOf({ source, dest }: Settled): Ends {
  return { source: settingsFor('source', source), destination: settingsFor('dest', dest) }
}

export function tellWarnings({ warnings }: Settled, { source, destination }: Ends) {
  for (const warning of [...warnings, ...source.warnings, ...destination.warnings]) {
    tell(`warning: ${warning}`)
  }
}

/** Throws a UsageError without one of the connections. */
export function runRequestOf(settled: Settled): RunRequest {
  const { selection, tables, hooks, options } = settled
  return { ...endsOf(settled), selection, tables, hooks, options }
}

function fromFlags(command: Command): Given {
  const tables = rulesFromFlags(command)
  const hooks = hooksFromFlags(command)
  const queue = queueFromFlags(command)
  const { logDir, stateDir } = command.opts<{ logDir?: string; stateDir?: string }>()
  return {
    ...connectionsFromFlags(command),
    ...(queue && { queue }),
    selection: selectionFromFlags(command),
    ...(tables && { tables }),
    ...(hooks && { hooks }),
    options: optionsFromFlags(command),
    ...(logDir && { logDir }),
    ...(stateDir && { stateDir }),
    called: { option: (name) => `--${flagOf(name)}`, tables: '--where and --upsert-key' },
  }
}

function fromEnvironment(environment: Environment): Given {
  const queue = queueFromEnvironment(environment)
  return {
    ...connectionsFromEnvironment(environment),
    ...(queue && { queue }),
    selection: {},
    options: optionsFromEnvironment(environment),
    called: { option: variableOf, tables: 'the environment' },
  }
}

/** Options that exclude each other. */
const contradictions: [OptionName, OptionName][] = [
  ['schemaOnly', 'dataOnly'],
  ['dataOnly', 'existingTableMode'],
]

function refuseContradictions({ options, origins }: Settled) {
  for (const [one, other] of contradictions) {
    const both = [one, other].every((name) => options[name] !== defaultOptions[name])
    if (both)
      throw new UsageError(`${origins.get(one) ?? one} and ${origins.get(other) ?? other} exclude each other`)
  }
}

function withoutEffect({ options, tables }: Settled): string[] {
  const keyed = tables.filter((rule) => rule.key !== undefined)
  return keyed.length > 0 && options.existingDataMode !== 'upsert'
    ? [`the key by which ${keyed[0]?.table} merges has no effect: rows are merged with --upsert only`]
    : []
}
