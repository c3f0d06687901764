// What a process that answers requests keeps for its owner: his passwords go to servers that he named himself, never
// to a server that only a request names.
import { sslModes } from '../../shared/ssl-modes.ts'
import type { ConnectionSettings } from './settings.ts'

export interface Owner {
  /** What he named when he started the process: each counts by host, port and user. */
  servers: readonly ConnectionSettings[]
  /** His passwords may also be sent in clear text, or as an MD5 hash, over a way that nobody has vouched for. */
  allowCleartext: boolean
}

export type Place = Pick<ConnectionSettings, 'host' | 'hostAddress' | 'port' | 'user' | 'tls'>

/** The connection by which the owner named this server: the request may not ask for a less safe way to it. */
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
