// The processes of a run, known by a variable that each inherits from the one that started it.
import { readdirSync, readFileSync } from 'node:fs'
import { eventually } from '../../test/support/eventually.ts'

/** Servers that were told to stop take a moment. */
const patienceMs = 10_000

/** Ends those that do not end by themselves; returns their commands. Where the system does not tell, none. */
export async function endProcesses(variable: string, value: string): Promise<string[]> {
  const look = () => processesWith(`${variable}=${value}`)
  const left = await eventually('the end of all processes', look, (pids) => pids.length === 0, {
    withinMs: patienceMs,
  }).catch(look)
  const commands = left.map(commandOf)
  for (const pid of left) kill(pid)
  await eventually('the end of killed processes', look, (pids) => pids.length === 0)
  return commands
}

/** A process that has ended, but that its parent has not taken note of, has no environment any more. */
function processesWith(entry: string): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && readIfThere(`/proc/${name}/environ`).split('\0').includes(entry))
    .map(Number)
}

function commandOf(pid: number): string {
  return readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() || `process ${pid}`
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function kill(pid: number) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
