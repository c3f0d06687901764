// Runs the statements of a repair on the destination: all of them, or none.
import { messageOf } from '../../../shared/message-of.ts'
import { ServerError } from '../../postgres/errors.ts'
import type { Session } from '../../postgres/session.ts'

/** Another session that holds a table must not let the page wait without end. */
const lockTimeout = '10s'

export async function applyRepairs(destination: Session, statements: readonly string[]): Promise<void> {
  if (statements.length === 0) return
  await destination.execute(`begin; set local lock_timeout = '${lockTimeout}'`)
  for (const statement of statements) {
    try {
      await destination.execute(statement)
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      await destination.execute('rollback')
      throw new ServerError({
        ...error.fields,
        message: `${messageOf(error)} (in: ${statement}). Nothing was changed`,
      })
    }
  }
  await destination.execute('commit')
}
