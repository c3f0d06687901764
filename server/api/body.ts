// Reads the JSON body of a request up to a limit, also if its length is not declared.
import { say } from '../../shared/say.ts'
import { ApiFailure } from './errors.ts'

/** Enough for a request with ten thousand tables. */
export const bodyLimit = 4 * 1024 * 1024
/** For the login form. */
export const formLimit = 4096

/** Undefined without a body. */
export async function readJson(request: Request): Promise<unknown> {
  if (request.body === null) return undefined
  // A foreign page could send other content types in a form without a preflight request of the browser.
  if (!/^application\/json(?:\s*;|$)/i.test(request.headers.get('content-type') ?? '')) {
    throw new ApiFailure('usage', say`the body must be JSON: send "Content-Type: application/json"`)
  }
  const text = await readText(request, bodyLimit)
  refuseIntricate(text)
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message would quote the text, which may contain a password.
    throw new ApiFailure('usage', say`the body is not valid JSON`)
  }
}

/** The deepest valid request has ten levels; one with ten thousand tables and all their options has fewer parts. */
const mostLevels = 32
const mostParts = 250_000

/** Parsing and validating cost much more than the bytes, so the structure is counted first, also of invalid JSON. */
function refuseIntricate(text: string) {
  let levels = 0
  let parts = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfText(text, at)
        break
      case comma:
        parts++
        break
      case openBracket:
      case openBrace:
        parts++
        if (++levels > mostLevels)
          throw new ApiFailure('usage', say`the body is nested more than ${mostLevels} levels deep`)
        break
      case closeBracket:
      case closeBrace:
        levels--
    }
  }
  if (parts > mostParts) throw new ApiFailure('too_large', say`the body has more than ${mostParts} parts`)
}

const [quote, backslash, comma, openBracket, closeBracket, openBrace, closeBrace] = [
  ...[0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d],
] as const

function endOfText(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1
  return at
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
  return new ApiFailure('too_large', say`the body is larger than ${limit} bytes`)
}
