// Restores the terminal however the process ends, before any message is printed.

import { crash, stopSignals } from '../interrupt.ts'

/** `restore` may be called more than once. */
export function guardTerminal(restore: () => void): Disposable {
  const onSignal = (signal: NodeJS.Signals) => {
    // Another listener decides when the process ends; until then the dashboard stays.
    if (process.listenerCount(signal) > 1) return
    unguard()
    restore()
    process.kill(process.pid, signal)
  }
  // Otherwise Bun would print the error on the alternate screen, which is about to disappear, and the process would
  // not end while main.ts awaits the command.
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
