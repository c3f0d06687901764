// However the process ends, its user gets the terminal back, and before anything is said about why.

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** `restore` may be called more than once. */
export function guardTerminal(restore: () => void): Disposable {
  const onSignal = (signal: NodeJS.Signals) => {
    // Whoever else listens decides when it ends; until then it goes on.
    if (process.listenerCount(signal) > 1) return
    unguard()
    restore()
    process.kill(process.pid, signal)
  }
  // The page it is printed on would be gone in the next moment.
  const onException = () => restore()
  const onRejection = (reason: unknown) => {
    unguard()
    restore()
    throw reason
  }
  const unguard = () => {
    process.off('exit', restore)
    process.off('uncaughtExceptionMonitor', onException)
    process.off('unhandledRejection', onRejection)
    for (const signal of signals) process.off(signal, onSignal)
  }
  process.on('exit', restore)
  process.on('uncaughtExceptionMonitor', onException)
  process.on('unhandledRejection', onRejection)
  for (const signal of signals) process.on(signal, onSignal)
  return { [Symbol.dispose]: unguard }
}
