// Splits values of flags, except where quotes forbid it.
import { InvalidArgumentError } from 'commander'

/** `a,"b,c"` -> `a` and `"b,c"`: a comma between quotes belongs to a name. */
export function splitList(text: string): string[] {
  const words = cutOutsideQuotes(text, ',')
  if (words.some((word) => word.trim() === '')) throw new InvalidArgumentError('A name in the list is empty.')
  return words.map((word) => word.trim())
}

/** Splits at the first `=` outside of quotes; undefined if there is none. */
export function splitAtEquals(text: string): [string, string] | undefined {
  const [name = ''] = cutOutsideQuotes(text, '=')
  return name.length === text.length ? undefined : [name.trim(), text.slice(name.length + 1).trim()]
}

export function collect(text: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), text]
}

function cutOutsideQuotes(text: string, separator: string): string[] {
  const words = ['']
  let isQuoted = false
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted
    if (character === separator && !isQuoted) words.push('')
    else words.push(`${words.pop()}${character}`)
  }
  return words
}
