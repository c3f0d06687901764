// Connects to a server by TCP or a Unix socket, encrypted if the settings require it or the server supports it.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
import { messageOf } from '../../shared/message-of.ts'
import { Cancelled, ConnectFailed } from './errors.ts'
import { type ConnectionSettings, isSocketDirectory, serverName } from './settings.ts'
import { ServerSocket } from './socket.ts'
import { firstEvent } from './socket-event.ts'
import { encrypt } from './tls.ts'

export type Attempt = 'plain' | 'tls'

export interface Dialled {
  socket: ServerSocket
  encrypted: boolean
  tlsVersion?: string
}

/**
 * The ways to connect, in order. The next one is for a server that refuses the previous one for being encrypted, or
 * for not being encrypted, which only the login shows.
 * https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 */
export function attemptsFor(settings: ConnectionSettings): Attempt[] {
  if (isSocketDirectory(settings.host)) return ['plain']
  switch (settings.tls.mode) {
    case 'disable':
      return ['plain']
    case 'allow':
      return ['plain', 'tls']
    case 'prefer':
      return ['tls', 'plain']
    default:
      return ['tls']
  }
}

/** The connect timeout covers all of this. */
export async function dial(
  settings: ConnectionSettings,
  attempt: Attempt = attemptsFor(settings)[0] ?? 'plain',
  signal?: AbortSignal,
): Promise<Dialled> {
  if (signal?.aborted) throw new Cancelled()
  const stop = new AbortController()
  const cancel = () => stop.abort(new Cancelled())
  const expire = () => stop.abort(timedOut(settings))
  const timer = settings.connectTimeout > 0 ? setTimeout(expire, settings.connectTimeout * 1000) : undefined
  signal?.addEventListener('abort', cancel, { once: true })
  let socket: ServerSocket | undefined
  try {
    socket = await reach(settings, stop.signal)
    return attempt === 'plain' ? { socket, encrypted: false } : await negotiate(socket, settings, stop.signal)
  } catch (error) {
    socket?.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', cancel)
  }
}

async function reach(settings: ConnectionSettings, stop: AbortSignal): Promise<ServerSocket> {
  const { host, hostAddress, port } = settings
  const overNetwork = !isSocketDirectory(host)
  const socket = ServerSocket.connect(
    overNetwork ? { hostname: hostAddress ?? host, port } : { unix: socketPath(settings) },
  )
  try {
    await firstEvent(socket, 'connect', stop)
  } catch (error) {
    // An abandoned attempt may still fail later, when its error is reported to no caller.
    socket.on('error', () => {})
    socket.destroy()
    throw error === stop.reason ? error : unreachable(error, settings)
  }
  if (overNetwork) {
    socket.setNoDelay()
    // An index build may send nothing for hours, and firewalls drop silent connections.
    socket.setKeepAlive(30_000)
  }
  return socket
}

async function negotiate(
  socket: ServerSocket,
  settings: ConnectionSettings,
  stop: AbortSignal,
): Promise<Dialled> {
  if (!settings.tls.direct && !(await offersTls(socket, settings, stop))) {
    if (settings.tls.mode === 'prefer') return { socket, encrypted: false }
    throw new ConnectFailed(
      'tls',
      `${serverName(settings)} does not offer TLS, and sslmode=${settings.tls.mode} requires it: ` +
        'enable ssl on the server, or use sslmode=prefer or disable where the network is safe',
    )
  }
  const tlsVersion = await encrypt(socket, settings, stop)
  return { socket, encrypted: true, tlsVersion }
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-SSLREQUEST */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

async function offersTls(
  socket: ServerSocket,
  settings: ConnectionSettings,
  stop: AbortSignal,
): Promise<boolean> {
  socket.write(sslRequest)
  let answer: Buffer
  try {
    answer = (await firstEvent(socket, 'data', stop)) as Buffer
  } catch (error) {
    if (error === stop.reason) throw error
    const message = `${serverName(settings)} closed the connection when asked for TLS: is a PostgreSQL server listening there?`
    throw new ConnectFailed('tls', message, { cause: error })
  }
  // Additional bytes are an attempt to inject data before the encryption starts (CVE-2021-23222). An error message at
  // this point is not authenticated either.
  if (answer.length === 1 && answer[0] === 'S'.charCodeAt(0)) return true
  if (answer.length === 1 && answer[0] === 'N'.charCodeAt(0)) return false
  throw new ConnectFailed(
    'tls',
    `${serverName(settings)} answered the request for TLS with something other than yes or no: ` +
      'it is not a PostgreSQL server, it is overloaded, or the connection is intercepted',
  )
}

function socketPath({ host, port }: ConnectionSettings): string {
  return `${host.replace(/^@/, '\0')}/.s.PGSQL.${port}`
}

export function timedOut(settings: ConnectionSettings): ConnectFailed {
  return new ConnectFailed(
    'timeout',
    `${serverName(settings)} did not answer within ${settings.connectTimeout} s: ` +
      'check host and port, and whether a firewall blocks the connection',
  )
}

function unreachable(error: unknown, settings: ConnectionSettings): ConnectFailed {
  const code = errorCode(error)
  const server = serverName(settings)
  const fail = (reason: ConnectFailed['reason'], message: string) =>
    new ConnectFailed(reason, message, { cause: error })
  if (isSocketDirectory(settings.host)) return fail('refused', socketProblem(code, settings, error))
  switch (code) {
    case 'ENOTFOUND':
    case 'ENODATA':
    case 'EAI_NONAME':
      return fail('host', `there is no host named ${settings.hostAddress ?? settings.host}: check its name`)
    case 'EAI_AGAIN':
    case 'ETIMEOUT':
      return fail('host', `the name server did not resolve ${settings.host}: try again later`)
    case 'ECONNREFUSED':
      return fail(
        'refused',
        `nothing listens on ${server}: check host and port, whether the server runs, and its listen_addresses`,
      )
    case 'ETIMEDOUT':
      return fail(
        'timeout',
        `${server} did not answer: check host and port, and whether a firewall blocks the connection`,
      )
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return fail(
        'host',
        `there is no network route to ${server}: check the address, the network and the VPN`,
      )
    default:
      return fail('closed', `the connection to ${server} failed: ${wordsOf(error)}`)
  }
}

function socketProblem(code: string, settings: ConnectionSettings, error: unknown): string {
  const path = socketPath(settings).replace('\0', '@')
  if (code === 'ENOENT')
    return `the server socket ${path} does not exist: check directory and port, and whether the server runs`
  if (code === 'EACCES') return `the server socket ${path} cannot be opened by this user: permission denied`
  if (code === 'ECONNREFUSED')
    return `nothing listens on the server socket ${path}: the server is not running`
  return `the server socket ${path} cannot be used: ${wordsOf(error)}`
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** The error code of the system is more precise than "Failed to connect". */
function wordsOf(error: unknown): string {
  const words = messageOf(error)
  const code = errorCode(error)
  return code && !words.includes(code) ? `${words} (${code})` : words
}
