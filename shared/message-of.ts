// What was thrown, as an error and in words. Apart from the schemas: each copy worker loads this.

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
