// Where SQL text is code and where it is a quoted string, a name or a comment.
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html (standard_conforming_strings is on)

export interface Token {
  kind: 'comment' | 'string' | 'identifier' | 'word' | 'symbol' | 'meta'
  start: number
  end: number
}

const wordStart = /[A-Za-z_\u0080-\uffff]/
const space = /\s/

/** All tokens from `position` on; white space lies between them. An unclosed quote runs to the end. */
export function* tokens(text: string, position = 0): Generator<Token> {
  const length = text.length
  let lineStart = position === 0 || text[position - 1] === '\n'
  while (position < length) {
    const character = text[position] as string
    const start = position
    if (character === '\n') {
      lineStart = true
      position++
      continue
    }
    if (space.test(character)) {
      position++
      continue
    }
    let kind: Token['kind']
    if (lineStart && character === '\\') {
      // A psql command: pg_dump writes \connect and \restrict.
      kind = 'meta'
      position = endOfLine(text, position)
    } else if (text.startsWith('--', position)) {
      kind = 'comment'
      position = endOfLine(text, position)
    } else if (text.startsWith('/*', position)) {
      kind = 'comment'
      position = endOfBlockComment(text, position)
    } else if (character === "'") {
      kind = 'string'
      position = endOfQuoted(text, position + 1, "'", false)
    } else if (character === '"') {
      kind = 'identifier'
      position = endOfQuoted(text, position + 1, '"', false)
    } else if ((character === 'E' || character === 'e') && text[position + 1] === "'") {
      kind = 'string'
      position = endOfQuoted(text, position + 2, "'", true)
    } else if (character === '$' && dollarTag(text, position)) {
      kind = 'string'
      const tag = dollarTag(text, position) as string
      const close = text.indexOf(tag, position + tag.length)
      position = close < 0 ? length : close + tag.length
    } else if (wordStart.test(character)) {
      kind = 'word'
      position++
      while (position < length && /[A-Za-z0-9_$\u0080-\uffff]/.test(text[position] as string)) position++
    } else {
      kind = 'symbol'
      position++
      // A number takes its letters and dollars along, so that none of them starts a word or a quote.
      if (/[0-9]/.test(character)) {
        while (position < length && /[A-Za-z0-9_.]/.test(text[position] as string)) position++
      }
    }
    lineStart = false
    yield { kind, start, end: position }
  }
}

/**
 * The statements of a text, without comments before them and without the `;` at their end. A `;` inside
 * parentheses (rules) or BEGIN ATOMIC ... END (function bodies) does not end one.
 */
export function splitStatements(text: string): string[] {
  const statements: string[] = []
  let start = -1
  let parentheses = 0
  let blocks = 0
  let routine = false
  let words: string[] = []
  let previous = ''
  const finish = (end: number) => {
    if (start >= 0) statements.push(text.slice(start, end).trimEnd())
    start = -1
    parentheses = 0
    blocks = 0
    routine = false
    words = []
  }
  for (const token of tokens(text)) {
    if (token.kind === 'meta' || token.kind === 'comment') continue
    const symbol = token.kind === 'symbol' ? text.slice(token.start, token.end) : ''
    if (symbol === ';' && parentheses === 0 && blocks === 0) {
      finish(token.start)
      continue
    }
    if (start < 0) start = token.start
    if (symbol === '(') parentheses++
    else if (symbol === ')') parentheses = Math.max(0, parentheses - 1)
    else if (token.kind === 'word') {
      const word = text.slice(token.start, token.end).toLowerCase()
      if (words.length < 4) words.push(word)
      if (words.length === 4 || word === 'function' || word === 'procedure') {
        routine ||= words[0] === 'create' && (words.includes('function') || words.includes('procedure'))
      }
      if (routine && parentheses === 0) {
        if (word === 'atomic' && previous === 'begin') blocks++
        else if (word === 'case' && blocks > 0) blocks++
        else if (word === 'end' && blocks > 0) blocks--
      }
      previous = word
      continue
    }
    previous = ''
  }
  finish(text.length)
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

function endOfLine(text: string, position: number): number {
  const end = text.indexOf('\n', position)
  return end < 0 ? text.length : end
}

function endOfBlockComment(text: string, position: number): number {
  let depth = 0
  while (position < text.length) {
    if (text.startsWith('/*', position)) {
      depth++
      position += 2
    } else if (text.startsWith('*/', position)) {
      position += 2
      if (--depth === 0) return position
    } else position++
  }
  return position
}

/** A doubled quote is part of the string; a backslash escapes only in E'' strings. */
function endOfQuoted(text: string, position: number, quote: string, backslashes: boolean): number {
  while (position < text.length) {
    const character = text[position]
    if (backslashes && character === '\\') position += 2
    else if (character !== quote) position++
    else if (text[position + 1] === quote) position += 2
    else return position + 1
  }
  return text.length
}

function dollarTag(text: string, position: number): string | undefined {
  return /^\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/.exec(
    text.slice(position, position + 130),
  )?.[0]
}
