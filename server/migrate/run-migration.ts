// Runs a plan with copy workers and sessions that create objects. At the end suspended objects are restored, and
// everything is flushed to the destination's disk.

import type { StepInfo } from '../../shared/event.ts'
import { tableKey } from '../../shared/table-name.ts'
import type { WorkerView } from '../../shared/worker.ts'
import { describeNote } from '../coordination/suspension-notes.ts'
import type { LaneSettings } from '../copy/lane-messages.ts'
import { CopyPool } from '../copy/pool.ts'
import { errorInfo } from '../postgres/errors.ts'
import { describeSettings } from '../postgres/settings.ts'
import type { Unfinished } from '../store/run-memory.ts'
import type { Plan } from './plan/types.ts'
import type { PlannedMigration } from './plan-migration.ts'
import type { Migration } from './request.ts'
import { requestKey } from './resume.ts'
import type { Emit, RunContext } from './run/context.ts'
import { openWhenFree } from './run/open-when-free.ts'
import { RestoreSessions } from './run/restore.ts'
import { runPlan } from './run/run.ts'
import { SuspendedConstraints } from './run/suspended-constraints.ts'

export async function runMigration(
  migration: Migration,
  planned: PlannedMigration,
  emit: Emit,
): Promise<void> {
  const { options, signal, memory } = migration
  const { plan, inventory, snapshot, destination, lock, resumed, notes, openSource } = planned
  await using stack = new AsyncDisposableStack()
  const log = (message: string) => emit({ type: 'log', level: 'info', message })
  const onNotice = (message: string) => emit({ type: 'log', level: 'debug', message })
  remember(migration, plan, resumed)
  const restore = new RestoreSessions(migration.destination, plan.sizes, signal, onNotice)
  stack.defer(() => restore.close())
  // A server with few connections may have no other one when the copy workers have theirs.
  await restore.adopt(destination)
  const settings: LaneSettings = {
    source: migration.source,
    destination: migration.destination,
    snapshot,
    clientEncoding: inventory.source.encoding,
    maxBytesPerSecond: options.maxBytesPerSecond,
    replica: plan.asReplica,
  }
  const onWarning = (message: string) => emit({ type: 'warning', message })
  const onWorkers = (workers: WorkerView[]) => emit({ type: 'workers', workers })
  const copyPool = plan.steps.some((step) => step.pool === 'copy')
    ? (migration.copiers?.({ run: migration.run, settings, signal, onLog: log, onWarning, onWorkers }) ??
      new CopyPool(settings, plan.sizes.copyWorkers, onWarning))
    : undefined
  if (copyPool) {
    stack.defer(() => copyPool.close())
    // The workers connect while tables are created.
    copyPool.open()
  }
  log(
    `writing to ${describeSettings(migration.destination)} (PostgreSQL ${inventory.destination.major}) with ` +
      `${copyPool?.size ?? 0} copy and ${plan.sizes.indexWorkers} index workers`,
  )
  await lock?.takeRun(migration.run)
  // The run is over only after the attempt to restore suspended objects: until then no other run may restore them.
  stack.defer(() => lock?.endRun(migration.run))
  const warn = (message: string) => emit({ type: 'warning', message })
  if (notes.distrusted !== undefined) warn(notes.distrusted)
  for (const note of notes.left)
    warn(`still suspended on the destination by an earlier run, restored by this one: ${describeNote(note)}`)
  const suspended = new SuspendedConstraints({
    run: migration.run,
    memory,
    left: notes.left,
    isThere: notes.isThere,
    warn,
  })
  const context = {
    ...migration,
    snapshot,
    copied: new Set<string>(),
    together: new Map<string, never>(),
    kept: { count: 0, named: [] },
    plan,
    inventory,
    copyPool,
    restore,
    openSource,
    suspended,
    emit,
  }
  try {
    await runPlan(context)
  } finally {
    await restoreSuspended(context)
  }
  await makeDurable(context)
}

/** Restores the foreign keys and triggers that the step of the plan has not restored. */
async function restoreSuspended({ destination, copyPool, suspended, emit }: RunContext): Promise<void> {
  if (!suspended.isOpen) return
  // The pool's sessions may be the last that the server has.
  await copyPool?.close()
  const step: StepInfo = { id: 0, phase: 'constraints', kind: 'RESTORE', name: 'foreign keys and triggers' }
  try {
    // Without the run's signal: a cancelled run must restore them too.
    const say = (message: string) => emit({ type: 'log', level: 'warn', message })
    await using session = await openWhenFree(destination, { say })
    for (const error of await suspended.restore(session))
      emit({ type: 'step_failed', step, error: errorInfo(error) })
  } catch (error) {
    const info = errorInfo(error)
    const message = `foreign keys and triggers are still suspended; restore them with "pgtrek repair": ${info.message}`
    emit({ type: 'step_failed', step, error: { ...info, message } })
  }
}

/**
 * The run committed asynchronously; one synchronous commit at the end flushes everything before it. It uses an existing
 * session: the server may have no other.
 */
async function makeDurable({ restore, signal, emit }: RunContext): Promise<void> {
  const step: StepInfo = { id: 0, phase: 'others', kind: 'FLUSH', name: 'the destination to its disk' }
  try {
    await restore.repeatedly(({ session }) =>
      session.execute('set synchronous_commit = on; select pg_catalog.txid_current()'),
    )
  } catch (error) {
    signal.throwIfAborted()
    emit({ type: 'step_failed', step, error: errorInfo(error) })
  }
}

/** Stores that from here on the filled tables belong to this run, with those of the run that it resumes. */
function remember(
  { memory, selection, tables, options }: Migration,
  plan: Plan,
  resumed: Unfinished | undefined,
) {
  const own = new Set([
    ...(resumed?.own ?? []),
    ...plan.tables
      .filter(({ mode }) => mode === 'fill')
      .flatMap((table) => [tableKey(table), ...(table.into ? [tableKey(table.into)] : [])]),
  ])
  memory.planned(requestKey({ selection, tables, options }), [...own], resumed?.done ?? new Map())
}
