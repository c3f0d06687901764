// Runs a program and measures what it costs: time, processor time and memory of its own processes.
import { readFileSync } from 'node:fs'

export interface Cost {
  /** Wall time. */
  seconds: number
  /** User and system time of the program and of every process it started and waited for. */
  cpuSeconds: number
  /** Resident memory of all its processes together, at its highest sample; what they share counts once. */
  peakBytes: number
}

export interface Finished extends Cost {
  output: string
}

const sampleEveryMs = 50

/** Rejects with what the program said when it fails. */
export async function runMetered(command: string[], env: Record<string, string> = {}): Promise<Finished> {
  const begun = performance.now()
  const child = Bun.spawn(command, {
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const memory = new MemorySampler(child.pid)
  const [output, complaints, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  const seconds = (performance.now() - begun) / 1000
  memory.stop()
  if (code !== 0) {
    const said = (complaints || output).slice(-2000)
    throw new Error(`${command.join(' ')} ended with ${code}: ${said}`)
  }
  const usage = child.resourceUsage()
  return {
    seconds,
    cpuSeconds: Number(usage?.cpuTime.total ?? 0) / 1e6,
    // The kernel's own maximum counts the moment before exec, when the child was still a copy of us: it
    // serves only where there is no /proc.
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

/** Each page by the share that this process has in it: forks have most of theirs in common. */
function proportionalBytes(pid: number): number {
  return kilobytes(/^Pss:\s+(\d+) kB/m, `/proc/${pid}/smaps_rollup`) * 1024
}

function kilobytes(field: RegExp, file: string): number {
  return Number(field.exec(read(file))?.[1] ?? 0)
}

/** A process may be gone between being listed and being read. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
