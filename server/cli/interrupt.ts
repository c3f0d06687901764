// Ctrl-C once stops cleanly, twice immediately. A closed terminal and an uncaught error also stop cleanly, so that
// what was suspended on a destination is restored first.
import { readFileSync } from 'node:fs'
import { isMistake, isOfSystem, mistakeWords } from '../postgres/programming-error.ts'
import { tell, tellMistake } from '../system/output.ts'
import { exitCode } from './exit.ts'

/** SIGHUP: the terminal was closed. SIGQUIT: Ctrl-\\. */
export const stopSignals: readonly NodeJS.Signals[] = [
  ...(['SIGINT', 'SIGTERM', 'SIGQUIT'] as const),
  ...(isHangupIgnored() ? [] : (['SIGHUP'] as const)),
]
/** A terminal that closes sends it twice: from the shell, and from the kernel. */
const repeated: ReadonlySet<string> = new Set(['SIGHUP'])

/** Started by nohup, this process must outlive the terminal. A listener for SIGHUP would undo that. */
function isHangupIgnored(): boolean {
  try {
    const [, mask = '0'] = /^SigIgn:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return (BigInt(`0x${mask}`) & 1n) === 1n
  } catch {
    // Where this cannot be read: nohup redirects all three away from the terminal.
    return ![process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)
  }
}

const stops = new Set<() => void>()
let hasCrashed = false
let lastReason: unknown

export function interruptible(tell: () => void): Disposable & { signal: AbortSignal } {
  const controller = new AbortController()
  const abort = () => {
    if (controller.signal.aborted) return
    controller.abort()
    tell()
  }
  const stop = (signal: string) => {
    if (controller.signal.aborted && !repeated.has(signal)) process.exit(exitCode.cancelled)
    abort()
  }
  for (const signal of stopSignals) process.on(signal, stop)
  stops.add(abort)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of stopSignals) process.off(signal, stop)
      stops.delete(abort)
    },
  }
}

/** With the stack, to find the cause. */
function tellCrash(reason: unknown) {
  if (!(reason instanceof Error)) return tellMistake(reason, 'pgtrek:')
  tell(`pgtrek: ${mistakeWords(reason)}`)
  if (process.env.PGTREK_DEBUG || process.argv.includes('--verbose')) return tellMistake(reason)
  if (isOfSystem(reason)) return
  if (isMistake(reason)) {
    tell(
      '  check that both ends are PostgreSQL servers, and that no proxy between changes the protocol; if so,',
    )
  }
  tell('  please report this, with what the same command prints with PGTREK_DEBUG=1 in its environment')
}

/** For an uncaught error: stops as after a signal, and the process ends with a failure. */
export function crash(reason: unknown) {
  // The full-screen dashboard reports the same error.
  if (hasCrashed && reason === lastReason) return
  lastReason = reason
  tellCrash(reason)
  if (hasCrashed || stops.size === 0) process.exit(exitCode.failures)
  hasCrashed = true
  for (const stop of stops) stop()
}

/** Set also if everything that was running has stopped cleanly. */
export function crashCode(): number | undefined {
  return hasCrashed ? exitCode.failures : undefined
}
