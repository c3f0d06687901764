// The connections that a worker knows, by the names that jobs use: the two of a clone, or those of a fleet's mappings.
import { readFileSync } from 'node:fs'
import { basename, extname } from 'node:path'
import type { Command } from 'commander'
import type { Connection } from '../../../shared/connection.ts'
import { isRecord } from '../../../shared/spelling.ts'
import { readConfigFile } from '../../config/file.ts'
import { parseConfig } from '../../config/syntax.ts'
import { readFleetConfig } from '../../fleet/config.ts'
import type { Environment } from '../../postgres/environment.ts'
import { UsageError } from '../../postgres/errors.ts'
import { connectionsFromEnvironment, connectionsFromFlags } from './connection.ts'
import { queueFromEnvironment, queueFromFlags } from './queue.ts'

export interface KnownEnds {
  queue: Connection | undefined
  /** Undefined stands for the two connections without a name. */
  mappings: (string | undefined)[]
  connectionsOf(mapping: string | undefined): { source: Connection; dest: Connection }
}

export function knownEnds(command: Command, environment: Environment): KnownEnds {
  const { config } = command.opts<{ config?: string }>()
  const isFleet = config !== undefined ? hasMappings(config) : hasMappingVariables(environment)
  const file = config !== undefined && !isFleet ? readConfigFile(config, environment) : undefined
  const flags = connectionsFromFlags(command)
  const variables = connectionsFromEnvironment(environment)
  const source = flags.source ?? file?.source ?? variables.source
  const dest = flags.dest ?? file?.dest ?? variables.dest
  const fleet = isFleet ? readFleetConfig(config, environment) : undefined
  const mappings = fleet?.mappings ?? []
  const byName = new Map(mappings.map((mapping) => [mapping.name, mapping]))
  const hasOwn = source !== undefined && dest !== undefined
  if (!hasOwn && byName.size === 0) {
    throw new UsageError(
      'a worker needs the connections that it copies between: --source and --dest, PGTREK_SOURCE and PGTREK_DEST, or a --config file with them or with the mappings of a fleet',
    )
  }
  return {
    queue: queueFromFlags(command) ?? file?.queue ?? fleet?.queue ?? queueFromEnvironment(environment),
    mappings: [...(hasOwn ? [undefined] : []), ...byName.keys()],
    connectionsOf(name) {
      if (name === undefined && hasOwn) return { source, dest }
      const mapping = byName.get(name ?? '')
      if (!mapping) throw new UsageError(`this worker does not know the mapping "${name}"`)
      return mapping
    },
  }
}

function hasMappings(path: string): boolean {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`--config: ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  const content = parseConfig(text, extname(path), basename(path))
  return isRecord(content) && content.mappings !== undefined
}

function hasMappingVariables(environment: Environment): boolean {
  return Object.keys(environment).some((name) => name.startsWith('PGTREK_MAPPINGS__'))
}
