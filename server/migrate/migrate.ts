// The story of a migration: request -> inventory -> plan -> run, told in events.

import type { ErrorInfo, MigrationEvent, RunStatus, StepInfo } from '../../shared/event.ts'
import { RuleBook } from '../../shared/rule-book.ts'
import { showName, tableKey } from '../../shared/table-name.ts'
import type { WorkerView } from '../../shared/worker.ts'
import { supportedMajors, whichDatabase } from '../catalog/server.ts'
import { busyWith, DestinationBusy, describeBusy, RunLock } from '../coordination/run-lock.ts'
import { endSessionsOf } from '../coordination/run-sessions.ts'
import { describeNote, readNotes } from '../coordination/suspension-notes.ts'
import { CopyPool, type LaneSettings } from '../copy/pool.ts'
import { Cancelled, errorInfo, PlanRefused } from '../postgres/errors.ts'
import { isMistake } from '../postgres/programming-error.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import { markOf } from '../postgres/run-mark.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'
import { beforeRun } from '../preflight/before-run.ts'
import { DumpThread } from '../schema/dump.ts'
import type { Unfinished } from '../store/run-memory.ts'
import { collectAbove, manyObjects } from '../system/collect-garbage.ts'
import { takeInventory } from './inventory/inventory.ts'
import type { Inventory } from './inventory/types.ts'
import { checkRowQueries } from './plan/check-rules.ts'
import { makePlan, objectsOf } from './plan/plan.ts'
import type { Plan, PlanRequest } from './plan/types.ts'
import type { Migration, MigrationResult } from './request.ts'
import { describeResumed, findUnfinished, requestKey } from './resume.ts'
import { type Emit, type EventBody, forRun, type RunContext, type RunInventory } from './run/context.ts'
import { openPatiently } from './run/open-when-free.ts'
import { RestoreSessions } from './run/restore.ts'
import { runPlan } from './run/run.ts'
import { TakenAway } from './run/suspended-constraints.ts'

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

/** A run that was at work when the destination was read has ended since: what was read may be wrong. */
class PlanIsStale extends Error {}

const betweenTriesMs = 1000

/** With the locks of its objects, which keep every other run away from them. */
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
      await inOneSnapshot(migration, emit, lock)
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
    // Whoever only waits is in nobody's way.
    await stack.disposeAsync()
    await Bun.sleep(betweenTriesMs)
  }
}

async function inOneSnapshot(
  migration: Migration,
  emit: Emit,
  lockOf: () => Promise<RunLock>,
): Promise<void> {
  const { options, signal, memory } = migration
  await using stack = new AsyncDisposableStack()
  const log = (message: string) => emit({ type: 'log', level: 'info', message })
  const onNotice = (message: string) => emit({ type: 'log', level: 'debug', message })
  const open = async (settings: ConnectionSettings) =>
    stack.use(await Session.open(settings, { until: signal, onNotice }))
  const say = (message: string) => emit({ type: 'log', level: 'warn', message })
  const openSource = () => openPatiently(migration.source, { until: signal, onNotice, say })

  const dumpThread = stack.use(new DumpThread())
  // Both ends are tried before anything takes time.
  const [source, destination] = await both(open(migration.source), open(migration.destination))
  refuseVersions(source, destination)
  if ((await whichDatabase(source)) === (await whichDatabase(destination))) {
    throw new PlanRefused('source and destination are the same database: nothing was changed')
  }
  const found = migration.isChecked
    ? []
    : await beforeRun({ source, destination }, { ...migration, follow: false })
  const lock = options.dryRun ? undefined : await lockOf()
  const hurry = () => lock?.hurry()
  signal.addEventListener('abort', hurry, { once: true })
  stack.defer(() => signal.removeEventListener('abort', hurry))
  await lock?.beginPlanning(signal)
  signal.throwIfAborted()
  const before = (await lock?.others()) ?? []
  // A plan that is all that is wanted says them itself.
  if (!options.dryRun) for (const message of found) emit({ type: 'warning', message })
  signal.throwIfAborted()
  // So that all that is read there is named in full.
  await destination.execute("set search_path = ''")
  const { left, isThere, distrusted } = await readNotes(destination)
  const ended = await endSessionsOf([...memory.killed(), ...left.map(({ run }) => run)], destination)
  if (ended > 0) log(`ended ${ended} sessions that a run which was killed had left on the destination`)
  const resumed = await findUnfinished(migration, destination)
  const [dump, snapshot] = await both(open(migration.source), takeSnapshot(source, migration.heldSnapshot))
  log(`reading ${describeSettings(migration.source)} (PostgreSQL ${source.major})`)
  const wanted = { selection: migration.selection, options, isDropped: isDropped(resumed) }
  const { hooks, rowsElsewhere } = migration
  const request = { options, rules: new RuleBook(migration.tables), hooks, resumed, rowsElsewhere }
  const { plan, inventory } = planned(
    await takeInventory({ source, dump, dumpThread, destination }, snapshot, wanted, signal),
    request,
  )
  if (resumed) plan.warnings.push(describeResumed(resumed, plan))
  if (options.dryRun) {
    plan.warnings.push(...found)
    const busy = await busyWith(destination, objectsOf(plan))
    if (busy.holders.length > 0) plan.warnings.push(`a run would be refused: ${describeBusy(busy)}`)
  }
  signal.throwIfAborted()
  if (lock) {
    await lock.take(objectsOf(plan))
    const now = await lock.others()
    if (before.some((pid) => !now.includes(pid))) throw new PlanIsStale()
    await lock.endPlanning()
  }
  await checkRowQueries(plan, openSource)
  emit({
    type: 'planned',
    tables: plan.tables,
    steps: countByPhase(plan),
    warnings: plan.warnings,
  })
  migration.onPlan?.(plan)
  signal.throwIfAborted()
  if (options.dryRun) return
  if (plan.destroyed.length > 0 && !(await migration.confirm(plan))) {
    throw new PlanRefused(refusal(plan))
  }
  remember(migration, plan, resumed)
  const restore = new RestoreSessions(migration.destination, plan.sizes, signal, onNotice)
  stack.defer(() => restore.close())
  // A server with few connections may have no other when the copy workers have taken theirs.
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
    // Tables are created in the meantime.
    copyPool.open()
  }
  log(
    `writing to ${describeSettings(migration.destination)} (PostgreSQL ${inventory.destination.major}) with ` +
      `${copyPool?.size ?? 0} copy and ${plan.sizes.indexWorkers} index workers`,
  )
  await lock?.takeRun(migration.run)
  // A run is over only when it has tried to put back what it took: until then it is nobody else's.
  stack.defer(() => lock?.endRun(migration.run))
  const warn = (message: string) => emit({ type: 'warning', message })
  if (distrusted !== undefined) warn(distrusted)
  for (const note of left) warn(`still away on the destination, put back by this run: ${describeNote(note)}`)
  const takenAway = new TakenAway({ run: migration.run, memory, left, isThere, warn })
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
    takenAway,
    emit,
  }
  try {
    await runPlan(context)
  } finally {
    await putBack(context)
  }
  await makeDurable(context)
}

