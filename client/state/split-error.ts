// Splits the text of a failure into message, detail and hint.

/** The inverse of describeError in shared/. */
export function splitError(error: string): { message: string; detail?: string; hint?: string } {
  const [, message = error, detail, hint] = /^(.*?)(?: Detail: (.*?))?(?: Hint: (.*))?$/s.exec(error) ?? []
  return { message, ...(detail && { detail }), ...(hint && { hint }) }
}
