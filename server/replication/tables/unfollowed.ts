// Tables of followed schemas that are not followed as they should be. The stream contains no DDL, so the catalogs are
// compared from time to time.

import { say } from '../../../shared/say.ts'
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import { quoteIdentifier, quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import type { Publications } from '../stream/publication.ts'
import {
  type LeftOutTable,
  readNames,
  readRelations,
  type SourceRelation,
  type WantedTable,
} from './followed.ts'

export interface Unfollowed {
  table: TableName
  /** The name on the source, where it is another one. */
  source?: TableName
  /**
   * `new`: created since the move started; `missing`: not on the destination; `gone`: followed, and dropped on the
   * source; `renamed`: followed, and named differently on the source and the destination.
   */
  kind: 'new' | 'new_partition' | 'missing' | 'gone' | 'renamed' | 'not_published'
  words: string
}

export interface FollowedTables {
  publication: Publications
  followed: readonly WantedTable[]
  /** Tables that were excluded, and are not reported. */
  leftOut?: readonly LeftOutTable[]
  /** Default: the schemas of the followed tables. */
  schemas?: readonly string[]
}

export async function findUnfollowed(
  source: Session,
  asked: FollowedTables,
  destination?: Session,
): Promise<Unfollowed[]> {
  const { publication, followed, leftOut = [] } = asked
  const relations = await readRelations(source, publication)
  const here = destination && (await readNames(destination))
  const hereNames = here && new Set([...here.values()].map(tableKey))
  const schemaNames = destination && {
    source: await readSchemas(source),
    destination: await readSchemas(destination),
  }
  const byOid = new Map(relations.map((one) => [one.oid, one]))
  const byName = new Map(relations.map((one) => [tableKey(one), one]))
  const find = (table: WantedTable) =>
    table.from === undefined ? byName.get(tableKey(table)) : byOid.get(table.from)
  const publications = [publication].flat().join(', ')
  const found: Unfollowed[] = []
  for (const table of followed) {
    const relation = find(table)
    const place = (table.to === undefined ? undefined : here?.get(table.to)) ?? id(table)
    if (!relation) {
      const successor = byName.get(tableKey(place))
      // The table was dropped on both sides: there is nothing to report.
      if (successor || !hereNames || hereNames.has(tableKey(place))) found.push(gone(place, successor))
    } else if (!isPublished(relation, relations)) found.push(notPublished(place, publications))
    else if (hereNames && !hereNames.has(tableKey(place))) found.push(missing(relation, byOid))
    else if (tableKey(relation) !== tableKey(place)) found.push(renamed(place, relation, schemaNames))
  }
  const oids = new Set(followed.map((table) => find(table)?.oid))
  const roots = new Set(followed.map((table) => find(table)?.root ?? undefined))
  const silent = new Set(
    leftOut
      .map((table) => ({ table, relation: byOid.get(table.oid ?? byName.get(tableKey(table))?.oid ?? 0) }))
      .filter(
        ({ table, relation }) => table.isPartition !== false || !relation?.root || !roots.has(relation.root),
      )
      .map(({ relation }) => relation?.oid),
  )
  const schemas = new Set([...(asked.schemas ?? []), ...followed.map(({ schema }) => schema)])
  for (const relation of relations) {
    const { oid, kind, root, schema, extension, logged } = relation
    if (!schemas.has(schema) || extension || !logged || oids.has(oid) || silent.has(oid)) continue
    if (root === null || (kind === 'p' && root === oid)) {
      if (!roots.has(oid)) found.push(newTable(relation, followed))
    } else if (roots.has(root) || oids.has(root)) {
      if (!isPublished(relation, relations)) found.push(partitionNotPublished(relation, byOid, publications))
      else if (relation.published && hereNames && !hereNames.has(tableKey(relation))) {
        found.push(missing(relation, byOid))
      }
    }
  }
  return found
}

/** As a table, as part of a tree at any level, or by its partitions. */
function isPublished(
  { oid, kind, root, ancestors, published }: SourceRelation,
  all: readonly SourceRelation[],
): boolean {
  if (published) return true
  if (root === null) return false
  return all.some(
    (other) =>
      other.published &&
      other.oid !== oid &&
      (ancestors.includes(other.oid) || (kind === 'p' && other.root === root)),
  )
}

function gone(table: TableName, successor: TableName | undefined): Unfollowed {
  const name = shown(table)
  return {
    table,
    kind: 'gone',
    words: successor
      ? say`${name} is followed, but was dropped on the source; the table that is named ${name} there now is a different one, and is not followed`
      : say`${name} is followed, but was dropped on the source. When it is no longer needed, drop it on the destination, too: drop table ${quoteQualified(table.schema, table.name)}`,
  }
}

function notPublished(table: TableName, publications: string): Unfollowed {
  return {
    table,
    kind: 'not_published',
    words: say`${shown(table)} is followed, but not published any more: it was taken out of ${publications}, or is not a partition of a published table any more; its changes are not sent. "pgtrek recopy ${shown(table)}" publishes it and copies it again`,
  }
}

function renamed(table: TableName, source: SourceRelation, schemas: SchemaNames | undefined): Unfollowed {
  const { schema, name } = source
  const steps = [
    ...(schema === table.schema ? [] : intoSchema(table, schema, schemas)),
    ...(name === table.name
      ? []
      : [`alter table ${quoteQualified(schema, table.name)} rename to ${quoteIdentifier(name)}`]),
  ]
  return {
    table,
    source: id(source),
    kind: 'renamed',
    words: say`${shown(table)} of the destination is now named ${schema}.${name} on the source: its changes are applied, but the names differ. On the destination run: ${steps.join('; ')}`,
  }
}

/** The schemas of each side. */
interface SchemaNames {
  source: ReadonlySet<string>
  destination: ReadonlySet<string>
}

function intoSchema(table: TableName, schema: string, schemas: SchemaNames | undefined): string[] {
  const move = `alter table ${quoteQualified(table.schema, table.name)} set schema ${quoteIdentifier(schema)}`
  if (!schemas || schemas.destination.has(schema)) return [move]
  // The schema was renamed, not the table moved.
  if (!schemas.source.has(table.schema)) {
    return [`alter schema ${quoteIdentifier(table.schema)} rename to ${quoteIdentifier(schema)}`]
  }
  return [`create schema ${quoteIdentifier(schema)}`, move]
}

async function readSchemas(session: Session): Promise<Set<string>> {
  const rows = await session.query<{ name: string }>('select nspname as name from pg_catalog.pg_namespace')
  return new Set(rows.map(({ name }) => name))
}

function newTable(table: SourceRelation, followed: readonly WantedTable[]): Unfollowed {
  const name = shown(table)
  const isSuccessor = followed.some((one) => tableKey(one) === tableKey(table))
  return {
    table: id(table),
    kind: 'new',
    words: isSuccessor
      ? say`${name} is not followed: its rows are neither copied nor kept up to date. The table that had this name when the move started is a different one, which was renamed or dropped: if it was dropped, "pgtrek recopy ${name}" copies this one in its place; otherwise start again with it`
      : say`${name} is not followed: its rows are neither copied nor kept up to date. To move it, start again with it, or copy it when nothing writes to it any more`,
  }
}

function missing(table: SourceRelation, byOid: ReadonlyMap<number, SourceRelation>): Unfollowed {
  const root = table.root === null ? undefined : byOid.get(table.root)
  const isPart = root !== undefined && root.oid !== table.oid
  return {
    table: id(table),
    kind: 'missing',
    words: isPart
      ? say`${shown(table)} is a partition of ${shown(root)}, but the destination does not have it. Create it there, or run "pgtrek recopy ${shown(table)}", which creates it and copies its rows, those from before it was attached too`
      : say`${shown(table)} is followed, but the destination does not have it. If it has another name there, rename it to this one; otherwise run "pgtrek recopy ${shown(table)}", which creates it and copies its rows`,
  }
}

/** For servers before 13, and where partitions were published separately. */
function partitionNotPublished(
  table: SourceRelation,
  byOid: ReadonlyMap<number, SourceRelation>,
  publications: string,
): Unfollowed {
  const [first] = publications.split(', ')
  const root = table.root === null ? undefined : byOid.get(table.root)
  return {
    table: id(table),
    kind: 'new_partition',
    words: say`${shown(table)} is a partition of ${root ? shown(root) : say`a followed table`} that ${first} does not have: its changes are not sent. "pgtrek recopy ${shown(table)}" publishes it, creates it on the destination and copies its rows; for a publication of your own, first run alter publication ${first} add table ${shown(table)}`,
  }
}

function shown({ schema, name }: TableName): string {
  return `${schema}.${name}`
}

function id({ schema, name }: TableName): TableName {
  return { schema, name }
}
