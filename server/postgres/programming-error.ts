// Unforeseen errors, in words for users. A well-formed answer with wrong content (NULL as a name) causes a JavaScript
// error, as a bug does.

/** Errors that JavaScript itself throws. */
export function isMistake(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof SyntaxError ||
    error instanceof ReferenceError
  )
}

/** The message of a foreseen error is written for users already. */
export function wordsOf(error: Error): string {
  return isMistake(error) ? mistakeWords(error) : error.message
}

/** An error of the operating system: a missing file, a full disk. */
export function isOfSystem(error: Error): boolean {
  return 'syscall' in error
}

export function mistakeWords(error: Error): string {
  if (isOfSystem(error)) return error.message
  const words = `${error.name}: ${error.message}`
  return isMistake(error)
    ? `the server's answer is not valid, or this is a bug in pgtrek: ${words}`
    : `this is a bug in pgtrek: ${words}`
}
