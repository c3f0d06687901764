// Steps that fill tables.
import { messageOf } from '../../../shared/message-of.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import { CopyFailed, type CopyPart, type Counts, PartlyCommitted } from '../../copy/pool.ts'
import { errorInfo, ServerError } from '../../postgres/errors.ts'
import { quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { rowsKey, stepKey } from '../../store/run-memory.ts'
import type { CopyWork, Step, TogetherWork } from '../plan/step.ts'
import type { RunContext } from './context.ts'

export async function runCopy({ info }: Step, work: CopyWork, context: RunContext, starts: { now(): void }) {
  const { copyPool, emit, memory } = context
  if (!copyPool) throw new Error('a copy was planned without workers')
  const { table } = info
  let moved = { rows: 0, bytes: 0 }
  const parts = await partsNow(work, context)
  try {
    const result = await copyPool.copy({
      title: showName(info),
      bytes: work.bytes,
      parts,
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
      // The delete and the copy are one transaction: both are committed, or neither.
      if (parts.some((part) => part.kind === 'rows' && part.empties)) throw inDoubt(error.failure)
      throw work.fills
        ? await emptied(work.there ?? table, error.failure, context)
        : partlyThere(error.failure)
    }
    throw error
  }
}

/** Each table gets its events from its own step, after this one. */
export async function copyTogether(
  { info }: Step,
  { tables, parts, bytes }: TogetherWork,
  context: RunContext,
  starts: { now(): void },
): Promise<void> {
  const { copyPool, emit, memory, together } = context
  if (!copyPool) throw new Error('a copy was planned without workers')
  let each: readonly Counts[] = []
  try {
    const { seconds = 0 } = await copyPool.copy({
      title: info.name,
      bytes,
      parts,
      together: true,
      onStart: () => starts.now(),
      onWorker(worker) {
        for (const table of tables) emit({ type: 'copied_by', table, worker })
      },
      onProgress() {},
      onPart(place, counted) {
        const table = tables[place]
        if (table) emit({ type: 'rows', table, rows: counted.rows, bytes: counted.bytes })
      },
      onTables(counts) {
        each = counts
      },
    })
    for (const [place, table] of tables.entries()) {
      const { rows, bytes: size } = each[place] as Counts
      const moved = { rows, bytes: size }
      // A run that resumes this one must find all of them done, or none.
      memory.done(rowsKey(table), moved)
      together.set(tableKey(table), { ...moved, seconds: seconds / tables.length })
    }
  } catch (error) {
    throw error instanceof PartlyCommitted ? inDoubt(error.failure) : error
  }
}

/** A table that was empty when the run was planned may have rows by now. */
async function partsNow({ parts, ifFilled, there }: CopyWork, { restore }: RunContext): Promise<CopyPart[]> {
  if (!ifFilled || !there) return parts
  const { filled } = await restore.repeatedly(({ session }) =>
    session.one<{ filled: boolean }>(
      `select exists (select from ${quoteQualified(there.schema, there.name)}) as filled`,
    ),
  )
  return filled ? ifFilled : parts
}

function inDoubt(failure: Error): Error {
  const info = failure instanceof CopyFailed ? failure.info : errorInfo(failure)
  return new CopyFailed({
    ...info,
    message: `${info.message} (at the commit: the table has either its old rows or all new ones; compare, or copy again)`,
  })
}

function partlyThere(failure: Error): Error {
  const info = failure instanceof CopyFailed ? failure.info : errorInfo(failure)
  return new CopyFailed({
    ...info,
    message: `${info.message} (at the commit; other parts of the rows are already committed: compare, or copy the table again with upsert)`,
  })
}

/** The table was empty when its copy began: all its rows are from this copy. */
async function emptied(
  table: TableName & { partitioned?: boolean },
  failure: Error,
  { restore, inventory }: RunContext,
): Promise<Error> {
  const info = failure instanceof CopyFailed ? failure.info : errorInfo(failure)
  const because = (outcome: string) =>
    new CopyFailed({ ...info, message: `${info.message} (at the commit; ${outcome})` })
  const name = `${table.partitioned ? '' : 'only '}${quoteQualified(table.schema, table.name)}`
  try {
    await restore.repeatedly(({ session }) => emptyTable(session, name, inventory.destination.mayReplicate))
    return because('the table was emptied again')
  } catch (error) {
    const reason = messageOf(error)
    return because(`other parts are committed, since the table could not be emptied: ${reason}`)
  }
}

async function emptyTable(session: Session, name: string, replica: boolean): Promise<void> {
  try {
    await session.execute(`truncate ${name}`)
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    // A foreign key refers to the table: its rows are deleted one by one.
    const quietly = replica ? 'set local session_replication_role = replica;' : ''
    await session.execute(`${quietly} delete from ${name}`)
  }
}
