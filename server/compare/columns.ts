// Pairs the columns of source and destination, by name or by the user's rules.
import type { ColumnSource } from '../../shared/request.ts'
import type { RowRule } from '../../shared/rule-book.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import { type HashKind, hashKindOf } from './hash-kind.ts'
import type { Column } from './relations.ts'

export type Side = 'source' | 'destination'

export interface ComparedColumn {
  /** The name on the destination. */
  name: string
  kind: HashKind
  /** Part of the primary key on both sides. */
  neverNull: boolean
  /** SQL of the value on each side. */
  source: string
  destination: string
  /** The column of the source, unless the value is an expression. */
  sourceColumn: string | undefined
}

export interface PairedColumns {
  compared: ComparedColumn[]
  onlyOnSource: string[]
  onlyOnDestination: string[]
  types: { column: string; source: string; destination: string }[]
}

export type ColumnRule = Partial<Pick<RowRule, 'columns' | 'leaveOut' | 'where'>>

/** In the order of the source's columns; the order on the destination does not matter. */
export function pairColumns(
  source: readonly Column[],
  destination: readonly Column[],
  rule: ColumnRule = {},
): PairedColumns {
  const leftOut = new Set(rule.leaveOut)
  const mapped = new Map(Object.entries(rule.columns ?? {}))
  const there = new Map(destination.map((column) => [column.name, column]))
  const here = new Map(source.map((column) => [column.name, column]))
  const compared: ComparedColumn[] = []
  const types: PairedColumns['types'] = []
  const onlyOnSource: string[] = []
  const used = new Set([...mapped.values()].map((from) => ('from' in from ? from.from : undefined)))
  for (const column of source) {
    const other = there.get(column.name)
    if (leftOut.has(column.name) || mapped.has(column.name)) continue
    if (other) compared.push(byName(column, other, types))
    else if (!used.has(column.name)) onlyOnSource.push(column.name)
  }
  const onlyOnDestination: string[] = []
  for (const column of destination) {
    const from = mapped.get(column.name)
    if (from && 'from' in from) {
      const origin = here.get(from.from)
      if (origin) compared.push(byName(origin, column, types))
      else onlyOnDestination.push(column.name)
    } else if (from) compared.push(computed(from, column))
    else if (!here.has(column.name)) onlyOnDestination.push(column.name)
  }
  return { compared, onlyOnSource, onlyOnDestination, types }
}

function byName(source: Column, destination: Column, types: PairedColumns['types']): ComparedColumn {
  if (source.typeName !== destination.typeName) {
    types.push({ column: destination.name, source: source.typeName, destination: destination.typeName })
  }
  return {
    name: destination.name,
    kind: hashKindOf(source.type, destination.type),
    neverNull: source.inPrimaryKey && destination.inPrimaryKey,
    source: quoteIdentifier(source.name),
    destination: quoteIdentifier(destination.name),
    sourceColumn: source.name,
  }
}

/** The value as the destination's type writes it: `5` in a numeric(10,2) is 5.00. */
function computed(from: ColumnSource, column: Column): ComparedColumn {
  return {
    name: column.name,
    kind: hashKindOf(column.type, column.type),
    neverNull: false,
    source: `((${sourceSql(from)})::pg_catalog.text)::${column.typeName}`,
    destination: quoteIdentifier(column.name),
    sourceColumn: undefined,
  }
}

function sourceSql(from: ColumnSource): string {
  if ('from' in from) return quoteIdentifier(from.from)
  if ('expression' in from) return from.expression
  return from.value === null ? 'null' : quoteLiteral(String(from.value))
}
