// Which tables are copied again, and whether that is possible. Changes nothing.

import { shortList } from '../../../shared/format.ts'
import { Pattern } from '../../../shared/pattern.ts'
import { say } from '../../../shared/say.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import { UsageError } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import { identityFixes, readUsableIdentities } from '../../preflight/identity-fixes.ts'
import {
  type Publications,
  readPublication,
  readRowConditions,
} from '../../replication/stream/publication.ts'
import { readRelations, type SourceRelation } from '../../replication/tables/followed.ts'
import { readFollowedTables } from '../../replication/tables/source-tables.ts'
import type { FollowRecord, TableOids } from '../../store/follow-memory.ts'
import type { Link } from '../link.ts'
import { allTables } from '../relations.ts'

export interface ChosenTable extends TableName {
  /** The OID on the source. */
  source: number
  /** The OID of a dropped table that had this name. */
  replaces?: number
  where?: string
}

export interface Choice {
  tables: ChosenTable[]
  /** Failed tables that do not exist on the source any more. */
  gone: TableName[]
  /** Tables missing in the publication of the move: dropped and created again, or removed from it. */
  unpublished: TableName[]
}

/** Why no table of this move can be copied again; undefined when it is possible. */
export function refuseRecopy({ native, bidirectional, handedOver, direction }: FollowRecord) {
  if (native) {
    return say`a subscription of the destination copies and follows here (--engine native): drop the table from the publication, refresh the subscription, empty the table, add it again and refresh once more; or start again with "pgtrek cleanup" and "pgtrek clone --follow"`
  }
  if (bidirectional) {
    return say`changes flow both ways: rows that are copied to the destination would flow back as changes. "pgtrek compare" names the rows that differ`
  }
  if (handedOver || direction === 'back') {
    return say`it was switched over: clients have, or may have, written to the destination, and rows that are copied again would replace theirs`
  }
  return undefined
}

/** Throws a UsageError when a name matches no table, or a table cannot be copied again. */
export async function chooseTables(
  link: Link,
  publication: Publications,
  record: FollowRecord,
  names: readonly string[],
): Promise<Choice> {
  await using source = await Session.open(link.from)
  const relations = await readRelations(source, publication)
  const { tables, gone, replaced } = chosenOf(relations, record, names)
  if (tables.length === 0) return { tables: [], gone, unpublished: [] }
  refuseOwnRows(record, names)
  refuseOtherNames(record, tables)
  const published = new Set(relations.filter((one) => one.published).map(({ oid }) => oid))
  await refuseRoots(source, link, tables)
  const unpublished = tables.filter(
    ({ oid, root }) => !published.has(oid) && !(root !== null && published.has(root)),
  )
  await refuseUnpublishable(source, link, unpublished)
  const conditions = await readRowConditions(source, publication)
  const whereOf = (table: TableName) =>
    conditions.get(tableKey(table)) ??
    allTables(record).find((one) => tableKey(one) === tableKey(table))?.where
  return {
    gone,
    unpublished: unpublished.map(nameOf),
    tables: tables.map((table) => {
      const where = whereOf(table)
      const replaces = replaced.get(table)
      return {
        ...{ ...nameOf(table), source: table.oid },
        ...(replaces !== undefined && { replaces }),
        ...(where !== undefined && { where }),
      }
    }),
  }
}

function nameOf({ schema, name }: TableName): TableName {
  return { schema, name }
}

interface Chosen {
  tables: SourceRelation[]
  gone: TableName[]
  /** Table -> the OID of the dropped table that had its name before. */
  replaced: ReadonlyMap<SourceRelation, number>
}

