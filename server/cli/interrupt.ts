// Ctrl-C once: a clean stop. Twice: at once. A terminal that is closed, or a mistake of our own that nobody caught,
// is a reason to stop cleanly, too: what was taken from a destination for a while is put back first.
import { readFileSync } from 'node:fs'
import { isMistake, isOfSystem, mistakeWords } from '../postgres/programming-error.ts'
import { tell, tellMistake } from '../system/output.ts'
import { exitCode } from './exit.ts'

/** SIGHUP: the terminal is gone. SIGQUIT: Ctrl-\\. */
export const stopSignals: readonly NodeJS.Signals[] = [
  ...(['SIGINT', 'SIGTERM', 'SIGQUIT'] as const),
  ...(isHangupIgnored() ? [] : (['SIGHUP'] as const)),
]
/** What a terminal sends twice on its way out: the shell, and the kernel when the terminal itself goes. */
const repeated: ReadonlySet<string> = new Set(['SIGHUP'])

/** Who starts us by nohup wants us to outlive the terminal; a listener would undo that. */
function isHangupIgnored(): boolean {
  try {
    const [, mask = '0'] = /^SigIgn:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return (BigInt(`0x${mask}`) & 1n) === 1n
  } catch {
    // Where this cannot be asked: nohup leaves none of the three at a terminal.
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

/** Where it happened is for those who look for the cause. */
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

/** Nobody caught it: what is under way is stopped as by a signal, and the process ends with a failure. */
export function crash(reason: unknown) {
  // A page over the whole terminal listens, too.
  if (hasCrashed && reason === lastReason) return
  lastReason = reason
  tellCrash(reason)
  if (hasCrashed || stops.size === 0) process.exit(exitCode.failures)
  hasCrashed = true
  for (const stop of stops) stop()
}

/** Also when what was stopped has ended well. */
export function crashCode(): number | undefined {
  return hasCrashed ? exitCode.failures : undefined
}
