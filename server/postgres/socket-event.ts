// Waiting for one event of a socket.
import type { EventEmitter } from 'node:events'

/** Waits for an event of the socket. Rejects when the event cannot occur any more. */
export function firstEvent(socket: EventEmitter, event: string, stop: AbortSignal): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const closed = () => reject(new ClosedTooSoon())
  const stopped = () => reject(stop.reason)
  socket.once(event, resolve)
  socket.once('error', reject)
  socket.once('close', closed)
  stop.addEventListener('abort', stopped, { once: true })
  if (stop.aborted) stopped()
  return promise.finally(() => {
    socket.off(event, resolve)
    socket.off('error', reject)
    socket.off('close', closed)
    stop.removeEventListener('abort', stopped)
  })
}

export class ClosedTooSoon extends Error {
  override message = 'the connection was closed'
}
