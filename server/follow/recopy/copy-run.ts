// The copy of the chosen tables as a run: its request, and what its plan may do.

import { defaultOptions, everything } from '../../../shared/defaults.ts'
import { ProgressFold } from '../../../shared/fold.ts'
import { say } from '../../../shared/say.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import type { RunLock } from '../../coordination/run-lock.ts'
import type { Plan } from '../../migrate/plan/types.ts'
import { PlanRefused } from '../../postgres/errors.ts'
import { quoteQualified } from '../../postgres/quote.ts'
import { NoMemory } from '../../store/run-memory.ts'
import type { InitialCopy } from '../copy-steps.ts'
import type { Prepared } from '../prepare.ts'
import type { CloneAndFollow, FollowEnds, FollowServices } from '../request.ts'
import type { ChosenTable } from './choice.ts'
import type { RecordedRecopy } from './record.ts'

export interface RecopyRun extends RecordedRecopy {
  ends: FollowEnds
  services: FollowServices
  /** Of the destination. */
  lock: RunLock
  signal: AbortSignal
}

/** Options of every recopy, instead of those that the move began with. */
const fixedOptions = {
  existingTableMode: 'keep',
  existingDataMode: 'truncate',
  failFast: false,
  verify: false,
} as const

export function beginRun({ ends, services, choice, record, status, lock, signal, update }: RecopyRun) {
  const run = crypto.randomUUID().slice(0, 8)
  const fold = new ProgressFold()
  const started = services.beginRun?.(run, ends)
  const rules = choice.tables.flatMap((table) =>
    table.where === undefined ? [] : [{ table: patternOf(table), where: table.where }],
  )
  const request: CloneAndFollow = {
    ...ends,
    run,
    selection: { ...everything, include: choice.tables.map(patternOf) },
    tables: rules,
    hooks: [],
    // Objects are created with the options of the first copy.
    options: { ...(record().moved?.options ?? defaultOptions), ...fixedOptions },
    runMemory: started?.memory ?? new NoMemory(),
    onEvent: (event) => fold.apply(event),
    // Its rows may be deleted: the table was named, and the plan deletes nothing else.
    confirm: (plan) => refusalOf(plan, choice.tables) === undefined,
  }
  const work: InitialCopy = { request, memory: services.memory, status, update, signal, lock }
  return { request, work, end: () => started?.end(fold.summary(Date.now())) }
}

/** Patterns are quoted as in SQL. */
function patternOf({ schema, name }: TableName): string {
  return quoteQualified(schema, name)
}

export function prepared(
  planned: Pick<Prepared, 'plan' | 'reading'>,
  tables: readonly ChosenTable[],
): Prepared {
  return {
    ...planned,
    followed: tables.map(({ schema, name }) => ({ schema, name })),
    ...{ published: [], insertsOnly: [], leftOut: [], kept: [], ownLargeObjects: [], warnings: [] },
  }
}

export function refusePlan(plan: Plan, tables: readonly ChosenTable[]) {
  const refusal = refusalOf(plan, tables)
  if (refusal !== undefined) throw new PlanRefused(say`${refusal}. Nothing was changed`)
}

/** The plan may delete rows of these tables and fill these tables, and nothing more. */
function refusalOf({ tables, destroyed }: Plan, chosen: readonly ChosenTable[]): string | undefined {
  const known = new Set(chosen.map(tableKey))
  const other = tables.find((table) => !known.has(tableKey(table)))
  if (other) return say`${showName(other)} would have to be copied with them, but was not requested`
  const elsewhere = tables.find(({ into }) => into && !known.has(tableKey(into)))
  if (elsewhere?.into) {
    return say`${showName(elsewhere)} is not on the destination, where its rows would go into ${showName(elsewhere.into)}: their changes could not be followed. Create the same partitions there`
  }
  const lost = destroyed.find(
    ({ action, schema = '', name }) => action !== 'truncate' || !known.has(tableKey({ schema, name })),
  )
  return lost && say`${showName(lost)} of the destination would be lost`
}
