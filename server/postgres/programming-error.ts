// Errors that nobody has foreseen, in words for those who see them. Where a server sends what is well formed, and not
// what it was asked for (NULL in place of a name), reading it ends in an error of the language, as a bug does.

/** Errors of the language itself. */
export function isMistake(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof SyntaxError ||
    error instanceof ReferenceError
  )
}

/** Those of an error that somebody has foreseen are for people already. */
export function wordsOf(error: Error): string {
  return isMistake(error) ? mistakeWords(error) : error.message
}

/** The machine's: a file that is not there, a disk that is full. */
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
