// Text that is safe to show. Names and messages come from a database, where any character is allowed. On a terminal
// some of them are control sequences, and elsewhere they can make one line look like another.

/** One line without control sequences: control characters are written as in C, as psql writes them. */
export function printable(text: string): string {
  return text.replace(unsafe, visible)
}

/**
 * Control characters, separators that some terminals break lines at, characters that reorder or hide text, and
 * unpaired surrogates. Joiners stay: emoji and several scripts need them.
 */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu

const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function visible(character: string): string {
  const code = character.charCodeAt(0)
  if (code >= 0x20 && code !== 0x7f) return '\ufffd'
  return escapes[character] ?? `\\x${code.toString(16).padStart(2, '0')}`
}
