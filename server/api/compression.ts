// Answers are compressed for clients that accept it: files of the page ahead of time, the others while they are sent.

/** The best first. */
export const encodings = ['br', 'gzip'] as const
export type Encoding = (typeof encodings)[number]

/** A smaller answer fits into one packet as it is. */
const leastBytes = 1400
/** Has most of the gain for JSON, at a third of the time. */
const level = 1
const compressedHeaders = { 'content-encoding': 'gzip', vary: 'accept-encoding' }

/** Of the encodings that there are, the best that the client accepts. */
export function acceptedOf(request: Request, there: readonly Encoding[]): Encoding | undefined {
  const weights = new Map<string, number>()
  for (const part of (request.headers.get('accept-encoding') ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    weights.set(name, weight === undefined ? 1 : Number(weight) || 0)
  }
  return there.find((name) => (weights.get(name) ?? weights.get('*') ?? 0) > 0)
}

/**
 * The response to an answer, compressed if the client accepts it; undefined for answers that the framework sends itself.
 * Objects and lists always get a response here, since the framework omits their type where answers can be replaced.
 */
export function responseOf(request: Request, answer: unknown): Response | undefined {
  const isAccepted = acceptedOf(request, ['gzip']) !== undefined
  if (answer instanceof Response) {
    // A part of a file is not compressed: its place is counted in the bytes of the whole file.
    return isAccepted && !request.headers.has('range') ? compressedText(answer) : undefined
  }
  if (typeof answer !== 'object' || answer === null) return undefined
  if (answer.constructor !== Object && !Array.isArray(answer)) return undefined
  const text = JSON.stringify(answer)
  const headers = { 'content-type': 'application/json' }
  if (text.length < leastBytes) return new Response(text, { headers })
  return isAccepted
    ? new Response(Bun.gzipSync(text, { level }), { headers: { ...headers, ...compressedHeaders } })
    : new Response(text, { headers: { ...headers, vary: compressedHeaders.vary } })
}

function compressedText(answer: Response): Response | undefined {
  const { body, status } = answer
  const type = answer.headers.get('content-type') ?? ''
  if (!/^(text\/|application\/(json|javascript)|image\/svg)/.test(type)) return undefined
  if (body === null || answer.headers.has('content-encoding')) return undefined
  const headers = new Headers(answer.headers)
  for (const [name, value] of Object.entries(compressedHeaders)) headers.set(name, value)
  headers.delete('content-length')
  return new Response(body.pipeThrough(new CompressionStream('gzip')), { status, headers })
}
