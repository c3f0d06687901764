// Makes the ordered steps of a run from the inventory. Pure, so that a dry run shows what a run would do.

import { tableKey } from '../../../shared/table-name.ts'
import type { LockedObject } from '../../coordination/advisory-locks.ts'
import type { Unfinished } from '../../store/run-memory.ts'
import type { Inventory } from '../inventory/types.ts'
import { planAnalyze } from './analyze.ts'
import { PlanBuilder } from './builder.ts'
import { planDependents } from './dependents.ts'
import { markDone } from './done-before.ts'
import { PlannedEntries } from './entries.ts'
import { planDrop } from './existing.ts'
import { planHooks, waitForHooks } from './hooks.ts'
import { planLast } from './last.ts'
import { findMissingPrerequisites } from './missing-prerequisites.ts'
import { planObjects } from './objects.ts'
import { planRows } from './rows.ts'
import { chooseSizes } from './sizes.ts'
import type { Work } from './step.ts'
import type { Destroyed, Plan, PlanRequest } from './types.ts'

/** Objects, rows, what depends on rows, the rest, with the user's hooks in between. */
export function makePlan(inventory: Inventory, request: PlanRequest): Plan {
  const { options } = request
  const sizes = chooseSizes(inventory, options)
  const builder = new PlanBuilder(inventory, request, sizes)
  builder.warnings.push(...inventory.notes, ...findMissingPrerequisites(inventory, options))
  builder.gate = planHooks(builder, 'before', 'run', [])
  const drop = planDrop(builder)
  if (drop) builder.gate = [drop]

  const entries = new PlannedEntries(builder)
  waitForHooks(builder, 'before', 'schema', [])
  const created = planObjects(builder, entries)
  waitForHooks(builder, 'after', 'schema', [created.ready])
  waitForHooks(builder, 'before', 'data', [created.ready])
  const rows = planRows(builder, created)
  waitForHooks(builder, 'after', 'data', [created.ready, ...rows.all])
  waitForHooks(builder, 'before', 'indexes', [created.ready, ...rows.all])
  const dependents = planDependents(entries, created, rows)
  if (!options.schemaOnly && options.analyze) {
    planAnalyze(builder, rows, dependents.byTable, entries.tableNames)
  }
  const complete = builder.barrier('all objects and rows', {
    after: [created.ready, ...dependents.all, ...rows.all].map((step) => step.id),
  })
  waitForHooks(builder, 'after', 'indexes', [complete])
  planLast(entries, complete)

  builder.gate = []
  if (options.verify && rows.tables.length > 0) planVerification(builder)
  planHooks(builder, 'after', 'run', [...builder.steps])
  if (builder.resumed?.left) markDone(builder.steps, builder.resumed.left)
  return {
    steps: builder.steps,
    sizes,
    warnings: builder.warnings,
    destroyed: builder.steps.flatMap(({ work }) => destroyedBy(work, builder.resumed)),
    tables: rows.planned,
    asReplica: builder.asReplica,
    existing: new Set(inventory.existing.keys()),
    isKept: options.existingTableMode === 'keep',
  }
}

function planVerification(builder: PlanBuilder) {
  const after = builder.steps.map((step) => step.id)
  builder.add(
    { phase: 'verification', kind: 'VERIFY', name: 'rows on both servers' },
    { kind: 'verify' },
    { pool: 'build', after },
  )
}

/** What an interrupted run has created or emptied needs no confirmation. */
function destroyedBy(work: Work, resumed: Unfinished | undefined): Destroyed[] {
  if ((work.kind === 'copy' || work.kind === 'copy together') && work.replaces) {
    const { tables, byDelete } = work.replaces
    return [...tables, ...byDelete]
      .filter((table) => !resumed?.own.has(tableKey(table)))
      .map(({ schema, name }) => ({ action: 'truncate', schema, name }))
  }
  if (work.kind !== 'drop') return []
  return [
    ...work.targets.map(({ type, identity }): Destroyed => ({ action: 'drop', kind: type, name: identity })),
    ...work.dependants.map(
      ({ type, identity }): Destroyed => ({
        action: 'drop',
        kind: type,
        name: identity,
        because: 'it depends on a dropped object, and is not created again',
      }),
    ),
  ]
}

/** Every object that a plan creates, fills, empties or drops. */
export function objectsOf({ steps, tables, destroyed }: Plan): LockedObject[] {
  const objects = new Map<string, LockedObject>()
  const add = ({ schema = '', name }: { schema?: string | undefined; name: string }) => {
    objects.set(JSON.stringify([schema, name]), { schema, name })
  }
  for (const { info, work } of steps) {
    if (info.table) add(info.table)
    else if (info.schema) add({ schema: info.schema, name: info.name })
    else if (info.kind === 'LARGE OBJECTS') add({ name: 'large objects' })
    if (work.kind === 'release') for (const { table } of work.foreignKeys) add(table)
  }
  for (const table of tables) {
    add(table)
    if (table.into) add(table.into)
  }
  for (const one of destroyed) if (one.schema) add({ schema: one.schema, name: one.name })
  return [...objects.values()]
}
