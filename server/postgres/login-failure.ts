// Why a login failed, in words that say what to check.
import postgres from 'postgres'
import { messageOf } from '../../shared/message-of.ts'
import { isInvalidAnswer, unreadable } from './driver-errors.ts'
import { ConnectFailed, type ConnectFailure, ProtocolViolation, sqlstate } from './errors.ts'
import { type ConnectionSettings, describeSettings, serverName } from './settings.ts'

/**
 * `allow` and `prefer` try the other kind of connection when pg_hba.conf refuses this one. A wrong password
 * must not be sent again, least of all in the clear.
 */
export function isRefusedBeforeLogin(error: unknown): boolean {
  if (!(error instanceof ConnectFailed)) return false
  return error.reason === 'tls' || error.sqlstate === sqlstate.invalidAuthorization
}

export function loginFailure(error: unknown, settings: ConnectionSettings, lastWords?: string): Error {
  if (error instanceof ConnectFailed) return error
  if (isInvalidAnswer(error)) {
    const what =
      error instanceof ProtocolViolation ? error.message : new ProtocolViolation(unreadable).message
    const advice = 'is a PostgreSQL server listening there?'
    return new ConnectFailed('closed', `${serverName(settings)}: ${what}: ${advice}`, { cause: error })
  }
  if (!(error instanceof postgres.PostgresError)) {
    if (lastWords !== undefined) {
      const said = `${serverName(settings)} ended the connection during login: ${lastWords}`
      return new ConnectFailed('closed', said, { cause: error })
    }
    const reason = messageOf(error)
    // With TLS 1.3 the server rejects our certificate only after the handshake.
    const alert = /^ERR_SSL_.*ALERT/.test((error as { code?: string }).code ?? '')
    return alert
      ? new ConnectFailed(
          'certificate',
          `${settings.host}:${settings.port} did not accept the client certificate: ${reason}`,
        )
      : new ConnectFailed('closed', `${closedDuringLogin(settings)} (${reason})`, { cause: error })
  }
  const where = describeSettings(settings)
  const said = error.message
  const refuse = (reason: ConnectFailure, advice: string) =>
    new ConnectFailed(reason, `${where}: ${said}${advice}`, { sqlstate: error.code })
  switch (error.code) {
    case sqlstate.invalidPassword:
      return refuse(
        'login',
        `. Check user and password${settings.password ? '' : ` (${noPassword(settings)})`}.`,
      )
    case sqlstate.invalidAuthorization:
      return refuse('login', ". Check the user's name and the server's pg_hba.conf.")
    case sqlstate.undefinedDatabase:
      return refuse('database', '. Create it first, or check its name.')
    case sqlstate.tooManyConnections:
      return refuse('limit', '. Free connections on the server or use fewer workers.')
    default:
      return refuse('login', ` (SQLSTATE ${error.code})`)
  }
}

export function closedDuringLogin(settings: ConnectionSettings): string {
  return `${settings.host}:${settings.port} closed the connection during login: is a PostgreSQL server listening there?`
}

export function silentAfterLogin(settings: ConnectionSettings, waitMs: number): ConnectFailed {
  return new ConnectFailed(
    'timeout',
    `${serverName(settings)} accepted the login but did not answer the first query within ${Math.round(waitMs / 1000)} s: ` +
      'check whether the server, or the pool of a connection pooler, is overloaded',
  )
}

function noPassword({ warnings }: ConnectionSettings): string {
  return ['no password was given', ...warnings].join('; ')
}
