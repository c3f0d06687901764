// The objects that rows need, in pg_dump's order.
import type { TableName } from '../../../shared/table-name.ts'
import { unusableRoles } from '../../catalog/destination.ts'
import type { Entry } from '../../schema/entries.ts'
import type { PlanBuilder } from './builder.ts'
import type { PlacedEntry, PlannedEntries } from './entries.ts'
import { missingExtensions } from './missing-prerequisites.ts'
import type { Step } from './step.ts'
import type { CreatedTables } from './types.ts'

export function planObjects(builder: PlanBuilder, entries: PlannedEntries): CreatedTables {
  const steps = new Map<number, Step>()
  const created: Step[] = []
  if (!builder.options.dataOnly) {
    reportRoles(builder)
    for (const one of entries.of('pre')) {
      const step = planObject(entries, one)
      if (!step) continue
      created.push(step)
      if (one.entry.kind === 'TABLE') steps.set(one.entry.oid, step)
    }
  }
  const ready = builder.barrier('all objects that rows need', { after: created.map((step) => step.id) })
  return { ready, steps }
}

/** One warning for a role instead of one for each of its objects. */
function reportRoles(builder: PlanBuilder) {
  if (!builder.options.owner && !builder.options.acl) return
  for (const name of unusableRoles(builder.inventory)) {
    const exists = builder.inventory.lacks.roles.has(name)
    builder.add(
      { phase: 'others', kind: 'OWNER', name },
      { kind: 'barrier' },
      {
        skip: exists
          ? `"${builder.inventory.destination.user}" is not a member of this role on the destination; its objects belong to "${builder.inventory.destination.user}" now`
          : `role "${name}" does not exist on the destination; its objects belong to "${builder.inventory.destination.user}" now, and its grants were skipped`,
      },
    )
  }
}

function planObject(entries: PlannedEntries, { entry, phase }: PlacedEntry): Step | undefined {
  const { builder } = entries
  const { inventory, options } = builder
  if (entry.id < 0) {
    const step = builder.add(
      { ...entries.info(entry, 'tables'), table: entries.tableNames.get(entry.oid) as TableName },
      {
        kind: 'refuse',
        reason: `permission denied for table ${entry.name}: "${inventory.source.user}" may not read it; grant select on it (and usage on its schema) on the source`,
      },
      { pool: 'ddl' },
    )
    entries.made(entry, step)
    return step
  }
  let skip = inventory.blocked.get(entry.id)
  if (entry.kind === 'EXTENSION') {
    if (missingExtensions(inventory, options).includes(entry.name)) {
      skip = `extension "${entry.name}" is not available on the destination`
    } else if (options.skipExtensions.includes(entry.name)) {
      // An extension that is installed on the destination may be used; without it nothing that needs it can be created.
      if (!inventory.lacks.installedExtensions.has(entry.name)) {
        skip = `extension "${entry.name}" is excluded (--skip-extension)`
      } else return undefined
    }
  }
  const work = entries.workOf(entry)
  if (work.statements.length === 0 && work.extras.length === 0 && !skip) return undefined
  const info = entries.info(entry, phase)
  const table = tableOf(entries, entry)
  const own = entry.kind === 'TABLE' ? table : undefined
  const step = builder.add({ ...info, ...own, ...(table && { table }) }, work, {
    pool: 'ddl',
    needs: entries.needs(entry),
    skip,
  })
  entries.made(entry, step)
  return step
}

/** The table that an entry creates, attaches or gives an identity: if the table exists, so does what the entry adds. */
function tableOf(entries: PlannedEntries, entry: Entry): TableName | undefined {
  if (entry.kind === 'TABLE') return entries.tableNames.get(entry.oid)
  if (entry.kind === 'TABLE ATTACH' && entry.schema) return { schema: entry.schema, name: entry.name }
  if (entry.kind !== 'SEQUENCE' || !entry.statements[0]?.startsWith('ALTER TABLE ')) return undefined
  for (const id of entries.builder.inventory.needs.get(entry.id) ?? []) {
    const needed = entries.byId(id)
    if (needed?.kind === 'TABLE') return entries.tableNames.get(needed.oid)
  }
  return undefined
}
