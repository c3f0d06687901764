// CREATE TABLE as pg_dump writes it, parsed and changed where the destination would reject it or interpret
// it differently.
import type { OrderedColumn } from '../catalog/reordered-children.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { Lexer, type Token } from './lexer.ts'
import { unquoted } from './plain-names.ts'

export interface CreateTable {
  /** `public.t`, as written. */
  name: string
  schema: string
  /** Columns and constraints, each as written. */
  elements: string[]
  /** The text before and after them, parentheses included. */
  head: string
  tail: string
}

interface Piece extends Token {
  text: string
}

/** Undefined for a statement that is not CREATE TABLE with a list of columns. */
export function parseCreateTable(statement: string): CreateTable | undefined {
  if (!/^CREATE (?:UNLOGGED |FOREIGN )?TABLE /.test(statement)) return undefined
  const lexer = new Lexer(statement)
  const names: string[] = []
  const elements: string[] = []
  let depth = 0
  let open = 0
  let start = 0
  while (lexer.next()) {
    const text = statement.slice(lexer.start, lexer.end)
    if (lexer.kind !== 'symbol') {
      if (depth === 0 && !(lexer.kind === 'word' && /^(CREATE|UNLOGGED|FOREIGN|TABLE)$/.test(text)))
        names.push(text)
    } else if (text === '(' || text === '[') {
      if (depth++ > 0) continue
      open = lexer.end
      start = lexer.end
    } else if (depth > 0 && (text === ')' || text === ']')) {
      if (--depth > 0) continue
      const last = statement.slice(start, lexer.start).trim()
      if (last !== '') elements.push(last)
      const [schema = '', name = '', ...others] = names
      // CREATE TABLE t OF type and PARTITION OF have another kind of list.
      if (others.length > 0 || name === '') return undefined
      const [head, tail] = [statement.slice(0, open), statement.slice(lexer.start)]
      return { name: `${schema}.${name}`, schema, elements, head, tail }
    } else if (text === ',' && depth === 1) {
      elements.push(statement.slice(start, lexer.start).trim())
      start = lexer.end
    }
  }
  return undefined
}

function written({ head, elements, tail }: CreateTable): string {
  return `${head}\n${elements.map((element) => `    ${element}`).join(',\n')}\n${tail}`
}

/**
 * For servers before 18, where NOT NULL is a property of a column and neither has a name as a constraint of the
 * table nor stays with the parent: `[CONSTRAINT c] NOT NULL a` becomes an ALTER TABLE, `a integer [CONSTRAINT c] NOT
 * NULL NO INHERIT` a check that means the same.
 */
export function notNullOfColumns(statement: string): string[] {
  const table = parseCreateTable(statement)
  if (!table) return [statement]
  const others: string[] = []
  const elements = table.elements.flatMap((element) => {
    const pieces = piecesOf(element)
    const words = pieces.map(({ text }) => text)
    const isTableConstraint = unnamed(words).slice(0, 2).join(' ') === 'NOT NULL'
    if (isTableConstraint) {
      const at = words.indexOf('NOT', words[0] === 'CONSTRAINT' ? 2 : 0)
      const [column = '', ...rest] = words.slice(at + 2)
      others.push(
        rest.join(' ') === 'NO INHERIT'
          ? `ALTER TABLE ONLY ${table.name} ADD ${named(words)}CHECK (${column} IS NOT NULL) NO INHERIT`
          : `ALTER TABLE ONLY ${table.name} ALTER COLUMN ${column} SET NOT NULL`,
      )
      return []
    }
    const at = ofColumn(words)
    if (at < 0) return [element]
    const isNamed = words[at - 2] === 'CONSTRAINT'
    const from = pieces[isNamed ? at - 2 : at] as Piece
    const to = pieces[at + 3] as Piece
    const name = isNamed ? `CONSTRAINT ${words[at - 1]} ` : ''
    others.push(`ALTER TABLE ONLY ${table.name} ADD ${name}CHECK (${words[0]} IS NOT NULL) NO INHERIT`)
    return [(element.slice(0, from.start).trimEnd() + element.slice(to.end)).trim()]
  })
  return others.length === 0 ? [statement] : [written({ ...table, elements }), ...others]
}

/** The place of NOT NULL NO INHERIT in the definition of a column, outside of its expressions. */
function ofColumn(words: readonly string[]): number {
  let depth = 0
  return words.findIndex((word, index) => {
    if (word === '(') depth++
    if (word === ')') depth--
    return depth === 0 && words.slice(index, index + 4).join(' ') === 'NOT NULL NO INHERIT'
  })
}

function unnamed(words: readonly string[]): string[] {
  return words[0] === 'CONSTRAINT' ? words.slice(2) : [...words]
}

function named(words: readonly string[]): string {
  return words[0] === 'CONSTRAINT' ? `CONSTRAINT ${words[1]} ` : ''
}

function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = []
  const lexer = new Lexer(text)
  while (lexer.next()) {
    const { kind, start, end } = lexer
    if (kind !== 'comment') pieces.push({ kind, start, end, text: text.slice(start, end) })
  }
  return pieces
}

const notNullAtEnd = /(?: CONSTRAINT (?:"(?:[^"]|"")*"|[^\s"]+))? NOT NULL$/

/**
 * `CREATE TABLE c (...) INHERITS (p)` puts the columns of p first, whatever their order was. A temporary parent before
 * p with the columns in the right order gives this order. It is dropped at once, and changes nothing else: the child's
 * own columns and constraints stay its own.
 */
export function inheritInOrder(
  statement: string,
  columns: readonly OrderedColumn[],
  unique: number,
): string[] {
  const table = parseCreateTable(statement)
  const inherits = table && /^\)\s+INHERITS \(/.exec(table.tail)
  if (!table || !inherits) return [statement]
  const first = `${table.schema}.${quoteIdentifier(`pgtrek_order_${unique}`)}`
  // A generated column cannot be both the child's own and inherited: the child gets it from the temporary parent.
  const generated = new Map<string, string>()
  const own = new Set(columns.filter(({ isOwn }) => isOwn).map(({ name }) => name))
  const elements = table.elements.filter((element) => {
    const [name, ...others] = piecesOf(element)
    const column = name && unquoted(name.text)
    if (!column || !own.has(column) || !others.some(({ text }) => text === 'GENERATED')) return true
    generated.set(column, element)
    return false
  })
  const definitions = columns.map(({ name, definition }) => {
    const element = generated.get(name)?.replace(notNullAtEnd, '')
    return element ?? `${quoteIdentifier(name)} ${definition}`
  })
  const notNull = [...generated]
    .filter(([, element]) => notNullAtEnd.test(element))
    .map(([name]) => `ALTER TABLE ONLY ${table.name} ALTER COLUMN ${quoteIdentifier(name)} SET NOT NULL`)
  const setStorage = (table: string, key: 'storage' | 'ownStorage') =>
    columns
      .filter((column) => column[key] !== undefined)
      .map((column) => {
        return `ALTER TABLE ONLY ${table} ALTER COLUMN ${quoteIdentifier(column.name)} SET STORAGE ${column[key]}`
      })
  const tail = `${inherits[0]}${first}, ${table.tail.slice(inherits[0].length)}`
  return [
    `CREATE TABLE ${first} (${definitions.join(', ')})`,
    ...setStorage(first, 'storage'),
    written({ ...table, elements, tail }),
    ...notNull,
    ...setStorage(table.name, 'ownStorage'),
    `ALTER TABLE ONLY ${table.name} NO INHERIT ${first}`,
    `DROP TABLE ${first}`,
  ]
}
