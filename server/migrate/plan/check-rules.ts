// Checks the user's conditions and expressions on the source before anything runs.
import { showName } from '../../../shared/table-name.ts'
import { PlanRefused, ServerError } from '../../postgres/errors.ts'
import type { Session } from '../../postgres/session.ts'
import type { Plan } from './types.ts'

/**
 * EXPLAIN with a parameter uses the extended protocol, which accepts one statement only: a condition that tries to end
 * the query and begin another one is a syntax error here.
 */
export async function checkRowQueries(plan: Plan, openSource: () => Promise<Session>): Promise<void> {
  const checks = plan.steps.flatMap(({ info, work }) =>
    (work.kind === 'copy' || work.kind === 'copied together') && work.query !== undefined
      ? [{ info, query: work.query }]
      : [],
  )
  if (checks.length === 0) return
  await using source = await openSource()
  await source.execute("set default_transaction_read_only = on; set search_path = ''")
  const refused: string[] = []
  for (const { info, query } of checks) {
    try {
      await source.query(`explain select from (${query}\n) pgtrek_rows where $1::int is null`, [0])
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      const hint = error.hint ? ` (${error.hint})` : ''
      refused.push(`${showName(info)}: ${error.message}${hint}`)
    }
  }
  if (refused.length > 0) {
    throw new PlanRefused(
      `the source rejects these conditions or expressions, nothing was changed. Names must be qualified (schema.function):\n${refused.join('\n')}`,
    )
  }
}
