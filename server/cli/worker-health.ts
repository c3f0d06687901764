// A worker has no page; what watches over it still wants to ask whether it lives.

/** It looks for jobs twice a second, unless it waits for a queue that is away. */
const longestSilenceMs = 150_000

export function serveHealth(
  port: number | undefined,
  silence: () => number,
  say: (line: string) => void,
): AsyncDisposable {
  if (port === undefined) return { async [Symbol.asyncDispose]() {} }
  const server = Bun.serve({
    port,
    hostname: '127.0.0.1',
    fetch(request) {
      if (new URL(request.url).pathname !== '/health') return new Response('not found', { status: 404 })
      const isWell = silence() < longestSilenceMs
      return new Response(isWell ? 'ok' : 'it does not look for jobs', { status: isWell ? 200 : 503 })
    },
  })
  say(`answers at http://127.0.0.1:${server.port}/health`)
  return {
    async [Symbol.asyncDispose]() {
      await server.stop(true)
    },
  }
}
