// The unexpected end of a worker thread: by an uncaught error, by an exit, or because it could not be loaded.
// Requests to it are never answered.

/** Resolves with the cause as far as it is known, also when the worker ended before this call. */
export function endOf(worker: Worker): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  worker.addEventListener('error', ({ message }) => resolve(causeIn(message)))
  worker.addEventListener('close', (event) =>
    resolve(`the thread exited (code ${(event as CloseEvent).code})`),
  )
  return promise
}

/** Bun adds lines of the source code to the message. */
function causeIn(message: string): string {
  const lines = message.split('\n').map((line) => line.trim())
  const cause = lines.find((line) => /^(error|\w*Error|\w*Message): /.test(line)) ?? lines[0] ?? ''
  const place = lines.find((line) => line.startsWith('at '))
  return `${cause.replace(/^error: /, '')}${place ? ` (${place})` : ''}`
}
