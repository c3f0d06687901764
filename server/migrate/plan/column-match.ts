// Which columns of the destination are filled from which values, by name or by mapping, and whether the types match.

import type { RowRule } from '../../../shared/rule-book.ts'
import { say } from '../../../shared/say.ts'
import type { ExistingColumn } from '../../catalog/existing.ts'
import type { ColumnFacts } from '../../catalog/tables.ts'
import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'
import { type Fit, fitOf } from './type-fit.ts'

export interface ColumnMatch {
  /** Columns of the destination, in the order of the stream. */
  into: string[]
  /** SQL expressions over the source's columns, one for each of `into`. */
  values: string[]
  /** Every value is a column with the same type on the destination: its binary form can be copied. */
  isExact: boolean
  /** `values` are plain columns, in the order of `into` and with the same names. */
  isPlain: boolean
  /** Why the rows cannot be copied. */
  problems: string[]
  /** What may fail for some values. */
  warnings: string[]
  /** The rule in words, for the plan. */
  mapping: string[]
}

export interface ColumnsToMatch {
  columns: readonly ColumnFacts[]
  /** As SQL writes them; needed only where the destination has the table. */
  types: ReadonlyMap<string, string>
  /** The destination's table, when it exists before the run. */
  there: readonly ExistingColumn[] | undefined
  rule: RowRule
}

export function matchColumns({ columns, types, there, rule }: ColumnsToMatch): ColumnMatch {
  const match: ColumnMatch = {
    into: [],
    values: [],
    isExact: true,
    isPlain: true,
    problems: [],
    warnings: [],
    mapping: [],
  }
  const own = new Map(columns.map((column) => [column.name, column]))
  const target = there && new Map(there.map((column) => [column.name, column]))
  const mapped = new Map(Object.entries(rule.columns))
  const renamed = new Set([...mapped.values()].flatMap((source) => ('from' in source ? [source.from] : [])))
  for (const name of rule.leaveOut) {
    if (!own.has(name)) match.problems.push(`the source has no column "${name}" to leave out`)
  }
  for (const [name, source] of mapped) {
    if ('from' in source && !own.has(source.from)) {
      match.problems.push(`the source has no column "${source.from}" to fill "${name}" from`)
    }
  }

  const add = (into: string, value: string, type: string | undefined, typeOid: number | undefined) => {
    const column = target?.get(into)
    if (target && !column) {
      match.problems.push(
        say`the destination's table has no column "${into}" (leave it out, or map it to another)`,
      )
      return
    }
    if (column?.generated) {
      match.problems.push(say`column "${into}" is generated on the destination (leave it out)`)
      return
    }
    match.into.push(into)
    match.values.push(value)
    if (!column) return
    match.isExact &&= typeOid !== undefined && column.typeOid === typeOid && type === column.type
    const fit: Fit = type === undefined ? 'exact' : fitOf(type, column.type)
    if (fit === 'never')
      match.problems.push(
        say`column "${into}" is ${column.type} on the destination, ${type} on the source (map it with an expression)`,
      )
    else if (fit === 'checked')
      match.warnings.push(
        say`column "${into}" is ${column.type} on the destination, ${type} on the source: if a value does not fit, the copy of the table fails`,
      )
  }

  for (const column of columns) {
    const { name } = column
    if (mapped.has(name)) continue
    if (rule.leaveOut.includes(name) || renamed.has(name)) continue
    const column_there = target?.get(name)
    // The destination computes generated columns. Where the column is a plain one there, the value is copied.
    if (column.generated && (!column_there || column_there.generated)) continue
    add(name, quoteIdentifier(name), types.get(name), column.type)
  }
  for (const [name, source] of mapped) {
    match.isPlain = false
    if ('from' in source) {
      add(name, quoteIdentifier(source.from), types.get(source.from), own.get(source.from)?.type)
      match.mapping.push(`${source.from} -> ${name}`)
    } else if ('value' in source) {
      add(name, constant(source.value), undefined, undefined)
      match.mapping.push(`${name} = ${constant(source.value)}`)
    } else {
      add(name, `(${source.expression}\n)`, undefined, undefined)
      match.mapping.push(`${name} = ${source.expression}`)
    }
  }
  for (const name of rule.leaveOut) match.mapping.push(`without ${name}`)
  if (rule.leaveOut.length > 0) match.isPlain = false
  const filled = new Set(match.into)
  for (const { name, required } of there ?? []) {
    if (required && !filled.has(name) && !match.problems.some((problem) => problem.includes(`"${name}"`))) {
      match.problems.push(
        say`column "${name}" of the destination is not null, has no default and gets no value`,
      )
    }
  }
  return match
}

function constant(value: string | number | boolean | null): string {
  if (value === null) return 'null'
  return typeof value === 'string' ? `${quoteLiteral(value)}::text` : String(value)
}
