// A user's SQL condition is put in parentheses into larger statements. So it has to be one expression by itself: with
// balanced parentheses, closed quotes, and no end of a statement.

export interface ConditionFault {
  message: string
  /** Of the character, from 1. */
  position: number
}

const skipped = [
  /--[^\n]*/y,
  // With a prefix, backslashes escape in it.
  /(?<![\p{L}\p{N}_$])[eE]'(?:[^'\\]|''|\\[\s\S])*'/uy,
  /'(?:[^']|'')*'/y,
  /"(?:[^"]|"")*"/y,
  /(?<![\p{L}\p{N}_$])\$((?:[\p{L}_][\p{L}\p{N}_]*)?)\$[\s\S]*?\$\1\$/uy,
]

/** Undefined when nothing is wrong as far as this can be known without the server. */
export function conditionFault(text: string): ConditionFault | undefined {
  const opened: number[] = []
  let at = 0
  const fault = (message: string, index = at) => ({ message, position: [...text.slice(0, index)].length + 1 })
  while (at < text.length) {
    const length = skippedAt(text, at)
    if (length > 0) {
      at += length
      continue
    }
    const character = text[at] as string
    if (text.startsWith('/*', at)) return fault('a comment that is not closed')
    if (character === "'" || character === '"') return fault(`a ${character} that is not closed`)
    if (character === ';') return fault('a condition is one expression: remove the ;')
    if (isParameter(text, at)) return fault('parameters such as $1 have no value here')
    if (character === '(') opened.push(at)
    if (character === ')' && opened.pop() === undefined) return fault('a ) without a ( before it')
    at += 1
  }
  const open = opened.at(-1)
  return open === undefined ? undefined : fault('a ( that is not closed', open)
}

/** The length of the string, quoted name or comment that starts here. */
function skippedAt(text: string, at: number): number {
  if (text.startsWith('/*', at)) return blockComment(text, at)
  for (const pattern of skipped) {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) return found[0].length
  }
  return 0
}

/** Block comments nest. 0 when it is not closed. */
function blockComment(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length - 1; at++) {
    const two = text.slice(at, at + 2)
    if (two === '/*') depth++
    else if (two === '*/') depth--
    else continue
    at++
    if (depth === 0) return at + 1 - start
  }
  return 0
}

function isParameter(text: string, at: number): boolean {
  return text[at] === '$' && /\d/.test(text[at + 1] ?? '') && !/[\p{L}\p{N}_$]/u.test(text[at - 1] ?? '')
}
