// Which of the stored processes and runs are still active.
import { hostname } from 'node:os'

/** The runs of this process, which may have several. */
export const runsHere = new Set<string>()

/** An active run restores by itself what it has suspended. */
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

/** For a process on this machine. */
export function isAlive(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}
