// Sentences of the server in another language. The server sends plain English: each sentence that it marks with `say`
// (shared/say.ts) is looked up among the entries here, and its values are translated in turn. Unknown text stays as it is.

/** English with `{}` for each value, or `{n}` for a number with its noun; the translation has `{0}`, `{1}`, … */
export type Messages = Record<string, string>

/** `3 tables`, by the noun in the singular: the translation of all of it, with `{0}` for the number. */
export type CountedNouns = Record<string, string>

interface Template {
  pattern: RegExp
  /** The longest text between the values: without it the pattern cannot match. */
  part: string
  weight: number
  words: string
}

const mostCached = 5_000
const deepest = 6
/** No space after these: `{n}` begins with one. */
const wide = /^[：（、。「]$/

export function translatorOf(messages: Messages, nouns: CountedNouns): (text: string) => string {
  const whole = new Map<string, string>()
  const byFirstWord = new Map<string, Template[]>()
  for (const [english, words] of Object.entries(messages)) {
    const key = english.trim()
    if (!/\{n?\}/.test(key)) {
      whole.set(key, words)
      continue
    }
    const template = templateOf(key, words)
    const word = firstWordOf(key.split(/\{n?\}/)[0] ?? '', true)
    byFirstWord.set(word, [...(byFirstWord.get(word) ?? []), template])
  }
  for (const templates of byFirstWord.values()) templates.sort((one, other) => other.weight - one.weight)
  const cached = new Map<string, string>()
  return (text) => {
    const known = cached.get(text)
    if (known !== undefined) return known
    if (cached.size >= mostCached) cached.clear()
    const words = translate(text, 0)
    cached.set(text, words)
    return words
  }

  function translate(text: string, depth: number): string {
    const core = text.trim()
    if (core === '' || depth > deepest) return text
    return (
      counted(core) ??
      whole.get(core) ??
      listed(core, depth) ??
      filled(core, depth) ??
      inParts(core, depth) ??
      (depth > 0 ? core : text)
    )
  }

  function counted(text: string): string | undefined {
    const [, count, noun = ''] = /^([\d,]+) ([a-zA-Z ]+)$/.exec(text) ?? []
    if (count === undefined) return undefined
    return (nouns[noun] ?? nouns[noun.replace(/s$/, '')])?.replace('{0}', count)
  }

  function filled(text: string, depth: number): string | undefined {
    const first = byFirstWord.get(firstWordOf(text, false)) ?? []
    const others = byFirstWord.get('') ?? []
    for (const { pattern, part, words } of merged(first, others)) {
      if (!text.includes(part)) continue
      const found = pattern.exec(text)
      if (!found) continue
      return words.replace(/(^|[：（、。「]|)\{(\d+)\}/g, (_, before: string, index) => {
        const value = translate(found[Number(index) + 1] ?? '', depth + 1)
        return wide.test(before) ? before + value.trimStart() : before + value
      })
    }
    return undefined
  }

  /** A list of which each part is a message. */
  function listed(text: string, depth: number): string | undefined {
    const parts = text.split('; ')
    if (parts.length < 2) return undefined
    const words = parts.map((part) => translate(part, depth + 1))
    return words.every((one, index) => one !== parts[index]) ? words.join('; ') : undefined
  }

  /** Several sentences, or a list, of which at least one part is a message. */
  function inParts(text: string, depth: number): string | undefined {
    for (const [between, joined] of separators) {
      const parts = text.includes(between) ? sentencesOrParts(text, between) : [text]
      if (parts.length < 2) continue
      const words = parts.map((part) => translate(part, depth + 1))
      if (words.some((one, index) => one !== parts[index])) return words.join(joined)
    }
    return undefined
  }
}

const separators = [
  ['. ', ''],
  ['; ', '; '],
  [', ', ', '],
] as const

function sentencesOrParts(text: string, between: string): string[] {
  return between === '. ' ? text.split(/(?<=\.) (?=[A-Z"])/) : text.split(between)
}

function templateOf(english: string, words: string): Template {
  const parts = english.split(/(\{n?\})/)
  const texts = parts.filter((_, index) => index % 2 === 0)
  const pattern = parts.map((part, index) => {
    if (index % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    return part === '{n}' ? '([\\d,]+(?: [a-zA-Z -]+?)?)' : '([\\s\\S]*?)'
  })
  return {
    pattern: new RegExp(`^${pattern.join('')}$`),
    part: texts.toSorted((one, other) => other.length - one.length)[0] ?? '',
    weight: texts.join('').length,
    words,
  }
}

/** A template has one if its text goes on after the word: before a value the word may be incomplete. */
function firstWordOf(text: string, isTemplate: boolean): string {
  const end = text.indexOf(' ')
  return end < 0 ? (isTemplate ? '' : text) : text.slice(0, end)
}

/** Both are sorted, those with the most text first. */
function* merged(one: readonly Template[], other: readonly Template[]): Generator<Template> {
  let [at, from] = [0, 0]
  for (;;) {
    const [a, b] = [one[at], other[from]]
    if (!a && !b) return
    if (a && (!b || a.weight >= b.weight)) {
      at++
      yield a
    } else if (b) {
      from++
      yield b
    }
  }
}