function chosenOf(
  relations: readonly SourceRelation[],
  record: FollowRecord,
  names: readonly string[],
): Chosen {
  const byOid = new Map(relations.map((one) => [one.oid, one]))
  const byName = new Map(relations.map((one) => [tableKey(one), one]))
  const ours = new Set([...allTables(record), ...record.leftOut].map(({ source }) => source))
  const replaced = new Map<SourceRelation, number>()
  const find = (table: TableName & TableOids) => {
    const named = byName.get(tableKey(table))
    if (table.source === undefined) return named
    const known = byOid.get(table.source)
    if (known || !named || ours.has(named.oid)) return known
    // Dropped and created again.
    replaced.set(named, table.source)
    return named
  }
  const known = new Map(record.leftOut.map((table) => [tableKey(table), table]))
  const failed = record.failedTables.map((table) => ({
    table,
    relation: find(known.get(tableKey(table)) ?? table),
  }))
  const gone = failed.flatMap(({ table, relation }) => (relation ? [] : [nameOf(table)]))
  const ofFailed = failed.flatMap(({ relation }) => relation ?? [])
  if (names.length === 0) return { tables: ofFailed, gone, replaced }
  const ofMove = new Set([...ofFailed, ...allTables(record).flatMap((table) => find(table) ?? [])])
  const roots = new Set([...ofMove].flatMap(({ root }) => root ?? []))
  // Includes partitions that were attached later.
  const candidates = relations.filter(
    (one) => one.kind === 'r' && (ofMove.has(one) || (one.root !== null && roots.has(one.root))),
  )
  const patterns = names.map((text) => new Pattern(text))
  const tables = candidates.filter((one) => {
    const root = one.root === null ? undefined : byOid.get(one.root)
    return patterns.some(
      (pattern) => pattern.matches(one.name, one.schema) || (root && pattern.matches(root.name, root.schema)),
    )
  })
  const isGone = (pattern: Pattern) => gone.some(({ schema, name }) => pattern.matches(name, schema))
  const unused = patterns.find((pattern) => !pattern.used && !isGone(pattern))
  if (unused) throw new UsageError(say`no table of this move is named ${unused.text}. Nothing was changed`)
  return { tables, gone, replaced }
}

/** Rows of the destination are deleted: the move must have copied them, or the user must have named the table. */
function refuseOwnRows({ moved, advanceSequences }: FollowRecord, names: readonly string[]) {
  if (moved && advanceSequences) {
    throw new UsageError(
      say`the copy of this move added its rows to those that the destination had (append or upsert): copying a table again would delete them all. Nothing was changed`,
    )
  }
  if (!moved && names.length === 0) {
    throw new UsageError(
      say`how this move was started is not known here, so name the tables: their rows on the destination are deleted before they are copied again. Nothing was changed`,
    )
  }
}

/** The copy would create a second table, beside the one with the old name. */
function refuseOtherNames(record: FollowRecord, tables: readonly SourceRelation[]) {
  const known = new Map(allTables(record).map((table) => [table.source, table]))
  for (const table of tables) {
    const there = known.get(table.oid)
    if (!there || tableKey(there) === tableKey(table)) continue
    throw new UsageError(
      say`${showName(there)} of the destination is called ${showName(table)} on the source now: rename it there first (readiness shows how), then try again. Nothing was changed`,
    )
  }
}

/** Changes come under the name of the partitioned table, so those of one partition cannot be distinguished. */
async function refuseRoots(source: Session, { names }: Link, tables: readonly SourceRelation[]) {
  if (names.ownPublication) return
  const partition = tables.find(({ root }) => root !== null)
  if (!partition || !(await readPublication(source, names.publication))?.viaRoot) return
  throw new UsageError(
    say`the publication ${names.publication} sends the changes of ${showName(partition)} as those of its partitioned table (publish_via_partition_root): it cannot be copied again on its own. Nothing was changed`,
  )
}

/** A published table without a replica identity could not be updated on the source any more. */
async function refuseUnpublishable(source: Session, { names }: Link, tables: readonly SourceRelation[]) {
  const [first] = tables
  if (!first) return
  if (!names.ownPublication) {
    throw new UsageError(
      say`the publication ${names.publication} does not contain ${tables.map(showName).join(', ')}: run "alter publication ${names.publication} add table ..." on the source, then try again. Nothing was changed`,
    )
  }
  const known = await readFollowedTables(source)
  for (const table of tables) {
    const identities = known.get(tableKey(table))?.identities ?? []
    if (!table.logged)
      throw new UsageError(say`${showName(table)} is unlogged: its changes cannot be followed`)
    const lacking = identities.filter(([, identity]) => identity === 'none')
    if (lacking.length === 0) continue
    const means = await readUsableIdentities(source)
    const statements = lacking.flatMap(([place]) =>
      identityFixes('source', place, means).map(({ sql }) => sql),
    )
    const instead = statements.length > 0 ? say`, or run there: ${statements.join('; ')};` : ', and'
    throw new UsageError(
      say`${showName(table)} has no primary key, and no other replica identity: its changes cannot be followed. Add one on the source${instead} then try again. Nothing was changed`,
    )
  }
}

export function showNames(tables: readonly TableName[]): string {
  return shortList(tables.map(showName))
}
