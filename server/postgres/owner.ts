// What a process that serves requests holds for its owner. The owner's passwords are sent only to servers that the
// owner has named, never to a server that only a request names.
import { sslModes } from '../../shared/ssl-modes.ts'
import type { ConnectionSettings } from './settings.ts'

export interface Owner {
  /** The servers that the owner named when the process was started, identified by host, port and user. */
  servers: readonly ConnectionSettings[]
  /**
   * The owner's passwords may also be sent in clear text, or as an MD5 hash, over a connection that is not verified.
   */
  allowCleartext: boolean
}

export type Place = Pick<ConnectionSettings, 'host' | 'hostAddress' | 'port' | 'user' | 'tls'>

/** The connection by which the owner named this server. A request may not weaken its security. */
export function namedServer(owner: Owner, place: Place): ConnectionSettings | undefined {
  return owner.servers.find(
    (server) => isSameServer(server, place) && safety(place) >= safety(server) && isTrustKept(server, place),
  )
}

function isSameServer(one: Place, other: Place): boolean {
  return (
    one.host.toLowerCase() === other.host.toLowerCase() &&
    one.hostAddress === other.hostAddress &&
    one.port === other.port &&
    one.user === other.user
  )
}

function safety({ tls }: Place): number {
  return sslModes.indexOf(tls.mode)
}

function isTrustKept(server: Place, place: Place): boolean {
  return !isVerified(server) || server.tls.rootCert === place.tls.rootCert
}

export function isVerified({ tls }: Pick<Place, 'tls'>): boolean {
  return tls.mode === 'verify-ca' || tls.mode === 'verify-full'
}
