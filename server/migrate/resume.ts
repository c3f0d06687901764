// Resumes an interrupted run: completed steps are not repeated.

import { formatCount } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'
import { PlanRefused } from '../postgres/errors.ts'
import type { Session } from '../postgres/session.ts'
import type { Unfinished } from '../store/run-memory.ts'
import type { Plan } from './plan/types.ts'
import type { Migration } from './request.ts'

/** The settings that decide which objects and rows are copied where. Another number of workers is still the same run. */
export function requestKey({
  selection,
  tables,
  options,
}: Pick<Migration, 'selection' | 'tables' | 'options'>): string {
  const { schemaOnly, dataOnly, existingTableMode, existingDataMode, skipExtensions } = options
  return JSON.stringify({
    selection,
    tables,
    options: { schemaOnly, dataOnly, existingTableMode, existingDataMode, skipExtensions },
  })
}

export async function findUnfinished(
  migration: Migration,
  destination: Session,
): Promise<Unfinished | undefined> {
  if (!migration.options.resume) return undefined
  const unfinished = migration.memory.unfinished()
  if (!unfinished) {
    throw new PlanRefused(
      'there is no unfinished run between these databases to resume. Check that --state-dir is the one of that run. Nothing was changed',
    )
  }
  if (unfinished.request !== requestKey(migration)) {
    throw new PlanRefused(
      `run ${unfinished.run} of ${unfinished.startedAt} had a different request: resume it with the same selection, modes and conditions. Nothing was changed`,
    )
  }
  return await withOutcomes(unfinished, destination)
}

export function describeResumed({ run, startedAt }: Unfinished, { tables }: Plan): string {
  const done = tables.filter(({ mode }) => mode === 'done').length
  const all = formatCount(tables.length, 'table')
  return say`resuming run ${run} of ${startedAt}: ${done} of ${all} complete. The others are copied under a newer snapshot: their rows may reference rows that the complete tables do not have`
}

/** Asks the destination for the outcome of steps that were committing when the run broke off. */
async function withOutcomes(unfinished: Unfinished, destination: Session): Promise<Unfinished> {
  const done = new Map(unfinished.done)
  for (const [step, { transactions, ...moved }] of unfinished.committing) {
    const committed = await countCommitted(destination, transactions)
    if (committed === transactions.length) done.set(step, moved)
    else if (committed > 0) {
      throw new PlanRefused(
        `only a part of the rows of ${nameIn(step)} was committed when run ${unfinished.run} was interrupted: delete these rows, exclude the table, or start without --resume. Nothing was changed`,
      )
    }
  }
  return { ...unfinished, done }
}

async function countCommitted(destination: Session, transactions: readonly string[]): Promise<number> {
  const list = transactions.map((id) => `(${BigInt(id)}::bigint)`).join(', ')
  const { committed } = await destination.one<{ committed: number }>(`
    select count(*) filter (where pg_catalog.txid_status(id) = 'committed')::int as committed
      from (values ${list}) t (id)`)
  return committed
}

function nameIn(step: string): string {
  const [, schema, name] = JSON.parse(step) as [string, string, string]
  return `${schema}.${name}`
}
