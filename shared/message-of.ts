// Converts a thrown value to an error or to text. Separate from the schemas, because each copy worker loads this file.

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