/** Only here all that was read is held: of many tables it takes as much memory as their plan. */
function planned(inventory: Inventory, request: PlanRequest): { plan: Plan; inventory: RunInventory } {
  const plan = makePlan(inventory, request)
  collectAbove(manyObjects, plan.steps.length)
  return { plan, inventory: forRun(inventory) }
}

/** The foreign keys and triggers that the plan's own step has not put back, whatever kept it. */
async function putBack({ destination, copyPool, takenAway, emit }: RunContext): Promise<void> {
  if (!takenAway.isOpen) return
  // Its sessions may be the last that the server has.
  await copyPool?.close()
  const step: StepInfo = { id: 0, phase: 'constraints', kind: 'RESTORE', name: 'foreign keys and triggers' }
  try {
    // Not under the run's signal: this is what a cancelled run still has to do.
    const say = (message: string) => emit({ type: 'log', level: 'warn', message })
    await using session = await openPatiently(destination, { say })
    for (const error of await takenAway.putBack(session))
      emit({ type: 'step_failed', step, error: errorInfo(error) })
  } catch (error) {
    const info = errorInfo(error)
    const message = `foreign keys and triggers are still away, "pgtrek repair" puts them back: ${info.message}`
    emit({ type: 'step_failed', step, error: { ...info, message } })
  }
}

/** Waits for both also when one fails, so that the other is closed with the rest. */
async function both<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> {
  await Promise.allSettled([one, other])
  return [await one, await other]
}

function refuseVersions(source: Session, destination: Session) {
  for (const { major, settings } of [source, destination]) {
    if (major < supportedMajors.oldest) {
      throw new PlanRefused(
        `${describeSettings(settings)} is PostgreSQL ${major}; ${supportedMajors.oldest} is the oldest that is supported`,
      )
    }
  }
  if (source.major > supportedMajors.newest) {
    throw new PlanRefused(
      `${describeSettings(source.settings)} is PostgreSQL ${source.major}; this version of pgtrek reads up to ${supportedMajors.newest}`,
    )
  }
}

async function takeSnapshot(source: Session, held: string | undefined): Promise<string> {
  await source.execute('begin isolation level repeatable read, read only')
  if (held) await source.execute(`set transaction snapshot ${quoteLiteral(held)}`)
  await source.execute("set local search_path = ''")
  if (held) return held
  const { snapshot } = await source.one<{ snapshot: string }>(
    'select pg_catalog.pg_export_snapshot() as snapshot',
  )
  return snapshot
}

/**
 * The run committed without waiting for the disk; one waiting commit at the end covers all before it. It needs no
 * session of its own: the server may have no other.
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

function countByPhase(plan: Plan): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { info, work, skip, isAgain } of plan.steps) {
    if ((work.kind !== 'barrier' && !isAgain) || skip) counts[info.phase] = (counts[info.phase] ?? 0) + 1
  }
  return counts
}

function refusal({ destroyed }: Plan): string {
  const emptied = destroyed.filter(({ action }) => action === 'truncate').map(showName)
  const dropped = destroyed
    .filter(({ action }) => action === 'drop')
    // What would go along and is not made again comes first.
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

function isDropped(resumed: Unfinished | undefined): boolean {
  return resumed ? [...resumed.done.keys()].some((step) => step.startsWith('["DROP"')) : false
}

/** From here on the tables that are filled are this run's own, and so are those of the one it goes on with. */
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
  memory.planned(requestKey({ selection, tables, options }), [...own])
  for (const [step, moved] of resumed?.done ?? []) memory.done(step, moved)
}
