// Finds out where SQL text is code, and where it is a quoted string, a name or a comment.
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html (standard_conforming_strings is on)

export interface Token {
  kind: 'comment' | 'string' | 'identifier' | 'word' | 'symbol' | 'meta'
  start: number
  end: number
}

const code = (character: string) => character.charCodeAt(0)
const newline = code('\n')
const carriageReturn = code('\r')
const backslash = code('\\')
const hyphen = code('-')
const slash = code('/')
const star = code('*')
const singleQuote = code("'")
const doubleQuote = code('"')
const dollar = code('$')
const point = code('.')
const semicolon = code(';')
const open = code('(')
const close = code(')')
const upperE = code('E')
const lowerE = code('e')

// The class of each ASCII character; all others belong to words. A dump has tens of millions of characters, and a
// lookup by code takes a second for all of them.
const isSpace = 1
const isDigit = 2
const isWordStart = 4
const classes = Uint8Array.from({ length: 128 }, (_, ascii) => {
  const character = String.fromCharCode(ascii)
  if (/[ \t\n\r\f\v]/.test(character)) return isSpace
  if (/[0-9]/.test(character)) return isDigit
  return /[A-Za-z_]/.test(character) ? isWordStart : 0
})
const classOf = (character: number) => (character < 128 ? (classes[character] as number) : isWordStart)

/** All tokens from `position` on, without white space. An unclosed quote extends to the end. */
export function* tokens(text: string, position = 0): Generator<Token> {
  const lexer = new Lexer(text, position)
  while (lexer.next()) yield { kind: lexer.kind, start: lexer.start, end: lexer.end }
}

/** One object for all tokens: a long text has too many tokens for an object each. */
export class Lexer implements Token {
  kind: Token['kind'] = 'symbol'
  start = 0
  end: number
  #isLineStart: boolean

  constructor(
    readonly text: string,
    position = 0,
  ) {
    this.end = position
    this.#isLineStart = position === 0 || text.charCodeAt(position - 1) === newline
  }

  /** False at the end of the text. */
  next(): boolean {
    const { text } = this
    const length = text.length
    let position = this.end
    while (position < length && classOf(text.charCodeAt(position)) === isSpace) {
      if (text.charCodeAt(position) === newline) this.#isLineStart = true
      position++
    }
    this.start = position
    this.end = position
    if (position >= length) return false
    this.#take(position)
    this.#isLineStart = false
    return true
  }

  #take(position: number) {
    const { text } = this
    const character = text.charCodeAt(position)
    const next = text.charCodeAt(position + 1)
    const kindOfCharacter = classOf(character)
    if (kindOfCharacter === isWordStart) {
      const isString = next === singleQuote && (character === upperE || character === lowerE)
      this.kind = isString ? 'string' : 'word'
      this.end = isString ? endOfEscapeString(text, position + 2) : endOfWord(text, position + 1)
    } else if (kindOfCharacter === isDigit) {
      // A number includes the letters after it, so that none of them starts a word or an E'' string.
      this.kind = 'symbol'
      this.end = endOfNumber(text, position + 1)
    } else if (character === singleQuote) {
      this.kind = 'string'
      this.end = endOfQuoted(text, position + 1, "'", singleQuote)
    } else if (character === doubleQuote) {
      this.kind = 'identifier'
      this.end = endOfQuoted(text, position + 1, '"', doubleQuote)
    } else if (character === hyphen && next === hyphen) {
      this.kind = 'comment'
      this.end = endOfLineComment(text, position + 2)
    } else if (character === slash && next === star) {
      this.kind = 'comment'
      this.end = endOfBlockComment(text, position)
    } else if (character === dollar) {
      const tagEnd = endOfDollarTag(text, position + 1)
      this.kind = tagEnd < 0 ? 'symbol' : 'string'
      this.end = tagEnd < 0 ? position + 1 : endOfDollarQuoted(text, position, tagEnd)
    } else if (character === backslash && this.#isLineStart) {
      // A psql command: pg_dump writes \connect and \restrict.
      this.kind = 'meta'
      const end = text.indexOf('\n', position)
      this.end = end < 0 ? text.length : end
    } else {
      this.kind = 'symbol'
      this.end = position + 1
    }
  }
}

/**
 * The statements of a text, without the comments around them and without the `;` at their end. A `;` inside
 * parentheses (rules) or BEGIN ATOMIC ... END (function bodies) does not end one.
 */
