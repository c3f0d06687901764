// The flags of the connections, also under the names that other tools use, and of the configuration file.
import { type Command, Option } from 'commander'
import type { Connection } from '../../../shared/connection.ts'
import type { Environment } from '../../postgres/environment.ts'
import { UsageError } from '../../postgres/errors.ts'
import { resolveSettings } from '../../postgres/resolve-settings.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'

export type End = 'source' | 'dest'

const heading = 'Connections:'
const meanings = {
  source: 'source: postgres://user@host:port/database',
  dest: 'destination; the database must exist',
} as const
const otherNames = { source: ['source-uri'], dest: ['dest-uri', 'target'] } as const
export const endVariables = { source: 'PGTREK_SOURCE', dest: 'PGTREK_DEST' } as const

export function addConnectionFlags(
  command: Command,
  ends: readonly End[] = ['source', 'dest'],
  meaning: Record<End, string> = meanings,
) {
  for (const end of ends) {
    command.addOption(
      new Option(`--${end} <url>`, `${meaning[end]} (env: ${endVariables[end]})`).helpGroup(heading),
    )
    for (const other of otherNames[end]) {
      command.addOption(new Option(`--${other} <url>`, `the same as --${end}`).hideHelp())
    }
  }
}

/** For commands that also take their connections from a configuration file. */
export function addConfiguredConnectionFlags(command: Command, ends?: readonly End[]) {
  addConnectionFlags(command, ends)
  command.addOption(
    new Option(
      '--config <file>',
      'TOML or YAML file with options that no flag sets (docs/options.md)',
    ).helpGroup(heading),
  )
}

export function connectionsFromFlags(command: Command): Partial<Record<End, Connection>> {
  const flags = command.opts<Record<string, string | undefined>>()
  const source = flags.sourceUri ?? flags.source
  const dest = flags.destUri ?? flags.target ?? flags.dest
  return fromUrls({ source, dest })
}

export function connectionsFromEnvironment(environment: Environment): Partial<Record<End, Connection>> {
  return fromUrls({ source: environment[endVariables.source], dest: environment[endVariables.dest] })
}

/** Throws a UsageError without a connection. */
export function settingsFor(end: End, connection: Connection | undefined): ConnectionSettings {
  if (!connection) {
    throw new UsageError(
      `no ${end === 'dest' ? 'destination' : end} given: use --${end} postgres://user@host/database, set ${endVariables[end]}, or write it into a --config file`,
    )
  }
  return resolveSettings(connection)
}

function fromUrls({ source, dest }: Partial<Record<End, string | undefined>>) {
  return { ...(source && { source: { url: source } }), ...(dest && { dest: { url: dest } }) }
}
