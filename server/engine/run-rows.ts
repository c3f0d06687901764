// Steps that fill tables, and empty them.
import { showName, type TableName } from '../../shared/phase.ts'
import { CopyFailed, PartlyCommitted } from '../copy/pool.ts'
import { errorInfo, ServerError } from '../postgres/errors.ts'
import { quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import type { RunContext } from './run-context.ts'
import { type Step, stepKey } from './step.ts'
import { truncateStatements } from './truncate.ts'

export async function runCopy(
  { info }: Step,
  work: Extract<Step['work'], { kind: 'copy' }>,
  context: RunContext,
  starts: { now(): void },
) {
  const { copyPool, emit, memory } = context
  if (!copyPool) throw new Error('a copy was planned without workers')
  const { table } = info
  let moved = { rows: 0, bytes: 0 }
  try {
    const result = await copyPool.copy({
      title: showName(info),
      bytes: work.bytes,
      parts: work.parts,
      onStart: () => starts.now(),
      onWorker(worker) {
        if (table) emit({ type: 'copied_by', table, worker })
      },
      onProgress(rows, bytes, collided) {
        moved = { rows, bytes }
        if (table) emit({ type: 'rows', table, rows, bytes, ...(collided > 0 && { collided }) })
      },
      onCollided(key, values) {
        if (table) emit({ type: 'collided', table, key: [...key], values })
      },
      ...(work.exactlyOnce && {
        onBeforeCommit: (transactions: readonly string[]) =>
          memory.committing(stepKey(info), transactions, moved),
      }),
    })
    const { collided, seconds, ...all } = result
    if (table) emit({ type: 'rows', table, ...all, ...(collided > 0 && { collided }) })
    return { ...all, seconds }
  } catch (error) {
    if (error instanceof PartlyCommitted && table) {
      throw work.fills ? await emptied(table, error.failure, context) : partlyThere(error.failure)
    }
    throw error
  }
}

function partlyThere(failure: Error): Error {
  const info = failure instanceof CopyFailed ? failure.info : errorInfo(failure)
  return new CopyFailed({
    ...info,
    message: `${info.message} (at the commit; other parts of the rows are there already: compare, or copy the table again with upsert)`,
  })
}

/** The table was empty when its copy began: whatever is in it now is a part of ours. */
async function emptied(table: TableName, failure: Error, { restore, inventory }: RunContext): Promise<Error> {
  const info = failure instanceof CopyFailed ? failure.info : errorInfo(failure)
  const because = (outcome: string) =>
    new CopyFailed({ ...info, message: `${info.message} (at the commit; ${outcome})` })
  const name = quoteQualified(table.schema, table.name)
  try {
    await restore.repeatedly(({ session }) => emptyTable(session, name, inventory.destination.mayReplicate))
    return because('the table was emptied again')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return because(`other parts are there, since the table could not be emptied: ${reason}`)
  }
}

export async function truncate(
  work: Extract<Step['work'], { kind: 'truncate' }>,
  { restore, plan }: RunContext,
): Promise<void> {
  const statements = truncateStatements(work, plan.asReplica)
  await restore.repeatedly(({ session }) => session.execute(statements.join(';\n')))
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
