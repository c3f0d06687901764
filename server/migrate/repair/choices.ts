// From a cause of failures to what can be done about it. Pure: the facts were read before.
import type { FailedStep } from '../../../shared/failure.ts'
import type { FailureCause } from '../../../shared/failure-causes.ts'
import type { RepairChoice } from '../../../shared/repair-api.ts'
import { nameOf, type TableName, tableKey } from '../../../shared/table-name.ts'
import { quoteIdentifier, quoteQualified } from '../../postgres/quote.ts'
import type { RepairFacts, RepairTable } from './facts.ts'
import { grantFor } from './grants.ts'
import { nameIn, tableOf } from './named.ts'

const retry: RepairChoice = { kind: 'retry', sql: [] }

type Offer = (cause: FailureCause, facts: RepairFacts) => (RepairChoice | undefined)[]

/** By SQLSTATE. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const offers: Readonly<Record<string, Offer>> = {
  // string_data_right_truncation, numeric_value_out_of_range
  '22001': (cause, facts) => [widened(cause, facts)],
  '22003': (cause, facts) => [widened(cause, facts)],
  // check, not null, unique and exclusion violations
  '23514': (cause, facts) => [droppedConstraint(cause, facts, 'c')],
  '23502': (cause, facts) => [droppedNotNull(cause, facts)],
  '23505': (cause, facts) => [droppedConstraint(cause, facts, 'u')],
  '23P01': (cause, facts) => [droppedConstraint(cause, facts, 'x')],
  // undefined_object, invalid_schema_name
  '42704': (cause, facts) => [createdRole(cause, facts)],
  '3F000': (cause, facts) => [createdSchema(cause, facts)],
  // insufficient_privilege
  '42501': (cause, facts) => [grantFor(cause, facts)],
}

export function choicesFor(cause: FailureCause, facts: RepairFacts): RepairChoice[] {
  const offered = offers[cause.error.sqlstate ?? '']?.(cause, facts) ?? []
  const all = [createdExtension(cause, facts), ...offered].filter((choice) => choice !== undefined)
  return [...all, retry, ...leftOut(cause)]
}

/** The source's type holds every value of the source. */
function widened({ failures }: FailureCause, { source, destination }: RepairFacts): RepairChoice | undefined {
  const sql = each(failures, (failure) => {
    const table = tableOf(failure)
    const column = failure.cause?.column
    if (!table || column === undefined) return undefined
    const there = destination.get(tableKey(table))
    const now = there?.columns.get(column)
    const wanted = source.get(tableKey(table))?.columns.get(column)
    if (!there || !now || !wanted?.builtIn || wanted.type === now.type) return undefined
    return `${alter(there)} ALTER COLUMN ${quoteIdentifier(column)} TYPE ${wanted.type}`
  })
  return sql && { kind: 'widen column', sql }
}

function droppedConstraint(
  { failures }: FailureCause,
  facts: RepairFacts,
  types: string,
): RepairChoice | undefined {
  const afterwards = new Set<string>()
  const sql = each(failures, (failure) => {
    const found = constraintOf(failure, facts, types)
    if (!found) return undefined
    const { there, name, definition, type } = found
    const valid = type === 'c' && !/ not valid$/i.test(definition) ? ' NOT VALID' : ''
    afterwards.add(`${alter(there)} ADD CONSTRAINT ${quoteIdentifier(name)} ${definition}${valid}`)
    return `${alter(there)} DROP CONSTRAINT ${quoteIdentifier(name)}`
  })
  return sql && { kind: 'drop constraint', sql, afterwards: [...afterwards] }
}

function droppedNotNull({ failures }: FailureCause, { destination }: RepairFacts): RepairChoice | undefined {
  const sql = each(failures, (failure) => {
    const found = columnOf(failure, destination)
    if (!found || found.column.inPrimaryKey) return undefined
    return `${alter(found.there)} ALTER COLUMN ${quoteIdentifier(found.name)} DROP NOT NULL`
  })
  return sql && { kind: 'drop not null', sql }
}

function createdRole({ failures }: FailureCause, { roles }: RepairFacts): RepairChoice | undefined {
  const sql = each(failures, ({ cause }) => {
    const role = nameIn(cause?.message ?? '', /^role "(.*)" does not exist$/)
    return role === undefined || roles.has(role) ? undefined : `CREATE ROLE ${quoteIdentifier(role)} NOLOGIN`
  })
  return sql && { kind: 'create role', sql }
}

function createdSchema({ failures }: FailureCause, { schemas }: RepairFacts): RepairChoice | undefined {
  const sql = each(failures, ({ cause }) => {
    const schema = nameIn(cause?.message ?? '', /^schema "(.*)" does not exist$/)
    return schema === undefined || schemas.has(schema)
      ? undefined
      : `CREATE SCHEMA ${quoteIdentifier(schema)}`
  })
  return sql && { kind: 'create schema', sql }
}

/** An extension that the destination's machine has, and its database has not. */
function createdExtension(
  { failures }: FailureCause,
  { extensions: { available, installed } }: RepairFacts,
): RepairChoice | undefined {
  const sql = each(failures, ({ kind, name, cause }) => {
    const missing = /^type "(?:[^".]+\.)?([^".]+)" does not exist$/
    const extension = kind === 'EXTENSION' ? name : nameIn(cause?.message ?? '', missing)
    if (extension === undefined || !available.has(extension) || installed.has(extension)) return undefined
    return `CREATE EXTENSION ${quoteIdentifier(extension)}`
  })
  return sql && { kind: 'create extension', sql }
}

/** What needs its rows, as a foreign key, is skipped too. */
function leftOut({ failures }: FailureCause): RepairChoice[] {
  if (!failures.every(({ kind }) => kind === 'ROWS')) return []
  return [{ kind: 'leave out', sql: [], tables: failures.map(nameOf) }]
}

/** A choice must help all failures of the cause, or it is not offered. */
function each(
  failures: readonly FailedStep[],
  statement: (failure: FailedStep) => string | undefined,
): string[] | undefined {
  const statements = new Set<string>()
  for (const failure of failures) {
    const one = statement(failure)
    if (one === undefined) return undefined
    statements.add(one)
  }
  return [...statements]
}

function constraintOf(failure: FailedStep, { destination }: RepairFacts, types: string) {
  const table = tableOf(failure)
  const name = failure.cause?.constraint
  const there = table && destination.get(tableKey(table))
  const known = name === undefined ? undefined : there?.constraints.get(name)
  if (!there || name === undefined || !known || !types.includes(known.type)) return undefined
  return { there, name, ...known }
}

function columnOf(failure: FailedStep, destination: ReadonlyMap<string, RepairTable>) {
  const table = tableOf(failure)
  const name = failure.cause?.column
  const there = table && destination.get(tableKey(table))
  const column = name === undefined ? undefined : there?.columns.get(name)
  return there && name !== undefined && column ? { there, name, column } : undefined
}

function alter({ alter: table }: { alter: TableName }): string {
  return `ALTER TABLE ${quoteQualified(table.schema, table.name)}`
}
