// Opens the queue of a command. pg-boss is loaded only if there is a queue.
import type { Connection } from '../../shared/connection.ts'
import { resolveSettings } from '../postgres/resolve-settings.ts'
import type { JobQueue } from '../queue/queue.ts'

export async function openQueue(
  connection: Connection | undefined,
  onWarning: (message: string) => void,
): Promise<JobQueue | undefined> {
  if (!connection) return undefined
  const { JobQueue } = await import('../queue/queue.ts')
  const settings = resolveSettings(connection)
  for (const warning of settings.warnings) onWarning(warning)
  return await JobQueue.open(settings, onWarning)
}
