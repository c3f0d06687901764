// A failure as it is told in one text, in its parts again.

/** As describeError of shared/ puts them together. */
export function splitError(error: string): { message: string; detail?: string; hint?: string } {
  const [, message = error, detail, hint] = /^(.*?)(?: Detail: (.*?))?(?: Hint: (.*))?$/s.exec(error) ?? []
  return { message, ...(detail && { detail }), ...(hint && { hint }) }
}
