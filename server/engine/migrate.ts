// The story of a migration: request -> inventory -> plan -> run, told in events.
import type { ErrorInfo, MigrationEvent, RunStatus, StepInfo } from '../../shared/event.ts'
import type { Hook, MigrationOptions, Selection, TableRule } from '../../shared/request.ts'
import { CopyPool } from '../copy/pool.ts'
import { Cancelled, errorInfo, PlanRefused } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'
import { DumpThread } from '../schema/dump.ts'
import { takeInventory } from './inventory.ts'
import { makePlan, type Plan } from './plan.ts'
import { RestoreSessions } from './restore.ts'
import { runPlan } from './run.ts'
import type { EventBody } from './run-context.ts'

export interface Migration {
  run: string
  source: ConnectionSettings
  destination: ConnectionSettings
  selection: Selection
  tables: readonly TableRule[]
  hooks: readonly Hook[]
  options: MigrationOptions
  signal: AbortSignal
  onEvent(event: MigrationEvent): void
  /** Asked before anything is destroyed; false ends the run with nothing written. */
  confirm(plan: Plan): boolean | Promise<boolean>
}

export interface MigrationResult {
  status: RunStatus
  error?: unknown
}

export async function migrate(migration: Migration): Promise<MigrationResult> {
  let failures = 0
  const emit = (event: EventBody) => {
    if (event.type === 'step_failed' || event.type === 'step_skipped') failures++
    migration.onEvent({ ...event, at: Date.now() } as MigrationEvent)
  }
  const finish = (status: RunStatus, error?: unknown): MigrationResult => {
    const info: ErrorInfo | undefined = error === undefined ? undefined : errorInfo(error)
    emit({ type: 'finished', status, ...(info && { error: info }) })
    return { status, ...(error !== undefined && { error }) }
  }
  emit({ type: 'started', run: migration.run })
  try {
    await inOneSnapshot(migration, emit)
    return finish(failures > 0 ? 'completed_with_failures' : 'completed')
  } catch (error) {
    return migration.signal.aborted || error instanceof Cancelled
      ? finish('cancelled', new Cancelled())
      : finish('failed', error)
  }
}

async function inOneSnapshot(migration: Migration, emit: (event: EventBody) => void): Promise<void> {
  const { options, signal } = migration
  await using stack = new AsyncDisposableStack()
  const log = (message: string) => emit({ type: 'log', level: 'info', message })
  const onNotice = (message: string) => emit({ type: 'log', level: 'debug', message })
  const open = async (settings: ConnectionSettings) =>
    stack.use(await Session.open(settings, { signal, onNotice }))

  const dumpThread = stack.use(new DumpThread())
  // Both ends are tried before anything takes time.
  const [source, destination] = await both(open(migration.source), open(migration.destination))
  refuseVersions(source, destination)
  if ((await whichDatabase(source)) === (await whichDatabase(destination))) {
    throw new PlanRefused('source and destination are the same database: nothing was changed')
  }
  const [dump, snapshot] = await both(open(migration.source), exportSnapshot(source))
  log(`reading ${describeSettings(migration.source)} (PostgreSQL ${source.major})`)
  const inventory = await takeInventory({ source, dump, dumpThread, destination }, snapshot, options, signal)
  const plan = makePlan(inventory, options)
  emit({
    type: 'planned',
    tables: plan.tables,
    steps: countByPhase(plan),
    warnings: plan.warnings,
  })
  signal.throwIfAborted()
  if (plan.destroyed.length > 0 && !(await migration.confirm(plan))) {
    throw new PlanRefused(refusal(plan))
  }
  const restore = new RestoreSessions(migration.destination, plan.sizes, signal, onNotice)
  stack.defer(() => restore.close())
  // A server with few connections may have no other when the copy workers have taken theirs.
  await restore.adopt(destination)
  const copyPool = plan.steps.some((step) => step.pool === 'copy')
    ? new CopyPool(
        {
          source: migration.source,
          destination: migration.destination,
          snapshot,
          clientEncoding: inventory.source.encoding,
          replica: inventory.destination.mayReplicate,
        },
        plan.sizes.copyWorkers,
        (message) => emit({ type: 'warning', message }),
      )
    : undefined
  if (copyPool) {
    stack.defer(() => copyPool.close())
    // Tables are created in the meantime.
    copyPool.open()
  }
  log(
    `writing to ${describeSettings(migration.destination)} (PostgreSQL ${inventory.destination.major}) with ` +
      `${copyPool?.size ?? 0} copy and ${plan.sizes.indexWorkers} index workers`,
  )
  const openSource = () => Session.open(migration.source, { signal, onNotice })
  await runPlan({ plan, inventory, options, copyPool, restore, openSource, emit, signal })
  await makeDurable(migration, emit)
}

/** Waits for both also when one fails, so that the other is closed with the rest. */
async function both<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> {
  await Promise.allSettled([one, other])
  return [await one, await other]
}

const oldestMajor = 12
/** Of the packaged pg_dump, which reads no newer server. */
const newestMajor = 18

function refuseVersions(source: Session, destination: Session) {
  for (const { major, settings } of [source, destination]) {
    if (major < oldestMajor) {
      throw new PlanRefused(
        `${describeSettings(settings)} is PostgreSQL ${major}; ${oldestMajor} is the oldest that is supported`,
      )
    }
  }
  if (source.major > newestMajor) {
    throw new PlanRefused(
      `${describeSettings(source.settings)} is PostgreSQL ${source.major}; this version of pgtrek reads up to ${newestMajor}`,
    )
  }
}

/** Two names may lead to the same server; a server's start, to the microsecond, is its own. */
async function whichDatabase(session: Session): Promise<string> {
  const { identity } = await session.one<{ identity: string }>(`
    select concat_ws(' ', pg_catalog.pg_postmaster_start_time(), current_setting('port'), current_database())
           as identity`)
  return identity
}

async function exportSnapshot(source: Session): Promise<string> {
  await source.execute('begin isolation level repeatable read, read only')
  await source.execute("set local search_path = ''")
  const { snapshot } = await source.one<{ snapshot: string }>(
    'select pg_catalog.pg_export_snapshot() as snapshot',
  )
  return snapshot
}

/** The run committed without waiting for the disk; one waiting commit at the end covers all before it. */
async function makeDurable({ destination }: Migration, emit: (event: EventBody) => void): Promise<void> {
  const step: StepInfo = { id: 0, phase: 'others', kind: 'FLUSH', name: 'the destination to its disk' }
  try {
    await using session = await Session.open(destination)
    await session.execute('set synchronous_commit = on; select pg_catalog.txid_current()')
  } catch (error) {
    emit({ type: 'step_failed', step, error: errorInfo(error) })
  }
}

function countByPhase(plan: Plan): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { info, work, skip } of plan.steps) {
    if (work.kind !== 'barrier' || skip) counts[info.phase] = (counts[info.phase] ?? 0) + 1
  }
  return counts
}

function refusal(plan: Plan): string {
  const names = plan.destroyed.map(({ schema, name }) => `${schema}.${name}`)
  const some = names.slice(0, 10).join(', ')
  const more = names.length > 10 ? ` and ${names.length - 10} more` : ''
  return `the rows of these tables of the destination would be deleted: ${some}${more}. Nothing was changed. Confirm with --yes, or choose an empty database.`
}
