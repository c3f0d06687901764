// Prepares a copy that is followed: what will be copied, whether its changes can be followed, and warnings. Creates nothing
// on either side.

import { shortList } from '../../shared/format.ts'
import { Pattern } from '../../shared/pattern.ts'
import type { TableRule } from '../../shared/request.ts'
import { say } from '../../shared/say.ts'
import { showName, type TableName, tableKey } from '../../shared/table-name.ts'
import type { SequenceName } from '../catalog/sequences.ts'
import { SourceReading } from '../migrate/inventory/source-inventory.ts'
import { planOnly } from '../migrate/migrate.ts'
import type { Plan, PlannedRows } from '../migrate/plan/types.ts'
import { PlanRefused, UsageError } from '../postgres/errors.ts'
import { refusePooled } from '../postgres/pooler.ts'
import { Session } from '../postgres/session.ts'
import { beforeRun } from '../preflight/before-run.ts'
import { type PublishedTable, publicationSince } from '../replication/stream/publication.ts'
import { readFollowedTables } from '../replication/tables/source-tables.ts'
import { NoMemory } from '../store/run-memory.ts'
import type { CloneAndFollow } from './request.ts'

export interface Prepared {
  /** To be published: a partitioned table if all of it is migrated, otherwise its partitions. */
  published: PublishedTable[]
  /** As changes name them: partitions, never partitioned tables. */
  followed: TableName[]
  insertsOnly: TableName[]
  /** Tables of the source that are not followed. */
  leftOut: TableName[]
  /** Relations that the destination has and keeps. */
  kept: TableName[]
  /** Large objects that the destination had before. */
  ownLargeObjects: number[]
  plan: Plan
  reading: SourceReading
  warnings: string[]
}

export async function prepare(request: CloneAndFollow, signal: AbortSignal): Promise<Prepared> {
  refuseMappings(request.tables)
  const { plan, reading } = await planOf(request, signal)
  refuseOtherPartitions(plan)
  await using source = await Session.open(request.source, { signal })
  const { kept, left } = await withoutUnlogged(source, plan.tables)
  const published = await publishable(source, kept)
  const insertsOnly = chosenBy(request.follow.insertsOnly, published)
  await using destination = await Session.open(request.destination, { signal })
  const findings = await beforeRun(
    { source, destination },
    {
      ...request,
      follow: true,
      planned: new Set(plan.tables.map(tableKey)),
      published,
      insertsOnly: request.follow.insertsOnly,
      bidirectional: request.follow.bidirectional,
      publication: request.follow.publication,
    },
  )
  // Also with --skip-preflight.
  refusePooled(source, destination)
  return {
    published,
    followed: kept.map(({ schema, name }) => ({ schema, name })),
    insertsOnly,
    leftOut: await othersOf(source, kept),
    kept: request.options.existingTableMode === 'keep' ? await readExisting(destination) : [],
    ownLargeObjects: await readOwnLargeObjects(destination),
    ...{ plan, reading },
    warnings: [
      ...left.map(
        (table) =>
          say`${showName(table)} is ${table.why}: its rows are copied as they are now, and not followed`,
      ),
      ...findings,
    ],
  }
}

/** A change names the partition of the source that its row is in. The destination has to have that partition. */
function refuseOtherPartitions({ tables }: Plan) {
  const named = tables.flatMap((table) =>
    table.into && tableKey(table.into) !== tableKey(table)
      ? [`${showName(table)} (into ${showName(table.into)})`]
      : [],
  )
  if (named.length === 0) return
  throw new PlanRefused(
    say`these partitions of the source are not on the destination, where their table is partitioned differently: ${shortList(named)}. Their rows could be copied, but their changes could not be followed. Create the same partitions on the destination, or drop its table; or exclude the table here and copy it without following. Nothing was changed`,
  )
}

export function sequencesOf(plan: Plan): Pick<SequenceName, 'schema' | 'name'>[] {
  return plan.steps.flatMap(({ work }) =>
    work.kind === 'sequences' ? work.names.map(({ schema, name }) => ({ schema, name })) : [],
  )
}

