// Ctrl-C once: a clean stop. Twice: at once.
import { exitCode } from './exit.ts'

export function interruptible(tell: () => void): Disposable & { signal: AbortSignal } {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCode.cancelled)
    controller.abort()
    tell()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}
