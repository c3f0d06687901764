// ALTER TABLE statements that make one table like another, from both CREATE TABLE statements as pg_dump writes them.
import type { Destroyed } from '../../shared/comparison-api.ts'
import { type CreateTable, parseCreateTable } from '../schema/create-table.ts'
import { splitStatements, tokens } from '../schema/lexer.ts'
import { unquoted } from '../schema/plain-names.ts'

export interface TableSync {
  sql: string[]
  destroys: Destroyed[]
}

interface TableColumn {
  name: string
  element: string
  type: string
  default: string | undefined
  notNull: boolean
  /** Everything else: GENERATED, OPTIONS, ... */
  other: string
}

interface Parts {
  columns: Map<string, TableColumn>
  /** By their names, as written. */
  constraints: Map<string, string>
}

/** Undefined: the tables differ in something that has to be changed by hand. */
export function alterTable(source: string, destination: string): TableSync | undefined {
  const [ours, theirs] = [splitTable(source), splitTable(destination)]
  if (!ours || !theirs) return undefined
  // Partitioning, inheritance, storage parameters, UNLOGGED.
  if (ours.table.head !== theirs.table.head || ours.table.tail !== theirs.table.tail) return undefined
  const [from, to] = [partsOf(theirs.table), partsOf(ours.table)]
  if (!from || !to) return undefined
  const { name } = ours.table
  const sync: TableSync = { sql: [], destroys: [] }
  const alter = (action: string) => sync.sql.push(`ALTER TABLE ${name} ${action}`)
  const destroy = (what: Destroyed['what'], kind: string, part: string) =>
    sync.destroys.push({ what, kind, name: `${plain(name)}.${plain(part)}` })

  for (const [constraint, element] of from.constraints) {
    if (to.constraints.get(constraint) === element) continue
    alter(`DROP CONSTRAINT ${constraint}`)
    destroy('object', 'CONSTRAINT', constraint)
  }
  for (const column of from.columns.keys()) {
    if (to.columns.has(column)) continue
    alter(`DROP COLUMN ${column}`)
    destroy('column', 'COLUMN', column)
  }
  for (const [column, wanted] of to.columns) {
    const present = from.columns.get(column)
    if (!present) alter(`ADD COLUMN ${wanted.element}`)
    else if (present.other !== wanted.other) return undefined
    else alterColumn(present, wanted, alter, destroy)
  }
  for (const [constraint, element] of to.constraints) {
    if (from.constraints.get(constraint) !== element) alter(`ADD ${element}`)
  }
  const others = otherStatements(ours.others, theirs.others)
  if (!others) return undefined
  sync.sql.push(...others)
  // What is left is the order of the columns.
  return sync.sql.length > 0 ? sync : undefined
}

function alterColumn(
  present: TableColumn,
  wanted: TableColumn,
  alter: (action: string) => void,
  destroy: (what: Destroyed['what'], kind: string, part: string) => void,
) {
  const { name } = wanted
  const hasOtherType = present.type !== wanted.type
  // The default of the old type may not be one of the new type.
  const dropsDefault = present.default !== undefined && (hasOtherType || wanted.default === undefined)
  if (dropsDefault) alter(`ALTER COLUMN ${name} DROP DEFAULT`)
  if (hasOtherType) {
    alter(`ALTER COLUMN ${name} TYPE ${wanted.type} USING ${name}::${wanted.type}`)
    if (!isWider(plain(present.type), plain(wanted.type)))
      destroy('type', `${plain(present.type)} -> ${plain(wanted.type)}`, name)
  }
  if (wanted.default !== undefined && (hasOtherType || present.default !== wanted.default))
    alter(`ALTER COLUMN ${name} SET DEFAULT ${wanted.default}`)
  if (present.notNull !== wanted.notNull)
    alter(`ALTER COLUMN ${name} ${wanted.notNull ? 'SET' : 'DROP'} NOT NULL`)
}

/** Statements of the entry after CREATE TABLE, and the owner: those of the source are run where they differ. */
function otherStatements(ours: readonly string[], theirs: readonly string[]): string[] | undefined {
  const [here, there] = [new Set(ours), new Set(theirs)]
  const onlyThere = theirs.filter((one) => !here.has(one))
  const isOwner = (one: string) => /^ALTER [A-Z ]+ .* OWNER TO /s.test(one)
  return onlyThere.every(isOwner) ? ours.filter((one) => !there.has(one)) : undefined
}

function splitTable(text: string): { table: CreateTable; others: string[] } | undefined {
  const [create = '', ...others] = splitStatements(text)
  const table = parseCreateTable(create)
  return table && { table, others }
}

function partsOf({ elements }: CreateTable): Parts | undefined {
  const parts: Parts = { columns: new Map(), constraints: new Map() }
  for (const element of elements) {
    const [first, second] = tokens(element)
    if (!first || !second) return undefined
    if (first.kind === 'identifier') {
      const column = parseColumn(element)
      if (!column) return undefined
      parts.columns.set(column.name, column)
    } else if (element.startsWith('CONSTRAINT "')) {
      parts.constraints.set(element.slice(second.start, second.end), element)
    } else return undefined
  }
  return parts
}

const clauses: ReadonlySet<string> = new Set(['DEFAULT', 'NOT', 'GENERATED', 'CONSTRAINT', 'OPTIONS'])

/** `"price" numeric(10,2) DEFAULT 0 NOT NULL` */
function parseColumn(element: string): TableColumn | undefined {
  const all = [...tokens(element)]
  const [name] = all
  if (!name) return undefined
  const starts: { word: string; start: number }[] = []
  let depth = 0
  for (const { kind, start, end } of all.slice(1)) {
    const text = element.slice(start, end)
    if (kind === 'symbol' && (text === '(' || text === '[')) depth++
    if (kind === 'symbol' && (text === ')' || text === ']')) depth--
    if (depth === 0 && kind === 'word' && clauses.has(text)) starts.push({ word: text, start })
  }
  const column: TableColumn = {
    name: element.slice(name.start, name.end),
    element,
    type: element.slice(name.end, starts[0]?.start).trim(),
    default: undefined,
    notNull: false,
    other: '',
  }
  for (const [at, { word, start }] of starts.entries()) {
    const clause = element.slice(start, starts[at + 1]?.start).trim()
    if (word === 'DEFAULT') column.default = clause.slice('DEFAULT'.length).trim()
    else if (clause === 'NOT NULL') column.notNull = true
    else column.other += ` ${clause}`
  }
  return column
}

const integers = ['smallint', 'integer', 'bigint']
const ofLength = /^(character varying|numeric)(?:\((\d+)(?:,(\d+))?\))?$/

/** Whether every value of the first type has the same value in the second. */
export function isWider(from: string, to: string): boolean {
  const [low, high] = [integers.indexOf(from), integers.indexOf(to)]
  if (low >= 0 && high >= 0) return low < high
  if (low >= 0 && to === 'numeric') return true
  if (to === 'text') return from === 'text' || from.startsWith('character varying')
  const [one, other] = [ofLength.exec(from), ofLength.exec(to)]
  if (!one || !other || one[1] !== other[1]) return false
  if (other[2] === undefined) return true
  return one[2] !== undefined && Number(one[2]) <= Number(other[2]) && one[3] === other[3]
}

/** `"public"."t"` as `public.t`. */
export function plain(written: string): string {
  return written.replace(/"(?:[^"]|"")*"/g, (name) => unquoted(name))
}
