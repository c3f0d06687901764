// Steps for the destination's own triggers and foreign keys.
import { showName } from '../../../shared/table-name.ts'
import type { ExistingForeignKey } from '../../catalog/existing-foreign-keys.ts'
import { PgtrekError } from '../../postgres/errors.ts'
import { orphansQuery } from '../plan/foreign-keys.ts'
import type { Step } from '../plan/step.ts'
import type { RunContext } from './context.ts'

export async function release(
  { foreignKeys, triggers }: Extract<Step['work'], { kind: 'release' }>,
  { restore, suspended }: RunContext,
): Promise<void> {
  await restore.repeatedly(async ({ session }) => {
    for (const table of triggers) await suspended.takeTriggers(session, table)
    for (const foreignKey of foreignKeys) await suspended.takeForeignKey(session, foreignKey)
  })
}

/** The key was not enforced while rows were copied, and must hold afterwards. */
export async function checkForeignKey(key: ExistingForeignKey, { restore }: RunContext): Promise<void> {
  const query = orphansQuery(key)
  const { orphans } = await restore.repeatedly(({ session }) => session.one<{ orphans: number }>(query))
  if (orphans === 0) return
  const rows = orphans === 1 ? '1 row references' : `${orphans} rows reference`
  throw new PgtrekError(
    `${rows} rows that ${showName(key.referenced)} does not have (${key.definition}). Find them with: ${query.replace('count(*)::float8 as orphans', '*').replaceAll(/\s+/g, ' ')}`,
  )
}
