// Which processes and runs that the store knows are still running.
import { hostname } from 'node:os'

/** Of this process, which may have several. */
export const runsHere = new Set<string>()

/** What a run that still works has taken away is its own business. */
export function isRunning({
  run,
  host,
  process: id,
}: {
  run: string
  host: string
  process: number
}): boolean {
  if (host !== hostname()) return false
  return id === process.pid ? runsHere.has(run) : isAlive(id)
}

/** A process of this machine. */
export function isAlive(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}
