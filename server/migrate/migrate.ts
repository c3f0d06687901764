// A migration: request -> inventory -> plan -> run, reported as events.

import type { ErrorInfo, MigrationEvent, RunStatus } from '../../shared/event.ts'
import { showName } from '../../shared/table-name.ts'
import { DestinationBusy, RunLock } from '../coordination/run-lock.ts'
import { Cancelled, errorInfo, PlanRefused } from '../postgres/errors.ts'
import { isMistake } from '../postgres/programming-error.ts'
import { markOf } from '../postgres/run-mark.ts'
import type { Plan } from './plan/types.ts'
import { PlanIsStale, type PlannedMigration, planMigration } from './plan-migration.ts'
import type { Migration, MigrationResult } from './request.ts'
import type { Emit, EventBody } from './run/context.ts'
import { runMigration } from './run-migration.ts'

export async function migrate(migration: Migration): Promise<MigrationResult> {
  const { failFast, dryRun } = migration.options
  let failures = 0
  const stop = new AbortController()
  const signal = AbortSignal.any([migration.signal, stop.signal])
  const emit = (event: EventBody) => {
    if (event.type === 'step_failed' || event.type === 'step_skipped') failures++
    migration.onEvent({ ...event, at: Date.now() } as MigrationEvent)
    if (event.type === 'step_failed' && failFast) stop.abort()
  }
  const finish = (status: RunStatus, error?: unknown): MigrationResult => {
    const info: ErrorInfo | undefined = error === undefined ? undefined : errorInfo(error)
    emit({ type: 'finished', status, ...(info && { error: info }) })
    return { status, ...(error !== undefined && { error }) }
  }
  emit({ type: 'started', run: migration.run, ...(dryRun && { dryRun }) })
  let lost: Error | undefined
  const onLost = (error: Error) => {
    lost = error
    stop.abort()
  }
  try {
    const destination = { ...migration.destination, mark: markOf(migration.run) }
    await whenFree({ ...migration, destination, signal }, emit, onLost)
    return finish(failures > 0 ? 'completed_with_failures' : 'completed')
  } catch (error) {
    if (migration.signal.aborted) return finish('cancelled', new Cancelled())
    if (lost) return finish('failed', lost)
    if (stop.signal.aborted)
      return finish('completed_with_failures', new Cancelled('stopped at the first failure'))
    if (error instanceof Error && isMistake(error)) {
      emit({ type: 'log', level: 'debug', message: error.stack ?? error.message })
    }
    return error instanceof Cancelled ? finish('cancelled', error) : finish('failed', error)
  }
}

/**
 * The plan of a run. Nothing is written, and no confirmation is requested. `look` may read more with the sessions of the
 * planning before they are closed.
 */
export async function planOnly(
  migration: Omit<Migration, 'onEvent' | 'confirm'>,
  look?: (planned: PlannedMigration) => Promise<void>,
): Promise<Plan> {
  const options = { ...migration.options, dryRun: true }
  const destination = { ...migration.destination, mark: markOf(migration.run) }
  const whole = { ...migration, destination, options, onEvent() {}, confirm: () => false }
  try {
    await using planned = await planMigration(whole, () => {}, refuseLock)
    await look?.(planned)
    return planned.plan
  } catch (error) {
    throw migration.signal.aborted ? new Cancelled() : error
  }
}

/** A plan without a run locks nothing. */
function refuseLock(): never {
  throw new Error('a dry run takes no lock')
}

const betweenTriesMs = 1000

/** Runs with the locks of its objects, which exclude every other run from them. */
async function whenFree(migration: Migration, emit: Emit, onLost: (error: Error) => void): Promise<void> {
  const say = (message: string) => emit({ type: 'log', level: 'info', message })
  let said = ''
  for (;;) {
    await using stack = new AsyncDisposableStack()
    let own = migration.lock
    const lock = async () => {
      const { destination, signal, run } = migration
      own ??= stack.use(await RunLock.open(destination, { what: `run ${run}`, signal, onLost, say }))
      return own
    }
    try {
      await planAndRun(migration, emit, lock)
      return
    } catch (error) {
      if (error instanceof PlanIsStale) continue
      await migration.lock?.endPlanning()
      if (!(error instanceof DestinationBusy) || !migration.wait) throw error
      migration.signal.throwIfAborted()
      const words = error.holders.map(({ pid }) => pid).join()
      if (words !== said) say(`waiting: ${error.message}`)
      said = words
    }
    // A run that only waits must not block others.
    await stack.disposeAsync()
    await Bun.sleep(betweenTriesMs)
  }
}

async function planAndRun(migration: Migration, emit: Emit, lock: () => Promise<RunLock>): Promise<void> {
  await using planned = await planMigration(migration, emit, lock)
  const { plan } = planned
  migration.onPlan?.(plan)
  migration.signal.throwIfAborted()
  if (migration.options.dryRun) return
  if (plan.destroyed.length > 0 && !(await migration.confirm(plan))) throw new PlanRefused(refusal(plan))
  await runMigration(migration, planned, emit)
}

function refusal({ destroyed }: Plan): string {
  const emptied = destroyed.filter(({ action }) => action === 'truncate').map(showName)
  const dropped = destroyed
    .filter(({ action }) => action === 'drop')
    // Objects that are dropped with others and not created again are listed first.
    .toSorted((one, other) => Number(other.because !== undefined) - Number(one.because !== undefined))
    .map(({ kind, name }) => `${kind} ${name}`)
  const said = [
    ...(dropped.length > 0
      ? [`these objects of the destination would be dropped: ${shortened(dropped)}`]
      : []),
    ...(emptied.length > 0
      ? [`the rows of these tables of the destination would be deleted: ${shortened(emptied)}`]
      : []),
  ]
  return `${said.join('; ')}. Nothing was changed. Confirm with --yes, or choose an empty database.`
}

function shortened(names: readonly string[]): string {
  const more = names.length > 10 ? ` and ${names.length - 10} more` : ''
  return names.slice(0, 10).join(', ') + more
}
