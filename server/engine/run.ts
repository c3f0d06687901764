// Executes a plan: the graph decides the order, this file does what each step says and tells about it.
import type { MigrationEvent, StepInfo } from '../../shared/event.ts'
import { showName, type TableName } from '../../shared/phase.ts'
import type { MigrationOptions } from '../../shared/request.ts'
import { largeObjectStatements } from '../catalog/large-objects.ts'
import { readSequenceValues, setSequenceStatement } from '../catalog/sequences.ts'
import { tableKey } from '../catalog/tables.ts'
import { CopyFailed, type CopyPool, PartlyCommitted } from '../copy/pool.ts'
import { Cancelled, errorInfo, PgtrekError, ServerError } from '../postgres/errors.ts'
import { quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { unusableRoles } from './gaps.ts'
import { runGraph } from './graph.ts'
import type { Inventory } from './inventory.ts'
import type { Plan } from './plan.ts'
import type { RestoreSessions, SqlOutcome } from './restore.ts'
import type { SqlWork, Step } from './step.ts'

/** An event before it gets its time. */
export type EventBody = MigrationEvent extends infer E
  ? E extends MigrationEvent
    ? Omit<E, 'at'>
    : never
  : never
export type Emit = (event: EventBody) => void

export interface RunContext {
  plan: Plan
  inventory: Inventory
  options: MigrationOptions
  copyPool: CopyPool | undefined
  restore: RestoreSessions
  /** A session of its own on the source: what fails there must not end the run's snapshot. */
  openSource(): Promise<Session>
  emit: Emit
  signal: AbortSignal
}

/** States in which a table that was there before refuses what it has already. */
const alreadySo: ReadonlySet<string> = new Set(['55000', '42P16', '42809'])
const nothing: ReadonlySet<string> = new Set()

export async function runPlan(context: RunContext): Promise<void> {
  const { plan, copyPool, restore, signal } = context
  const cancel = () => {
    void copyPool?.cancel()
    void restore.cancel()
  }
  signal.addEventListener('abort', cancel, { once: true })
  try {
    await runGraph(plan.steps, {
      start: (step) => runStep(step, context),
      skip: (step, reason) => {
        // What needs an interrupted step was not skipped for a failure.
        if (signal.aborted) return
        if (step.work.kind !== 'barrier' || step.skip)
          context.emit({ type: 'step_skipped', step: step.info, reason })
      },
      describe: (step) => `${step.info.kind} ${showName(step.info)}`,
      capacity: {
        ddl: 1,
        build: plan.sizes.indexWorkers,
        copy: Number.POSITIVE_INFINITY,
        none: Number.POSITIVE_INFINITY,
      },
      signal,
    })
  } finally {
    signal.removeEventListener('abort', cancel)
  }
  if (signal.aborted) throw new Cancelled()
}

async function runStep(step: Step, context: RunContext): Promise<void> {
  if (step.work.kind === 'barrier') return
  const { emit, signal } = context
  const { info } = step
  // A copy waits for a free worker: it starts with its first rows.
  const starts = startOnce(info, emit)
  const begun = performance.now()
  if (step.work.kind !== 'copy') starts.now()
  try {
    const refused = await perform(step, context, starts)
    if (refused.length > 0) {
      // The object is there and what needs it can go on; only its owner or a grant is missing.
      emit({ type: 'step_failed', step: info, error: errorInfo(joined(refused)) })
      return
    }
    emit({ type: 'step_finished', step: info, seconds: (performance.now() - (starts.at ?? begun)) / 1000 })
  } catch (error) {
    if (!signal.aborted) {
      const known = error instanceof CopyFailed ? error.info : errorInfo(error)
      emit({ type: 'step_failed', step: info, error: known })
    }
    throw error
  }
}

function startOnce(step: StepInfo, emit: Emit) {
  return {
    at: undefined as number | undefined,
    now() {
      if (this.at !== undefined) return
      this.at = performance.now()
      emit({ type: 'step_started', step })
    },
  }
}

/** Returns what was refused although the step as such succeeded. */
async function perform(step: Step, context: RunContext, starts: { now(): void }): Promise<Error[]> {
  const { work } = step
  switch (work.kind) {
    case 'sql':
      return (await runSql(step, work, context)).refused
    case 'copy':
      await runCopy(step, work, context, starts)
      return []
    case 'truncate':
      await truncate(work.tables, context)
      return []
    case 'sequences':
      return await setSequences(work.names, context)
    case 'large object facts':
      return await setLargeObjectFacts(work.objects, context)
    case 'refuse':
      throw new PgtrekError(work.reason)
    case 'barrier':
      return []
  }
}

async function runSql({ info }: Step, work: SqlWork, context: RunContext): Promise<SqlOutcome> {
  const existed = info.table !== undefined && context.inventory.existing.has(tableKey(info.table))
  const outcome = await context.restore.use((session) => session.run(work, existed ? alreadySo : nothing))
  if (outcome.kept) {
    context.emit({
      type: 'log',
      level: 'warn',
      message: `${info.kind} ${showName(info)} is on the destination already and was kept as it is`,
      object: showName(info),
    })
  }
  return outcome
}

async function runCopy(
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
      onProgress(rows, bytes) {
        if (table) emit({ type: 'rows', table, rows, bytes })
      },
    })
    if (table) emit({ type: 'rows', table, ...result })
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