/** The plan of the copy. `reading` saves the copy from reading the same again. */
export async function planOf(
  request: CloneAndFollow,
  signal: AbortSignal,
): Promise<{ plan: Plan; reading: SourceReading }> {
  const reading = new SourceReading()
  const plan = await planOnly({ ...request, isChecked: true, memory: new NoMemory(), signal, reading })
  return { plan, reading }
}

/** A mapping computes columns of copied rows, but could not for changes, which have the source's columns. */
function refuseMappings(rules: readonly TableRule[]) {
  const mapped = rules.find(({ columns, leaveOut }) => columns || leaveOut?.length)
  if (!mapped) return
  throw new UsageError(
    say`the columns of ${mapped.table} are mapped, and a mapping cannot be applied to changes: copy that table without following it (exclude it here), or follow it without the mapping`,
  )
}

async function withoutUnlogged(source: Session, tables: readonly PlannedRows[]) {
  const facts = await readFollowedTables(source)
  const kept: PlannedRows[] = []
  const left: (TableName & { why: string })[] = []
  for (const table of tables) {
    const { schema, name } = table
    const fact = facts.get(tableKey(table))
    if (fact?.kind === 'f') left.push({ schema, name, why: say`a foreign table` })
    else if (fact?.persistence === 'u') left.push({ schema, name, why: 'unlogged' })
    else kept.push(table)
  }
  return { kept, left }
}

function readExisting(destination: Session): Promise<TableName[]> {
  return destination.query<TableName>(`
    select n.nspname as schema, c.relname as name
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.relpersistence <> 't'
       and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgtrek')`)
}

async function readOwnLargeObjects(destination: Session): Promise<number[]> {
  const rows = await destination.query<{ oid: number }>('select oid from pg_catalog.pg_largeobject_metadata')
  return rows.map(({ oid }) => oid)
}

/** Tables that exist and are not migrated. Tables created later are reported. */
async function othersOf(source: Session, kept: readonly TableName[]): Promise<TableName[]> {
  const moved = new Set(kept.map(tableKey))
  const all = await readFollowedTables(source)
  return [...all.values()]
    .filter((table) => table.kind !== 'p' && !moved.has(tableKey(table)))
    .map(({ schema, name }) => ({ schema, name }))
}

/** A published partitioned table includes partitions that are created later. */
async function publishable(source: Session, tables: readonly PlannedRows[]): Promise<PublishedTable[]> {
  const plain = (table: PlannedRows): PublishedTable => ({
    schema: table.schema,
    name: table.name,
    ...(table.where !== undefined && { where: table.where }),
  })
  if (source.major < publicationSince.partitioned) return tables.map(plain)
  const rows = await source.query<TableName & { root: string; rootSchema: string }>(`
    select n.nspname as schema, c.relname as name, rn.nspname as "rootSchema", r.relname as root
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_class r on r.oid = pg_catalog.pg_partition_root(c.oid)
      join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
     where c.relispartition and c.relkind <> 'p'`)
  const moved = new Map(tables.map((table) => [tableKey(table), table]))
  const trees = Map.groupBy(rows, (row) => tableKey({ schema: row.rootSchema, name: row.root }))
  const inWholeTree = new Set<string>()
  const roots: PublishedTable[] = []
  for (const leaves of trees.values()) {
    const [first] = leaves
    const isWhole = leaves.every((leaf) => {
      const table = moved.get(tableKey(leaf))
      return table && table.where === undefined
    })
    if (!first || !isWhole) continue
    roots.push({ schema: first.rootSchema, name: first.root })
    for (const leaf of leaves) inWholeTree.add(tableKey(leaf))
  }
  return [...roots, ...tables.filter((table) => !inWholeTree.has(tableKey(table))).map(plain)]
}

function chosenBy(patterns: readonly string[], tables: readonly TableName[]): TableName[] {
  const known = patterns.map((text) => new Pattern(text))
  const chosen = tables.filter(({ schema, name }) => known.some((pattern) => pattern.matches(name, schema)))
  const unused = known.find(({ used }) => !used)
  if (unused) throw new UsageError(say`no table to be followed is named ${unused.text}`)
  return chosen.map(({ schema, name }) => ({ schema, name }))
}
