// From a request to a plan, with the sessions of the planning kept open: the run continues under the same snapshot
// and locks.

import { RuleBook } from '../../shared/rule-book.ts'
import { tableKey } from '../../shared/table-name.ts'
import { refuseFaultyRules } from '../catalog/conditions.ts'
import { supportedMajors, whichDatabase } from '../catalog/server.ts'
import { busyWith, describeBusy } from '../coordination/lock-holders.ts'
import type { RunLock } from '../coordination/run-lock.ts'
import { endSessionsOf } from '../coordination/run-sessions.ts'
import type { Notes } from '../coordination/suspension-notes.ts'
import { readNotes } from '../coordination/suspension-notes.ts'
import { PlanRefused } from '../postgres/errors.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import { describeSettings } from '../postgres/settings.ts'
import { beforeRun } from '../preflight/before-run.ts'
import { DumpThread } from '../schema/dump.ts'
import type { Unfinished } from '../store/run-memory.ts'
import { collectAbove, manyObjects } from '../system/collect-garbage.ts'
import { takeInventory } from './inventory/inventory.ts'
import type { Inventory } from './inventory/types.ts'
import { checkRowQueries } from './plan/check-rules.ts'
import { makePlan, objectsOf } from './plan/plan.ts'
import type { Plan, PlanRequest } from './plan/types.ts'
import type { Migration } from './request.ts'
import { describeResumed, findUnfinished } from './resume.ts'
import type { Emit, RunInventory } from './run/context.ts'
import { forRun } from './run/context.ts'
import { openWhenFree } from './run/open-when-free.ts'

export interface PlannedMigration extends AsyncDisposable {
  plan: Plan
  inventory: RunInventory
  /** Exported on the source until this is closed. */
  snapshot: string
  destination: Session
  /** On the objects of the plan; undefined for a dry run. */
  lock: RunLock | undefined
  /** The run that this one resumes. */
  resumed: Unfinished | undefined
  /** Notes of what runs that were killed have left suspended on the destination. */
  notes: Notes
  /** Opens another session on the source: a failure in it must not end the snapshot. */
  openSource(): Promise<Session>
}

/** A run that was active when the destination was read has ended since: the inventory may be outdated. */
export class PlanIsStale extends Error {}

export async function planMigration(
  migration: Migration,
  emit: Emit,
  lockOf: () => Promise<RunLock>,
): Promise<PlannedMigration> {
  const { options, signal, memory } = migration
  refuseFaultyRules(migration.tables)
  await using stack = new AsyncDisposableStack()
  const log = (message: string) => emit({ type: 'log', level: 'info', message })
  const onNotice = (message: string) => emit({ type: 'log', level: 'debug', message })
  const open = async (settings: ConnectionSettings) =>
    stack.use(await Session.open(settings, { until: signal, onNotice }))
  const say = (message: string) => emit({ type: 'log', level: 'warn', message })
  const openSource = () => openWhenFree(migration.source, { until: signal, onNotice, say })

  const dumpThread = stack.use(new DumpThread())
  // Both servers are connected before anything takes time.
  const [source, destination] = await both(open(migration.source), open(migration.destination))
  refuseVersions(source, destination)
  if ((await whichDatabase(source)) === (await whichDatabase(destination))) {
    throw new PlanRefused('source and destination are the same database: nothing was changed')
  }
  const found = migration.isChecked
    ? []
    : await beforeRun({ source, destination }, { ...migration, follow: false })
  const lock = options.dryRun ? undefined : await lockOf()
  const cancelStatement = () => lock?.cancelStatement()
  signal.addEventListener('abort', cancelStatement, { once: true })
  stack.defer(() => signal.removeEventListener('abort', cancelStatement))
  await lock?.beginPlanning(signal)
  signal.throwIfAborted()
  const before = (await lock?.others()) ?? []
  // A dry run shows them in its plan.
  if (!options.dryRun) for (const message of found) emit({ type: 'warning', message })
  signal.throwIfAborted()
  // With an empty search_path the server qualifies every name.
  await destination.execute("set search_path = ''")
  const notes = await readNotes(destination)
  const ended = await endSessionsOf([...memory.killed(), ...notes.left.map(({ run }) => run)], destination)
  if (ended > 0) log(`ended ${ended} sessions on the destination that a killed run had left`)
  const resumed = await findUnfinished(migration, destination)
  const [dump, snapshot] = await both(open(migration.source), takeSnapshot(source, migration.heldSnapshot))
  log(`reading ${describeSettings(migration.source)} (PostgreSQL ${source.major})`)
  const wanted = {
    ...{ selection: migration.selection, options, isDropped: isDropped(resumed) },
    isOnlyPlanned: options.dryRun,
  }
  const { hooks, rowsElsewhere, repairs } = migration
  const leftOut = new Set(repairs?.leaveOut.map(tableKey))
  const request = { options, rules: new RuleBook(migration.tables), hooks, resumed, rowsElsewhere, leftOut }
  const { plan, inventory } = planned(
    await takeInventory(
      { source, dump, dumpThread, destination },
      snapshot,
      wanted,
      signal,
      migration.reading,
    ),
    request,
  )
  const outcome = migration.reading?.outcome
  if (outcome) onNotice(readings[outcome])
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
  const opened = stack.move()
  return {
    ...{ plan, inventory, snapshot, destination, lock, resumed, notes, openSource },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

const readings = {
  unchanged: 'the objects of the source have not changed since the first plan: not read again',
  changed: 'objects of the source have changed since the first plan: read again',
}

/** A separate function: the inventory, which takes as much memory as the plan, is freed when it returns. */
function planned(inventory: Inventory, request: PlanRequest): { plan: Plan; inventory: RunInventory } {
  const plan = makePlan(inventory, request)
  collectAbove(manyObjects, plan.steps.length)
  return { plan, inventory: forRun(inventory) }
}

/** Waits for both also when one fails, so that the other can be closed. */
async function both<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> {
  await Promise.allSettled([one, other])
  return [await one, await other]
}

function refuseVersions(source: Session, destination: Session) {
  for (const { major, settings } of [source, destination]) {
    if (major < supportedMajors.oldest) {
      throw new PlanRefused(
        `${describeSettings(settings)} is PostgreSQL ${major}; ${supportedMajors.oldest} is the oldest supported version`,
      )
    }
  }
  if (source.major > supportedMajors.newest) {
    throw new PlanRefused(
      `${describeSettings(source.settings)} is PostgreSQL ${source.major}; this version of pgtrek supports up to ${supportedMajors.newest}`,
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

function countByPhase(plan: Plan): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { info, work, skip, isAgain } of plan.steps) {
    if ((work.kind !== 'barrier' && !isAgain) || skip) counts[info.phase] = (counts[info.phase] ?? 0) + 1
  }
  return counts
}

function isDropped(resumed: Unfinished | undefined): boolean {
  return resumed ? [...resumed.done.keys()].some((step) => step.startsWith('["DROP"')) : false
}
