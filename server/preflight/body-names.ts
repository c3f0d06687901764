// The names that the body of a function uses, with the schema where it is written, as far as the text shows them.
// Strings (the SQL of EXECUTE) are not read.
import { tokens } from '../schema/lexer.ts'

export type NameKind = 'function' | 'relation' | 'type' | 'operator'

export interface NameUse {
  kind: NameKind
  /** Null if the name has no schema in the text. */
  schema: string | null
  name: string
}

interface Part {
  kind: 'word' | 'operator' | 'symbol' | 'string'
  text: string
  /** The name as the catalog stores it, folded to lower case or without its quotes. */
  name: string
}

const operatorCharacters = '+-*/<>=~!@#%^&|`?'
/** In the parentheses of these functions, FROM does not precede a relation. */
const fromWithin = new Set(['extract', 'substring', 'trim', 'overlay', 'position'])
const beforeRelation = new Set(['from', 'join', 'update', 'using'])

export function usedNames(body: string): NameUse[] {
  const parts = partsOf(body)
  const own = namesMadeIn(parts)
  const uses = new Map<string, NameUse>()
  const add = (kind: NameKind, name: string, schema: string | null) => {
    if (schema === null && kind === 'relation' && own.has(name)) return
    uses.set(JSON.stringify([kind, schema, name]), { kind, schema, name })
  }
  const openers: string[] = []
  let isDeclaring = false
  for (const [at, part] of parts.entries()) {
    const before = (back: number) => parts[at - back]?.text ?? ''
    const next = parts[at + 1]?.text ?? ''
    if (part.text === '(') openers.push(before(1))
    if (part.text === ')') openers.pop()
    if (part.text === 'declare') isDeclaring = true
    if (part.text === 'begin') isDeclaring = false
    if (part.kind === 'operator' && before(1) !== '.') add('operator', part.text, null)
    if (part.kind !== 'word' || next === '.') continue
    const isQualified = before(1) === '.'
    const schema = isQualified ? (parts[at - 2]?.name ?? null) : null
    /** How many parts back the word before the name is. */
    const back = isQualified ? 3 : 1
    const lead = before(back)
    const isWithinCall = fromWithin.has(openers.at(-1) ?? '')
    if (next === '(' && lead !== 'into') add('function', part.name, schema)
    else if (beforeRelation.has(lead) && !(lead === 'from' && isWithinCall))
      add('relation', part.name, schema)
    else if (lead === 'into' && ['insert', 'merge'].includes(before(isQualified ? 4 : 2)))
      add('relation', part.name, schema)
    else if (
      lead === '::' ||
      (lead === 'as' && openers.at(-1) === 'cast') ||
      (isDeclaring && part.text !== 'constant' && isDeclared(parts.slice(0, at - back + 1)))
    )
      add('type', part.name, schema)
  }
  return [...uses.values()]

  /** True at the beginning of a declaration: `name type` or `name constant type`. */
  function isDeclared(leading: readonly Part[]): boolean {
    const named = leading.at(-1)?.text === 'constant' ? leading.slice(0, -1) : leading
    return [';', 'declare'].includes(named.at(-2)?.text ?? '')
  }
}

/** Names of WITH queries, which are not relations of a schema: `name as (`, `name (columns) as materialized (`. */
function namesMadeIn(parts: readonly Part[]): Set<string> {
  const names = parts.flatMap(({ text }, at) => {
    const follows = parts.slice(at + 1, at + 3).map((part) => part.text)
    if (text !== 'as' || (follows[0] !== '(' && !follows.includes('materialized'))) return []
    const behind = parts[at - 1]?.text === ')' ? opening(parts, at - 1) - 1 : at - 1
    return parts[behind]?.kind === 'word' ? [parts[behind].name] : []
  })
  return new Set(names)
}

function opening(parts: readonly Part[], closing: number): number {
  let depth = 0
  for (let at = closing; at >= 0; at--) {
    if (parts[at]?.text === ')') depth++
    if (parts[at]?.text === '(') depth--
    if (depth === 0) return at
  }
  return 0
}

function partsOf(body: string): Part[] {
  const parts: Part[] = []
  let end = -1
  for (const token of tokens(body)) {
    const text = body.slice(token.start, token.end)
    const last = parts.at(-1)
    const isTouching = token.start === end
    end = token.end
    if (token.kind === 'comment') continue
    if (token.kind === 'word')
      parts.push({ kind: 'word', text: text.toLowerCase(), name: text.toLowerCase() })
    else if (token.kind === 'identifier') {
      parts.push({ kind: 'word', text, name: text.slice(1, -1).replaceAll('""', '"') })
    } else if (token.kind === 'string') parts.push({ kind: 'string', text: "''", name: '' })
    else if (operatorCharacters.includes(text)) {
      if (last?.kind === 'operator' && isTouching) last.text += text
      else parts.push({ kind: 'operator', text, name: text })
    } else if (text === ':' && last?.text === ':' && isTouching) last.text = '::'
    else parts.push({ kind: 'symbol', text, name: '' })
  }
  return parts
}
