// Errors of the driver: those that mean an invalid answer, those that the server has sent, and one in place of a wait
// without end.
import type postgres from 'postgres'
import { ProtocolViolation, ServerError } from './errors.ts'
import type { Tap } from './tap.ts'

export const unreadable = 'a value in a row does not match its type'

/** Errors of the driver while it reads an answer; all others are about the connection. */
export function isInvalidAnswer(error: unknown): boolean {
  return (
    error instanceof ProtocolViolation ||
    error instanceof TypeError ||
    error instanceof SyntaxError ||
    error instanceof RangeError
  )
}

/** How long the driver may take to report by itself that the connection is gone. */
const closeGraceMs = 1000

/** When the connection ends between two steps of the driver, the driver waits for ever. */
export async function unlessClosed<T>(tap: Tap, work: PromiseLike<T>): Promise<T> {
  const lost = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const closed = () => {
    timer = setTimeout(() => lost.reject(new Error('the connection was closed')), closeGraceMs)
  }
  tap.once('close', closed)
  if (tap.socket.destroyed) closed()
  try {
    return await Promise.race([work, lost.promise])
  } finally {
    clearTimeout(timer)
    tap.off('close', closed)
  }
}

export function serverError(error: postgres.PostgresError): ServerError {
  return new ServerError({
    severity: error.severity,
    sqlstate: error.code,
    message: error.message,
    ...(error.detail && { detail: error.detail }),
    ...(error.hint && { hint: error.hint }),
    ...(error.where && { context: error.where }),
    ...(error.schema_name && { schema: error.schema_name }),
    ...(error.table_name && { table: error.table_name }),
    ...(error.column_name && { column: error.column_name }),
    ...(error.constraint_name && { constraint: error.constraint_name }),
    ...(error.position && { position: Number(error.position) }),
  })
}
