// What a failure is about: the table that the server names, or the table of the step.
import type { FailedStep } from '../../../shared/failure.ts'
import type { TableName } from '../../../shared/table-name.ts'

export function tableOf({ kind, schema, name, cause }: FailedStep): TableName | undefined {
  if (cause?.schema !== undefined && cause.table !== undefined) {
    return { schema: cause.schema, name: cause.table }
  }
  return kind === 'ROWS' ? { schema, name } : undefined
}

/**
 * The name in one of PostgreSQL's messages that have no field for it: `role "x" does not exist`. Undefined where the
 * server's messages are in another language: then nothing is offered for it.
 */
export function nameIn(message: string, pattern: RegExp): string | undefined {
  return pattern.exec(message)?.[1]
}
