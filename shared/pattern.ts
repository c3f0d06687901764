// Names with wildcards: `schema.table`, `table`, `sales_*.order?`. Names are compared exactly as the database has them;
// a quoted part is literal, dots and wildcards included.

import { say } from './say.ts'

export class Pattern {
  /** Whether it has matched anything so far: a pattern without a match is probably mistyped. */
  used = false
  readonly #schema: RegExp | undefined
  readonly #name: RegExp

  /** A `name` is not split at dots: it is from a list whose schema is known. */
  constructor(
    readonly text: string,
    as: 'qualified' | 'name' = 'qualified',
  ) {
    const parts = as === 'name' ? [namePattern(text)] : splitPattern(text)
    if (parts.length > 2)
      throw new PatternError(say`"${text}" has more than a schema and a name: quote what contains dots`)
    this.#name = parts.at(-1) as RegExp
    this.#schema = parts.length === 2 ? parts[0] : undefined
  }

  /** A pattern without a schema matches names in any schema. */
  matches(name: string, schema?: string): boolean {
    const found =
      this.#name.test(name) &&
      (this.#schema === undefined || (schema !== undefined && this.#schema.test(schema)))
    this.used ||= found
    return found
  }
}

export class PatternError extends Error {}

function splitPattern(text: string): RegExp[] {
  const parts: RegExp[] = []
  let source = ''
  let at = 0
  let isEmpty = true
  while (at < text.length) {
    const quoted = /^"((?:[^"]|"")*)"/.exec(text.slice(at))
    const character = text[at] as string
    if (quoted) {
      source += escaped((quoted[1] as string).replaceAll('""', '"'))
      at += quoted[0].length
      isEmpty = false
      continue
    }
    if (character === '"') throw new PatternError(say`"${text}" has a quote that is not closed`)
    if (character === '.') {
      if (isEmpty) throw new PatternError(say`"${text}" has nothing before its dot`)
      parts.push(whole(source))
      source = ''
      isEmpty = true
    } else {
      source += character === '*' ? '.*' : character === '?' ? '.' : escaped(character)
      isEmpty = false
    }
    at++
  }
  if (isEmpty)
    throw new PatternError(text === '' ? say`a name is empty` : say`"${text}" has nothing after its dot`)
  parts.push(whole(source))
  return parts
}

function namePattern(text: string): RegExp {
  const quoted = /^"((?:[^"]|"")*)"$/.exec(text)
  if (quoted) return whole(escaped((quoted[1] as string).replaceAll('""', '"')))
  return whole(escaped(text).replaceAll('\\*', '.*').replaceAll('\\?', '.'))
}

function whole(source: string): RegExp {
  return new RegExp(`^${source}$`, 'su')
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&')
}

/** The known name that was probably meant: it differs by few letters, or only by case. */
export function nearestName(wrong: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(wrong.length / 3)) + 1
  for (const name of known) {
    if (Math.abs(name.length - wrong.length) >= least) continue
    const distance = name.toLowerCase() === wrong.toLowerCase() ? 0 : editDistance(name, wrong)
    if (distance < least) {
      least = distance
      best = name
    }
  }
  return best
}

function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const change = (row[j - 1] as number) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row.at(-1) as number
}