async function truncate(tables: readonly TableName[], { restore, inventory }: RunContext): Promise<void> {
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

async function setSequences(
  names: Extract<Step['work'], { kind: 'sequences' }>['names'],
  { openSource, restore }: RunContext,
): Promise<Error[]> {
  await using source = await openSource()
  const values = await readSequenceValues(source, names)
  const byOid = new Map(names.map((name) => [name.oid, name]))
  const refused: Error[] = []
  const perBatch = 200
  for (let first = 0; first < values.length; first += perBatch) {
    const statements = values.slice(first, first + perBatch).map((value) => {
      const name = byOid.get(value.oid)
      if (!name) throw new Error(`the source answered for a sequence nobody asked for: ${value.oid}`)
      return { name, sql: setSequenceStatement(name, value) }
    })
    await restore.use(async ({ session }) => {
      try {
        await session.execute(statements.map(({ sql }) => sql).join(';\n'))
      } catch (error) {
        if (!(error instanceof ServerError)) throw error
        // One is refused: set the others one by one and say which.
        for (const { name, sql } of statements) {
          await session.execute(sql).catch((failure) => {
            if (!(failure instanceof ServerError)) throw failure
            refused.push(new PgtrekError(`${showName(name)}: ${failure.message}`))
          })
        }
      }
    })
  }
  return refused
}

async function setLargeObjectFacts(
  objects: Extract<Step['work'], { kind: 'large object facts' }>['objects'],
  { inventory, options, restore }: RunContext,
): Promise<Error[]> {
  const unusable = new Set(unusableRoles(inventory))
  const refused: Error[] = []
  await restore.use(async ({ session }) => {
    for (const object of objects) {
      const statements = largeObjectStatements(
        { ...object, grants: object.grants?.filter(({ grantee }) => !unusable.has(grantee ?? '')) ?? null },
        {
          owner: options.owner && !unusable.has(object.owner),
          grants: options.acl,
          comments: options.comments,
          labels: options.securityLabels,
        },
      )
      if (statements.length === 0) continue
      await session.execute(statements.join(';\n')).catch((failure) => {
        if (!(failure instanceof ServerError)) throw failure
        refused.push(new PgtrekError(`large object ${object.oid}: ${failure.message}`))
      })
    }
  })
  return refused
}

function joined(errors: readonly Error[]): Error {
  return errors.length === 1
    ? (errors[0] as Error)
    : new PgtrekError(errors.map((error) => error.message).join('; '))
}
