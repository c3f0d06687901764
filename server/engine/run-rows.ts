// Steps that fill tables, and empty them.
import type { TableName } from '../../shared/phase.ts'
import { CopyFailed, PartlyCommitted } from '../copy/pool.ts'
import { errorInfo, ServerError } from '../postgres/errors.ts'
import { quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import type { RunContext } from './run-context.ts'
import type { Step } from './step.ts'

export async function runCopy(
  { info }: Step,
  work: Extract<Step['work'], { kind: 'copy' }>,
  context: RunContext,
  starts: { now(): void },
) {
  const { copyPool, emit } = context
  if (!copyPool) throw new Error('a copy was planned without workers')
  const { table } = info
  try {
    const result = await copyPool.copy({
      bytes: work.bytes,
      parts: work.parts,
      onStart: () => starts.now(),
      onProgress(rows, bytes, collided) {
        if (table) emit({ type: 'rows', table, rows, bytes, ...(collided > 0 && { collided }) })
      },
      onCollided(key, values) {
        if (table) emit({ type: 'collided', table, key: [...key], values })
      },
    })
    const { collided, ...moved } = result
    if (table) emit({ type: 'rows', table, ...moved, ...(collided > 0 && { collided }) })
  } catch (error) {
    if (error instanceof PartlyCommitted && table) throw await emptied(table, error.failure, context)
    throw error
  }
}

/** The table was empty when its copy began: whatever is in it now is a part of ours. */
async function emptied(table: TableName, failure: Error, { restore, inventory }: RunContext): Promise<Error> {
  const info = failure instanceof CopyFailed ? failure.info : errorInfo(failure)
  const because = (outcome: string) =>
    new CopyFailed({ ...info, message: `${info.message} (at the commit; ${outcome})` })
  const name = quoteQualified(table.schema, table.name)
  try {
    await restore.use(({ session }) => emptyTable(session, name, inventory.destination.mayReplicate))
    return because('the table was emptied again')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return because(`other parts are there, since the table could not be emptied: ${reason}`)
  }
}

export async function truncate(
  tables: readonly TableName[],
  { restore, inventory }: RunContext,
): Promise<void> {
  const names = tables.map(({ schema, name }) => quoteQualified(schema, name))
  await restore.use(async ({ session }) => {
    try {
      await session.execute(`truncate ${names.map((name) => `only ${name}`).join(', ')}`)
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      for (const name of names) await emptyTable(session, name, inventory.destination.mayReplicate)
    }
  })
}

async function emptyTable(session: Session, name: string, replica: boolean): Promise<void> {
  try {
    await session.execute(`truncate only ${name}`)
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    // A foreign key points at the table: rows can go one by one, as they came.
    const quietly = replica ? 'set local session_replication_role = replica;' : ''
    await session.execute(`${quietly} delete from only ${name}`)
  }
}
