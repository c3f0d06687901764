// Reads the JSON of a request, up to a limit: also of one that does not say how much is coming.
import { ApiFailure } from './errors.ts'

/** A request can name ten thousand tables; nothing needs more than this. */
export const bodyLimit = 4 * 1024 * 1024
/** Of the login's form. */
export const formLimit = 4096

/** Undefined when there is none. */
export async function readJson(request: Request): Promise<unknown> {
  if (request.body === null) return undefined
  // Other types can be sent by a foreign page's form without the browser asking us first.
  if (!/^application\/json(?:\s*;|$)/i.test(request.headers.get('content-type') ?? '')) {
    throw new ApiFailure('usage', 'the body must be JSON: send "Content-Type: application/json"')
  }
  const text = await readText(request, bodyLimit)
  try {
    return JSON.parse(text)
  } catch {
    // The parser would quote the text, and there can be a password in it.
    throw new ApiFailure('usage', 'the body is not readable as JSON')
  }
}

export async function readText(request: Request, limit: number): Promise<string> {
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge(limit)
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > limit) throw tooLarge(limit)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function tooLarge(limit: number): ApiFailure {
  return new ApiFailure('too_large', `the body is larger than ${limit} bytes`)
}
