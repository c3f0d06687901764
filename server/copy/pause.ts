// A pause that ends immediately when the run is cancelled.
import { Cancelled } from '../postgres/errors.ts'

export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(new Cancelled())
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
  })
}
