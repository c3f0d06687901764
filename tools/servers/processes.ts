// The processes of this machine, as far as the system shows them.
import { readdirSync, readFileSync } from 'node:fs'

/** A process that has ended, but that its parent has not waited for, does not count. */
export function isRunning(pid: number): boolean {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  // The name before the state can contain any character.
  return !/^.*\) [ZX] /s.test(readIfThere(`/proc/${pid}/stat`))
}

/** The direct children of a process; on Linux only. */
export function childrenOf(pid: number): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readIfThere(`/proc/${pid}/task/${task}/children`).split(' '))
    .filter(Boolean)
    .map(Number)
    .filter(isRunning)
}

/** Processes with this entry in their environment, `NAME=value`, which they inherit; on Linux only. */
export function processesWith(entry: string): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && readIfThere(`/proc/${name}/environ`).split('\0').includes(entry))
    .map(Number)
}

export function commandOf(pid: number): string {
  const words = readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
  return words.slice(0, 300) || `process ${pid}`
}

export function kill(pid: number) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