export function splitStatements(text: string): string[] {
  const statements: string[] = []
  let start = -1
  /** The end of the statement's last token so far. */
  let end = 0
  let parentheses = 0
  let blocks = 0
  let isRoutine = false
  let heading: string[] = []
  let previous = ''
  const finish = () => {
    if (start >= 0) statements.push(text.slice(start, end))
    start = -1
    parentheses = 0
    blocks = 0
    isRoutine = false
    heading = []
    previous = ''
  }
  const token = new Lexer(text)
  while (token.next()) {
    if (token.kind === 'meta' || token.kind === 'comment') continue
    const symbol = token.kind === 'symbol' ? text.charCodeAt(token.start) : 0
    if (symbol === semicolon && parentheses === 0 && blocks === 0) {
      finish()
      continue
    }
    if (start < 0) start = token.start
    end = token.end
    if (symbol === open) parentheses++
    else if (symbol === close) parentheses = Math.max(0, parentheses - 1)
    if (token.kind !== 'word') {
      previous = ''
      continue
    }
    // CREATE OR REPLACE FUNCTION has four words; after them only the words of a routine matter.
    if (heading.length === 4 && !isRoutine) continue
    const word = text.slice(token.start, token.end).toLowerCase()
    if (heading.length < 4) {
      heading.push(word)
      isRoutine ||= heading[0] === 'create' && (word === 'function' || word === 'procedure')
    }
    if (isRoutine && parentheses === 0) {
      if (word === 'atomic' && previous === 'begin') blocks++
      else if (word === 'case' && blocks > 0) blocks++
      else if (word === 'end' && blocks > 0) blocks--
    }
    previous = word
  }
  finish()
  return statements
}

/** Every `a.b` in a statement, as written. */
export function qualifiedNames(statement: string): string[] {
  const names: string[] = []
  let last: { start: number; end: number } | undefined
  let dot = false
  for (const token of tokens(statement)) {
    if (token.kind === 'word' || token.kind === 'identifier') {
      if (last && dot && token.start === last.end + 1) names.push(statement.slice(last.start, token.end))
      last = token
      dot = false
    } else {
      dot = token.kind === 'symbol' && statement[token.start] === '.' && token.start === last?.end
      if (!dot) last = undefined
    }
  }
  return names
}

function endOfWord(text: string, position: number): number {
  for (; position < text.length; position++) {
    const character = text.charCodeAt(position)
    if ((classOf(character) & (isWordStart | isDigit)) === 0 && character !== dollar) break
  }
  return position
}

function endOfNumber(text: string, position: number): number {
  for (; position < text.length; position++) {
    const character = text.charCodeAt(position)
    if ((classOf(character) & (isWordStart | isDigit)) === 0 && character !== point) break
  }
  return position
}

/** A doubled quote is part of the string. */
function endOfQuoted(text: string, position: number, quote: string, quoteCode: number): number {
  for (;;) {
    const found = text.indexOf(quote, position)
    if (found < 0) return text.length
    if (text.charCodeAt(found + 1) !== quoteCode) return found + 1
    position = found + 2
  }
}

/** In E'' strings a backslash escapes the next character. */
function endOfEscapeString(text: string, position: number): number {
  while (position < text.length) {
    const character = text.charCodeAt(position)
    if (character === backslash) position += 2
    else if (character !== singleQuote) position++
    else if (text.charCodeAt(position + 1) === singleQuote) position += 2
    else return position + 1
  }
  return text.length
}

function endOfLineComment(text: string, position: number): number {
  for (; position < text.length; position++) {
    const character = text.charCodeAt(position)
    if (character === newline || character === carriageReturn) break
  }
  return position
}

function endOfBlockComment(text: string, position: number): number {
  let depth = 0
  while (position < text.length) {
    const character = text.charCodeAt(position)
    const next = text.charCodeAt(position + 1)
    if (character === slash && next === star) {
      depth++
      position += 2
    } else if (character === star && next === slash) {
      position += 2
      if (--depth === 0) return position
    } else position++
  }
  return position
}

/** The end of `$tag$`, if there is one at this position. */
function endOfDollarTag(text: string, position: number): number {
  if (classOf(text.charCodeAt(position)) === isDigit) return -1
  while (position < text.length && classOf(text.charCodeAt(position)) & (isWordStart | isDigit)) position++
  return text.charCodeAt(position) === dollar ? position + 1 : -1
}

function endOfDollarQuoted(text: string, position: number, tagEnd: number): number {
  const tag = text.slice(position, tagEnd)
  const found = text.indexOf(tag, tagEnd)
  return found < 0 ? text.length : found + tag.length
}
