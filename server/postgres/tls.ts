// Encrypts a connection and verifies the server's certificate, as libpq does.
// https://www.postgresql.org/docs/current/libpq-ssl.html

import { isIP } from 'node:net'
import { checkServerIdentity, getCACertificates, rootCertificates } from 'node:tls'
import { messageOf } from '../../shared/message-of.ts'
import { type PlainFile, readPlainFile } from '../system/plain-file.ts'
import { ConnectFailed } from './errors.ts'
import { type ConnectionSettings, serverName, type TlsSettings } from './settings.ts'
import type { ServerSocket } from './socket.ts'
import { ClosedTooSoon, firstEvent } from './socket-event.ts'

/** As in the handshake: preceded by its length. */
const applicationProtocol = Buffer.from('\x0apostgresql')

/** Resolves with the TLS version. Bun offers 1.2 and 1.3. */
export async function encrypt(
  socket: ServerSocket,
  settings: ConnectionSettings,
  stop: AbortSignal,
): Promise<string> {
  const { host, tls } = settings
  const authorities = trustedAuthorities(tls)
  const identity = clientIdentity(tls)
  try {
    socket.encrypt({
      ALPNProtocols: applicationProtocol,
      ...(isIP(host) === 0 && { serverName: host }),
      ...(authorities && { ca: authorities }),
      ...identity,
    })
  } catch (error) {
    throw unusableFiles(error, tls)
  }
  try {
    const distrust = (await firstEvent(socket, 'secure', stop)) as Error | null
    const problem = authorities && certificateProblem(distrust, socket, settings)
    if (problem) throw problem
    return socket.tlsVersion ?? 'TLS'
  } catch (error) {
    throw error === stop.reason ? error : handshakeFailure(error, settings)
  }
}

/**
 * Bun also compares the certificate's name with the address that was connected to. Whether a name has to be compared,
 * and which, follows libpq's rules here. Bun reports problems with signatures before those with names.
 */
function certificateProblem(distrust: Error | null, socket: ServerSocket, { host, tls }: ConnectionSettings) {
  if (distrust && errorCode(distrust) !== misnamed) return distrust
  return tls.mode === 'verify-full' ? checkServerIdentity(host, socket.peerCertificate) : undefined
}

/**
 * Undefined: the certificate is not verified. `allow` and `prefer` only encrypt if possible, so an existing root
 * certificate does not make them refuse a server.
 */
function trustedAuthorities(tls: TlsSettings): string | string[] | undefined {
  if (tls.mode === 'allow' || tls.mode === 'prefer') return undefined
  if (tls.rootCert === 'system') {
    const known = getCACertificates('system')
    return known.length > 0 ? known : [...rootCertificates]
  }
  if (tls.rootCert) return readPem(tls.rootCert, 'root certificate').text
  if (tls.mode === 'require') return undefined
  throw new ConnectFailed(
    'certificate',
    `sslmode=${tls.mode} needs the certificate of the authority that signed the server's certificate: set its file as ` +
      'sslrootcert, put it in ~/.postgresql/root.crt, or use sslrootcert=system for a public one',
  )
}

function clientIdentity(tls: TlsSettings): { cert: string; key: string } | undefined {
  if (!tls.cert) return undefined
  if (!tls.key) {
    throw new ConnectFailed(
      'certificate',
      `the client certificate ${tls.cert} needs its private key: set its file as sslkey`,
    )
  }
  const cert = readPem(tls.cert, 'client certificate').text
  const key = readPem(tls.key, 'private key')
  refuseOpenKey(tls.key, key)
  return { cert, key: key.text }
}

function readPem(path: string, what: string): PlainFile {
  try {
    return readPlainFile(path)
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const problem = missing ? 'does not exist' : `cannot be read (${messageOf(error)})`
    throw new ConnectFailed('certificate', `the ${what} file ${path} ${problem}`, { cause: error })
  }
}

/** Keys of root may be readable for a group, as on Debian. Keys of other users must not be. */
function refuseOpenKey(path: string, { stats: { mode, uid } }: PlainFile) {
  if (process.platform === 'win32') return
  if ((mode & (uid === 0 ? 0o037 : 0o077)) === 0) return
  throw new ConnectFailed(
    'certificate',
    `other users can read the private key ${path}. Run: chmod 600 ${path}`,
  )
}

function unusableFiles(error: unknown, tls: TlsSettings): ConnectFailed {
  const files = [tls.rootCert, tls.cert, tls.key].filter((path) => path !== undefined)
  const reason = messageOf(error)
  const message = `a certificate or key cannot be used (${reason}): check ${files.join(', ')}`
  return new ConnectFailed('certificate', message, { cause: error })
}

const misnamed = 'ERR_TLS_CERT_ALTNAME_INVALID'
const untrusted = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]

function handshakeFailure(error: unknown, settings: ConnectionSettings): ConnectFailed {
  const code = errorCode(error)
  const server = serverName(settings)
  const distrust = (message: string) => new ConnectFailed('certificate', message, { cause: error })
  const certificate = `the certificate of ${server}`
  if (untrusted.includes(code)) {
    const { rootCert } = settings.tls
    const by = rootCert === 'system' ? 'an authority trusted by this machine' : `an authority in ${rootCert}`
    return distrust(
      `${certificate} is not signed by ${by}: check sslrootcert, or whether this is the right server`,
    )
  }
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return distrust(`${certificate} has expired: it must be renewed on the server`)
    case 'CERT_NOT_YET_VALID':
      return distrust(`${certificate} is not valid yet: check the clocks of this machine and of the server`)
    case misnamed:
      return distrust(
        `${certificate} is for a different name (${namesIn(error)}): connect with a name that it is valid for, or use ` +
          'sslmode=verify-ca, which trusts the authority and does not check the name',
      )
  }
  const reason = messageOf(error)
  if (code.startsWith('CERT_')) return distrust(`${certificate} cannot be trusted: ${reason}`)
  const advice = settings.tls.direct ? ' (sslnegotiation=direct needs a server of version 17 or later)' : ''
  const what = error instanceof ClosedTooSoon ? 'the server closed the connection' : reason
  return new ConnectFailed('tls', `TLS with ${server} could not be set up: ${what}${advice}`, {
    cause: error,
  })
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function namesIn(error: unknown): string {
  const certificate = error instanceof Error && 'cert' in error ? error.cert : undefined
  if (typeof certificate !== 'object' || certificate === null) return 'unknown'
  if ('subjectaltname' in certificate)
    return String(certificate.subjectaltname).replaceAll(/DNS:|IP Address:/g, '')
  return 'subject' in certificate ? JSON.stringify(certificate.subject) : 'unknown'
}
