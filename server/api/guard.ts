// Protects the API: requests of foreign pages are refused by their Host and Origin headers, over HTTP and WebSocket.
// If the server is reachable from other machines, every request needs the token.

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { say } from '../../shared/say.ts'
import { ApiFailure } from './errors.ts'

export interface GuardOptions {
  /** The address that the server listens on. */
  host: string
  /** Further host names that browsers may use, for example of a proxy. */
  names?: readonly string[]
  token?: string | undefined
}

export interface Guard {
  /** Throws an ApiFailure. */
  check(request: Request): void
  isTokenRight(token: string): boolean
  /** A ticket replaces the token for one login. */
  issueTicket(): string
  takeTicket(ticket: string): boolean
  /** Undefined if no token is needed. */
  readonly cookie: string | undefined
}

export const cookieName = 'pgtrek_session'
/** Paths that need no token: the login and the health check. */
const open: ReadonlySet<string> = new Set(['/login', '/health', '/pgtrek-plain.css'])

export function createGuard({ host, names = [], token }: GuardOptions): Guard {
  const known = new Set(['localhost', hostname(), host, ...names].map((name) => name.toLowerCase()))
  // The cookie contains a digest, so that the token is not stored by the browser.
  const cookie =
    token === undefined ? undefined : createHmac('sha256', token).update('pgtrek session').digest('hex')
  const tickets = new Set<string>()
  const isTokenRight = (given: string) => token !== undefined && areEqual(given, token)
  return {
    cookie,
    isTokenRight,
    issueTicket() {
      const ticket = randomBytes(24).toString('base64url')
      tickets.add(ticket)
      return ticket
    },
    takeTicket: (ticket) => tickets.delete(ticket),
    check(request) {
      checkHost(request.headers.get('host'), known)
      checkOrigin(request.headers)
      if (cookie === undefined || open.has(pathOf(request))) return
      const bearer = /^Bearer +(\S+)\s*$/i.exec(request.headers.get('authorization') ?? '')?.[1]
      if (bearer !== undefined && isTokenRight(bearer)) return
      const offered = tokenInProtocol(request)
      if (offered !== undefined && isTokenRight(offered)) return
      const session = cookieIn(request.headers.get('cookie'))
      if (session !== undefined && areEqual(session, cookie)) return
      throw new ApiFailure(
        'unauthorized',
        say`this API needs a token: send it as "Authorization: Bearer ..."`,
      )
    },
  }
}

/**
 * The path exactly as the router sees it: with another interpretation, the guard could allow a path that leads
 * elsewhere.
 */
export function pathOf({ url }: Request): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?', start)
  return url.slice(start, end < 0 ? undefined : end)
}

/**
 * A page of another site can make its own name point to this server (DNS rebinding). The browser then treats the
 * server as that site, but sends that name as Host. An address cannot be rebound.
 */
function checkHost(header: string | null, known: ReadonlySet<string>) {
  const name = hostIn(header)
  if (name !== undefined && (known.has(name) || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0)) return
  throw new ApiFailure('forbidden', say`unknown host name: use localhost, or start pgtrek with --allow-host`)
}

function checkOrigin(headers: Headers) {
  const origin = headers.get('origin')
  // Browsers that send Sec-Fetch-Site send it also without Origin.
  const site = headers.get('sec-fetch-site')
  const navigates = headers.get('sec-fetch-mode') === 'navigate' && origin === null
  const isForeign = site !== null && site !== 'same-origin' && site !== 'none' && !navigates
  if (!isForeign && (origin === null || placeOf(origin) === placeOf(`http://${headers.get('host')}`))) return
  throw new ApiFailure('forbidden', say`requests from other sites are refused`)
}

function hostIn(header: string | null): string | undefined {
  if (!header || !/^[\w.:[\]-]+$/.test(header)) return undefined
  try {
    return new URL(`http://${header}`).hostname.toLowerCase()
  } catch {
    return undefined
  }
}

/** Host name and port; the default port is omitted. */
function placeOf(origin: string): string | undefined {
  try {
    return new URL(origin).host.toLowerCase()
  } catch {
    return undefined
  }
}

/**
 * A WebSocket of a browser sends no Authorization. As one of the protocols that it offers, it can send the token in
 * hexadecimal: `pgtrek, pgtrek-token.736563726574`. The server chooses the first one.
 */
function tokenInProtocol(request: Request): string | undefined {
  if (pathOf(request) !== '/ws/progress') return undefined
  const offered = request.headers.get('sec-websocket-protocol') ?? ''
  const digits = /(?:^|,)\s*pgtrek-token\.((?:[0-9a-f]{2})+)\s*(?:,|$)/i.exec(offered)?.[1]
  return digits === undefined ? undefined : Buffer.from(digits, 'hex').toString()
}

function cookieIn(header: string | null): string | undefined {
  const pair = header?.split(/;\s*/).find((one) => one.startsWith(`${cookieName}=`))
  return pair?.slice(cookieName.length + 1)
}

/** Takes the same time for a wrong value as for the right one, whatever their lengths. */
function areEqual(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
