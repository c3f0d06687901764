// A worker thread that ends although nobody has ended it: by an error that nothing in it caught, by an exit, or since
// it could not be loaded. What was asked of it is never answered.

/** Resolves with what is known of the cause, also when it ended before anybody asked. */
export function endOf(worker: Worker): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  worker.addEventListener('error', ({ message }) => resolve(causeIn(message)))
  worker.addEventListener('close', (event) =>
    resolve(`the thread exited (code ${(event as CloseEvent).code})`),
  )
  return promise
}

/** Bun puts the lines of the program around it. */
function causeIn(message: string): string {
  const lines = message.split('\n').map((line) => line.trim())
  const cause = lines.find((line) => /^(error|\w*Error|\w*Message): /.test(line)) ?? lines[0] ?? ''
  const place = lines.find((line) => line.startsWith('at '))
  return `${cause.replace(/^error: /, '')}${place ? ` (${place})` : ''}`
}
