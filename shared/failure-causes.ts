// Failures grouped by their cause: a thousand tables that fail for one reason are one thing to fix.
import type { ErrorInfo } from './error-info.ts'
import type { FailedStep } from './failure.ts'

export interface FailureCause {
  /** The same in every view of the same run. */
  key: string
  /** The server's answer for the first of them. */
  error: ErrorInfo
  kind: string
  failures: FailedStep[]
}

/** In the order of their first failure. */
export function groupByCause(failed: readonly FailedStep[]): FailureCause[] {
  const causes = new Map<string, FailureCause>()
  for (const failure of failed) {
    const error = failure.cause ?? errorFrom(failure.error)
    const key = causeKey(failure, error)
    const known = causes.get(key)
    if (known) known.failures.push(failure)
    else causes.set(key, { key, error, kind: failure.kind, failures: [failure] })
  }
  return [...causes.values()]
}

function causeKey(failure: FailedStep, error: ErrorInfo): string {
  const { sqlstate = '', constraint = '', message } = error
  const names = [failure.name, failure.schema, error.table, error.column]
  return JSON.stringify([sqlstate, failure.kind, constraint, normal(message, names)])
}

/** What names one object or value is left out, so that the same refusal of many objects is one cause. */
function normal(message: string, names: readonly (string | undefined)[]): string {
  const unquoted = message.replaceAll(/"(?:[^"]|"")*"/g, '…')
  const words = new Set(names.flatMap((name) => (name ? [name] : [])))
  return unquoted
    .split(/(?<![\p{L}\p{N}_])(?=[\p{L}\p{N}_])|(?<=[\p{L}\p{N}_])(?![\p{L}\p{N}_])/u)
    .map((part) => (words.has(part) ? '…' : part))
    .join('')
}

/** Runs that were recorded before have only the text: the inverse of `describeError`. */
function errorFrom(text: string): ErrorInfo {
  const [, all = text, detail, hint] = /^(.*?)(?: Detail: (.*?))?(?: Hint: (.*))?$/s.exec(text) ?? []
  const [, message = all, sqlstate] = /^(.*?) \(SQLSTATE ([0-9A-Z]{5})\)/s.exec(all) ?? []
  return { message, ...(sqlstate && { sqlstate }), ...(detail && { detail }), ...(hint && { hint }) }
}
