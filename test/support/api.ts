// The real server on a separate port, with plain requests, invalid ones, and the WebSocket.
import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { type RunningServer, type ServerOptions, startServer } from '../../server/api/start.ts'
import type { JobProgress, ProgressMessage } from '../../shared/api.ts'
import type { FleetMessage, FleetUpdate } from '../../shared/fleet-api.ts'
import type { FollowMessage } from '../../shared/follow-api.ts'
import { within } from '../../tools/eventually.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'

export interface Answer {
  status: number
  headers: Headers
  text: string
  // Each test declares the type of the properties that it reads.
  // biome-ignore lint/suspicious/noExplicitAny: the responses of the routes have different types
  json: any
}

export interface Api extends AsyncDisposable {
  server: RunningServer
  stateDirectory: string
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Sent exactly as given: also what fetch would not send. */
  raw(options: {
    method?: string
    path: string
    headers?: Record<string, string>
    body?: string
  }): Promise<Answer>
  /** `partial`: as the page does it. */
  watch(headers?: Record<string, string>, wants?: 'partial' | 'complete'): Promise<Watched>
}

export interface Watched extends Disposable {
  messages: JobProgress[]
  follows: FollowMessage[]
  fleets: FleetUpdate[]
  say(text: string): void
  // Each of these returns the first message for which `holds` is true, also one that was received before the call.
  untilFleet(holds: (update: FleetUpdate) => boolean): Promise<FleetUpdate>
  untilFollow(holds: (message: FollowMessage) => boolean): Promise<FollowMessage>
  until(holds: (progress: JobProgress) => boolean): Promise<JobProgress>
}

export async function startApi(options: Partial<ServerOptions> = {}): Promise<Api> {
  const directory = join(scratchDirectory(), `api-${randomUUID().slice(0, 8)}`)
  const stateDirectory = options.stateDirectory ?? join(directory, 'state')
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    names: [],
    allowCommands: false,
    logDirectory: join(directory, 'logs'),
    keychain: false,
    ...options,
    stateDirectory,
  })
  const base = `http://127.0.0.1:${server.port}`

  async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const answer = await fetch(base + path, {
      method,
      redirect: 'manual',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return answered(answer.status, answer.headers, await answer.text())
  }

  return {
    server,
    stateDirectory,
    send,
    get: (path, headers) => send('GET', path, undefined, headers),
    post: (path, body, headers) => send('POST', path, body, headers),
    raw({ method = 'GET', path, headers = {}, body }) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      const sent = httpRequest(
        { host: '127.0.0.1', port: server.port, method, path, headers, agent: false },
        (got) => {
          let text = ''
          got.on('data', (chunk) => (text += chunk))
          got.on('end', () => {
            const pairs = Object.entries(got.headers).map(
              ([name, value]) => [name, String(value)] as [string, string],
            )
            resolve(answered(got.statusCode ?? 0, new Headers(pairs), text))
          })
        },
      )
      sent.on('error', reject)
      sent.end(body)
      return promise
    },
    watch: (headers = {}, wants = 'partial') =>
      watch(`${base.replace('http', 'ws')}/ws/progress${wants === 'partial' ? '?partial=1' : ''}`, headers),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

function answered(status: number, headers: Headers, text: string): Answer {
  const isJson = headers.get('content-type')?.startsWith('application/json')
  return { status, headers, text, json: isJson ? JSON.parse(text) : undefined }
}

async function watch(url: string, headers: Record<string, string>): Promise<Watched> {
  const messages: JobProgress[] = []
  const follows: FollowMessage[] = []
  const fleets: FleetUpdate[] = []
  const waiting = new Set<() => void>()
  const socket = new WebSocket(url, { headers } as never)
  const opened = Promise.withResolvers<void>()
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data) as ProgressMessage | FollowMessage | FleetMessage
    if (message.type === 'progress') messages.push(message.data)
    else if (message.type === 'fleet') fleets.push(message.data)
    else follows.push(message)
    for (const look of waiting) look()
  }
  socket.onopen = () => opened.resolve()
  socket.onclose = () => opened.reject(new Error('the WebSocket was refused'))
  await within(`the WebSocket ${url} to open`, opened.promise)
  function first<Message>(list: Message[], holds: (message: Message) => boolean): Promise<Message> {
    const { promise, resolve } = Promise.withResolvers<Message>()
    const look = () => {
      const found = list.find(holds)
      if (!found) return
      waiting.delete(look)
      resolve(found)
    }
    waiting.add(look)
    look()
    return within(`a message for which this holds: ${holds}`, promise, undefined, () => ({
      messages: list.length,
      last: list.at(-1),
    })).finally(() => waiting.delete(look))
  }

  return {
    messages,
    follows,
    fleets,
    say: (text) => socket.send(text),
    untilFleet: (holds) => first(fleets, holds),
    until: (holds) => first(messages, holds),
    untilFollow: (holds) => first(follows, holds),
    [Symbol.dispose]: () => socket.close(),
  }
}
