// However the process ends, its user gets the terminal back, and before anything is said about why.

import { crash, stopSignals } from '../interrupt.ts'

/** `restore` may be called more than once. */
export function guardTerminal(restore: () => void): Disposable {
  const onSignal = (signal: NodeJS.Signals) => {
    // Whoever else listens decides when it ends; until then it goes on.
    if (process.listenerCount(signal) > 1) return
    unguard()
    restore()
    process.kill(process.pid, signal)
  }
  // Bun would print it on the page that is gone in the next moment, and, while main.ts awaits the command, not end.
  const onCrash = (reason: unknown) => {
    unguard()
    restore()
    crash(reason)
  }
  const unguard = () => {
    process.off('exit', restore)
    process.off('uncaughtException', onCrash)
    process.off('unhandledRejection', onCrash)
    for (const signal of stopSignals) process.off(signal, onSignal)
  }
  process.on('exit', restore)
  process.on('uncaughtException', onCrash)
  process.on('unhandledRejection', onCrash)
  for (const signal of stopSignals) process.on(signal, onSignal)
  return { [Symbol.dispose]: unguard }
}
