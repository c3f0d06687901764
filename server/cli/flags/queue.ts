// The flag of the queue, the database through which runs and workers find each other.
import { type Command, Option } from 'commander'
import type { Connection } from '../../../shared/connection.ts'
import type { Environment } from '../../postgres/environment.ts'

export const queueVariable = 'PGTREK_QUEUE'

export function addQueueFlag(command: Command, meaning: string) {
  command.addOption(new Option('--queue <url>', `${meaning} (env: ${queueVariable})`).helpGroup('Workers:'))
}

export function queueFromFlags(command: Command): Connection | undefined {
  return urlOf(command.opts<{ queue?: string }>().queue)
}

export function queueFromEnvironment(environment: Environment): Connection | undefined {
  return urlOf(environment[queueVariable])
}

function urlOf(url: string | undefined): Connection | undefined {
  return url ? { url } : undefined
}
