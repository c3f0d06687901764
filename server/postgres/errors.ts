// The classes of errors. Errors of a server are identified by SQLSTATE, never by text.
import { type ErrorInfo, placeInCopy } from '../../shared/error-info.ts'
import { wordsOf } from './programming-error.ts'

export class PgtrekError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** The command line, a URL or a file is invalid. Nothing has been tried yet. */
export class UsageError extends PgtrekError {}

export type ConnectFailure =
  | 'host'
  | 'refused'
  | 'timeout'
  | 'tls'
  | 'certificate'
  | 'login'
  | 'database'
  | 'limit'
  | 'pooler'
  | 'closed'

/** No session could be opened. `reason` names the step that failed. */
export class ConnectFailed extends PgtrekError {
  /** The SQLSTATE, if the server refused. */
  readonly sqlstate: string | undefined

  constructor(
    readonly reason: ConnectFailure,
    message: string,
    options?: ErrorOptions & { sqlstate?: string },
  ) {
    super(message, options)
    this.sqlstate = options?.sqlstate
  }
}

/** A connection pooler does not keep one server process for a session. */
export class PoolerRefused extends ConnectFailed {
  constructor(message: string) {
    super('pooler', message)
  }
}

/**
 * A server, or a program that answers in its place, sent what the protocol does not allow at this point. In `what`,
 * anything that it sent is reduced to visible characters.
 */
export class ProtocolViolation extends PgtrekError {
  constructor(readonly what: string) {
    super(`the server's answer is not valid: ${what}`)
  }
}

/** An open session was lost. */
export class ConnectionLost extends PgtrekError {}

/** The session that held a run's snapshot has ended: the same rows cannot be read any more. */
export class SnapshotLost extends PgtrekError {}

/** The run was cancelled by the user. */
export class Cancelled extends PgtrekError {
  constructor(message = 'cancelled') {
    super(message)
  }
}

/** The plan cannot be run. Nothing was written. */
export class PlanRefused extends PgtrekError {}

export interface ServerErrorFields {
  severity: string
  sqlstate: string
  message: string
  detail?: string
  hint?: string
  /** The server's CONTEXT lines: which row of a COPY, which function. */
  context?: string
  schema?: string
  table?: string
  column?: string
  constraint?: string
  /** Of the character in the statement, from 1. */
  position?: number
}

/** The server refused a statement. The message is the server's. */
export class ServerError extends PgtrekError {
  readonly severity: string
  readonly sqlstate: string
  readonly detail: string | undefined
  readonly hint: string | undefined
  readonly context: string | undefined
  readonly schema: string | undefined
  readonly table: string | undefined
  readonly column: string | undefined
  readonly constraint: string | undefined
  /** The server of a relay on which it occurred. */
  side: 'source' | 'destination' | undefined

  constructor(readonly fields: ServerErrorFields) {
    super(fields.message)
    this.severity = fields.severity
    this.sqlstate = fields.sqlstate
    this.detail = fields.detail
    this.hint = fields.hint
    this.context = fields.context
    this.schema = fields.schema
    this.table = fields.table
    this.column = fields.column
    this.constraint = fields.constraint
  }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const sqlstate = {
  invalidPassword: '28P01',
  invalidAuthorization: '28000',
  undefinedDatabase: '3D000',
  outOfMemory: '53200',
  tooManyConnections: '53300',
  deadlockDetected: '40P01',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  serializationFailure: '40001',
  undefinedTable: '42P01',
  undefinedFunction: '42883',
  undefinedObject: '42704',
  foreignKeyViolation: '23503',
  undefinedSchema: '3F000',
  cardinalityViolation: '21000',
  objectNotInPrerequisiteState: '55000',
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
  idleSessionTimeout: '57P05',
  duplicateSchema: '42P06',
  duplicateTable: '42P07',
  duplicateFunction: '42723',
  duplicateObject: '42710',
} as const

const lostStates = new Set<string>([
  sqlstate.adminShutdown,
  sqlstate.crashShutdown,
  sqlstate.cannotConnectNow,
  sqlstate.idleSessionTimeout,
])

/** The session was lost, or cannot be opened at the moment: a new one may work. */
export function isLost(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true
  if (error instanceof ServerError) return lostStates.has(error.sqlstate) || error.sqlstate.startsWith('08')
  if (!(error instanceof ConnectFailed)) return false
  if (error.sqlstate && lostStates.has(error.sqlstate)) return true
  return ['host', 'refused', 'timeout', 'closed', 'limit'].includes(error.reason)
}

/** An error for events: its message, without stack, query or parameters. */
export function errorInfo(error: unknown): ErrorInfo {
  if (!(error instanceof Error)) return { message: String(error) }
  const info: ErrorInfo = { message: wordsOf(error) }
  if (error instanceof ServerError) {
    info.sqlstate = error.sqlstate
    if (error.detail) info.detail = error.detail
    if (error.hint) info.hint = error.hint
    if (error.context) info.context = error.context
    Object.assign(info, placeInCopy(error.context))
    for (const name of ['schema', 'table', 'column', 'constraint', 'side'] as const) {
      if (error[name] !== undefined) Object.assign(info, { [name]: error[name] })
    }
  }
  if (error instanceof SnapshotLost) info.code = 'snapshot_lost'
  return info
}
