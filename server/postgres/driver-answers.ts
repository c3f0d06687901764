// What comes from the driver: answers that cannot be those to their query are refused, its errors become ours, and
// the ways in which it would wait for ever are closed.
import type postgres from 'postgres'
import { printable } from '../../shared/printable.ts'
import { unexpectedColumn } from './answer-columns.ts'
import { arrayElements } from './array-literal.ts'
import { ProtocolViolation, ServerError } from './errors.ts'
import type { Tap } from './tap.ts'

/** https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const arrayTypes = { uuid: 2951, text: 1009, int4: 1007 }

/** The driver would encode a text that is JSON already as a JSON string. */
export const writtenJson = {
  json: {
    to: 114,
    from: [114, 3802],
    serialize: String,
    parse: (text: string) => JSON.parse(text) as unknown,
  },
  texts: {
    to: arrayTypes.text,
    from: [arrayTypes.text, arrayTypes.uuid],
    serialize: String,
    parse: arrayElements,
  },
  numbers: {
    to: arrayTypes.int4,
    from: [arrayTypes.int4],
    serialize: String,
    parse: (text: string) => arrayElements(text).map((one) => (one === null ? null : Number(one))),
  },
}

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

/** SELECT INTO is answered without columns, as CREATE TABLE AS is. */
const selects = /^\s*select\b(?!.*\binto\b)/is

export function refuseMissingColumns(rows: object, text: string) {
  // The answers to several statements at once have no columns of their own.
  const hasColumns = !('columns' in rows) || rows.columns !== undefined
  if (!hasColumns && selects.test(text)) throw new ProtocolViolation('a query was answered without columns')
}

export function refuseUnexpectedColumns(rows: object, text: string) {
  const columns = 'columns' in rows ? (rows.columns as { name: string }[] | undefined) : undefined
  const unexpected = columns && unexpectedColumn(columns, text)
  if (unexpected === undefined) return
  throw new ProtocolViolation(
    `a query was answered with a column "${printable(unexpected)}", which it does not have`,
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
  })
}
