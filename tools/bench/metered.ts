// Runs a program and measures what it costs: time, processor time and memory of its own processes.
import { readFileSync } from 'node:fs'

export interface Cost {
  /** Wall time. */
  seconds: number
  /** User and system time of the program and of the processes that it started and waited for. */
  cpuSeconds: number
  /** Highest sample of the resident memory of all its processes; shared pages count once. */
  peakBytes: number
}

export interface Finished extends Cost {
  output: string
}

const sampleEveryMs = 50

/** Rejects with the output of a program that fails. */
export async function runMetered(command: string[], env: Record<string, string> = {}): Promise<Finished> {
  const started = performance.now()
  const child = Bun.spawn(command, {
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const memory = new MemorySampler(child.pid)
  const [output, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  const seconds = (performance.now() - started) / 1000
  memory.stop()
  if (code !== 0) {
    const words = (errors || output).slice(-2000)
    throw new Error(`${command.join(' ')} ended with ${code}: ${words}`)
  }
  const usage = child.resourceUsage()
  return {
    seconds,
    cpuSeconds: Number(usage?.cpuTime.total ?? 0) / 1e6,
    // Where there is no /proc. The kernel's maximum is too high: it includes the moment before exec, when the child
    // was still a copy of this process.
    peakBytes: memory.peak || (usage?.maxRSS ?? 0),
    output,
  }
}

class MemorySampler {
  peak = 0
  readonly #timer: NodeJS.Timeout

  constructor(root: number) {
    this.#timer = setInterval(() => {
      const processes = tree(root)
      const sizes = processes.length === 1 ? [residentBytes(root)] : processes.map(proportionalBytes)
      const total = sizes.reduce((sum, size) => sum + size, 0)
      this.peak = Math.max(this.peak, total)
    }, sampleEveryMs)
  }

  stop() {
    clearInterval(this.#timer)
  }
}

function tree(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return [pid, ...children.flatMap(tree)]
}

function residentBytes(pid: number): number {
  return kilobytes(/^VmRSS:\s+(\d+) kB/m, `/proc/${pid}/status`) * 1024
}

/** Divides each page by the number of processes that share it: forks share most of theirs. */
function proportionalBytes(pid: number): number {
  return kilobytes(/^Pss:\s+(\d+) kB/m, `/proc/${pid}/smaps_rollup`) * 1024
}

function kilobytes(field: RegExp, file: string): number {
  return Number(field.exec(read(file))?.[1] ?? 0)
}

/** Empty if the process has ended since it was listed. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
