// Which processes and runs that the store knows are still running.
import { hostname } from 'node:os'

/** Of this process, which may have several. */
export const runsHere = new Set<string>()

/** A run that is still running restores itself what it has suspended. */
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
