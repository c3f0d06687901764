// A user's condition on the source: one expression, in a read-only transaction, with a time limit.
import type { TableRule } from '../../shared/request.ts'
import { say } from '../../shared/say.ts'
import { conditionFault } from '../../shared/sql-condition.ts'
import { PgtrekError, PlanRefused, ServerError, sqlstate } from '../postgres/errors.ts'
import type { Session } from '../postgres/session.ts'

/** It is not one expression. */
export class ConditionFaulty extends PgtrekError {
  constructor(
    message: string,
    readonly position: number,
  ) {
    super(message)
  }
}

/** The server refuses it. */
export class ConditionRefused extends ServerError {
  constructor(
    cause: ServerError,
    /** Of the character in the condition, from 1. */
    readonly position: number | undefined,
  ) {
    super(cause.fields)
  }
}

/** The line break ends a comment at its end. */
export function inParentheses(condition: string): string {
  return `(${condition}\n)`
}

export function refuseFaulty(condition: string) {
  const fault = conditionFault(condition)
  if (fault) throw new ConditionFaulty(fault.message, fault.position)
}

/** The server's error is about the condition when the statement has one. `before` is what precedes it in the statement. */
export async function withCondition<Result>(
  condition: string | undefined,
  before: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ServerError) || condition === undefined) throw error
    const position = (error.fields.position ?? 0) - [...before].length
    throw new ConditionRefused(
      error,
      position >= 1 && position <= [...condition].length ? position : undefined,
    )
  }
}

/**
 * Conditions and expressions stand in parentheses in larger statements: one that closes them, as `true) or (true`, would
 * choose other rows there than by itself, and parts of a table would be copied twice.
 */
export function refuseFaultyRules(rules: readonly TableRule[]) {
  const faults = rules.flatMap(({ table, where, columns = {} }) => {
    const expressions = Object.values(columns).flatMap((column) =>
      'expression' in column ? [column.expression] : [],
    )
    return [...(where === undefined ? [] : [where]), ...expressions].flatMap((text) => {
      const fault = conditionFault(text)
      return fault ? [`${table}: ${text}: ${fault.message} (character ${fault.position})`] : []
    })
  })
  if (faults.length > 0) {
    throw new PlanRefused(
      say`each condition or expression has to be one SQL expression. Nothing was changed. Not so: ${faults.join('; ')}`,
    )
  }
}

/**
 * Null when the server needs longer. A statement of the user can change a session's settings, but not whether a
 * transaction may write: each has its own transaction, which is rolled back.
 */
export async function readWithin<Result>(
  session: Session,
  seconds: number,
  work: () => Promise<Result>,
): Promise<Result | null> {
  const milliseconds = Math.max(1, Math.round(seconds * 1000))
  await session.execute(`begin transaction read only; set local statement_timeout = ${milliseconds}`)
  let result: Result | null
  try {
    result = await work()
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    await session.execute('rollback')
    if (error.sqlstate === sqlstate.queryCanceled) return null
    throw error
  }
  await session.execute('rollback')
  return result
}
