// `pgtrek status --queue URL`: the workers of a queue, and what each copies now.
import { printable } from '../../shared/printable.ts'
import type { WorkerView } from '../../shared/worker.ts'
import { ServerError, sqlstate } from '../postgres/errors.ts'
import { resolveSettings } from '../postgres/resolve-settings.ts'
import { QueueConnection } from '../queue/connection.ts'
import { Ledger } from '../queue/ledger.ts'
import { jsonText, print, tell } from '../system/output.ts'
import { exitCode } from './exit.ts'

/** Read-only: does not create the tables of a queue. */
export async function queueStatus(url: string, asJson: boolean): Promise<number> {
  const workers = await workersOn(url)
  const lines = asJson ? [jsonText(workers)] : linesOf(workers)
  print(lines)
  return exitCode.done
}

async function workersOn(url: string): Promise<WorkerView[]> {
  const connection = new QueueConnection(resolveSettings({ url }), (message) => tell(`warning: ${message}`))
  try {
    return await new Ledger(connection).workers()
  } catch (error) {
    if (error instanceof ServerError && error.sqlstate === sqlstate.undefinedTable) return []
    throw error
  } finally {
    await connection.close()
  }
}

function linesOf(workers: readonly WorkerView[]): string[] {
  if (workers.length === 0) return ['no workers on this queue']
  return workers.flatMap(({ name, concurrency, jobs }) => [
    `${printable(name)}: ${jobs.length} jobs, ${concurrency} at a time`,
    ...jobs.map((job) => `  ${printable(job)}`),
  ])
}
