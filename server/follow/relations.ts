// The tables of a move by their OIDs, which stay the same when names change.
import type { Direction } from '../../shared/follow.ts'
import { type TableName, tableKey } from '../../shared/table-name.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import {
  type LeftOutTable,
  readRelations,
  type TablePair,
  type WantedTable,
} from '../replication/tables/followed.ts'
import { type Membership, markReplaced, readMemberships } from '../replication/tables/membership.ts'
import type { FollowRecord, LeftOut, TableOids } from '../store/follow-memory.ts'
import type { Link } from './link.ts'
import { publicationNames } from './names.ts'

/** The followed tables, for the stream of one direction. */
export function wantedTables({ tables, joined = [] }: FollowRecord, direction: Direction): WantedTable[] {
  const isForward = direction === 'forward'
  const wanted = (isJoined: boolean) => (table: FollowRecord['leftOut'][number]) => ({
    schema: table.schema,
    name: table.name,
    from: isForward ? table.source : table.destination,
    to: isForward ? table.destination : table.source,
    ...(isJoined && { joined: true }),
  })
  return [...tables.map(wanted(false)), ...joined.map(wanted(true))]
}

/** Including tables that joined later. */
export function allTables({ tables, joined = [] }: FollowRecord): FollowRecord['tables'] {
  return [...tables, ...joined]
}

/** Tables that existed when the move began and are not part of it. `all`: also those where that is a guess. */
export function leftOutTables(
  { leftOut, failedTables }: FollowRecord,
  direction: Direction,
  which: 'proven' | 'all' = 'proven',
): LeftOutTable[] {
  const known = new Set(leftOut.map(tableKey))
  return [
    ...leftOut.filter(({ isGuess }) => which === 'all' || !isGuess),
    ...failedTables.filter((table) => !known.has(tableKey(table))),
  ].map((table: FollowRecord['leftOut'][number]) => ({
    ...{ schema: table.schema, name: table.name },
    oid: direction === 'forward' ? table.source : table.destination,
    isPartition: table.isPartition,
  }))
}

function from(direction: Direction) {
  return direction === 'forward' ? 'source' : 'destination'
}

/** The OIDs that a stream has read, with the names on the side that it writes to. */
export function withPairs(
  record: FollowRecord,
  direction: Direction,
  pairs: readonly TablePair[],
): Pick<FollowRecord, 'tables' | 'joined' | 'memberships' | 'learned'> {
  const known = pairs.map(({ schema, name, from, to, joined }) => {
    const [source, destination] = direction === 'forward' ? [from, to] : [to, from]
    const oids = {
      ...(source !== undefined && { source }),
      ...(destination !== undefined && { destination }),
    }
    return { schema, name, ...oids, joined }
  })
  const same = (table: FollowRecord['leftOut'][number]) => {
    const side = direction === 'forward' ? 'source' : 'destination'
    return known.find((one) =>
      table[side] === undefined ? tableKey(one) === tableKey(table) : one[side] === table[side],
    )
  }
  const place = direction === 'forward' ? 'destination' : 'source'
  const places = new Map(allTables(record).map((table) => [table[from(direction)], table[place]]))
  const replaced = pairs.filter((pair) => {
    const before = places.get(pair.from)
    return before !== undefined && pair.to !== undefined && pair.to !== before
  })
  const lost = markReplaced(replaced.map((pair) => pair.from))
  return {
    ...(replaced.length > 0 && {
      memberships: { ...record.memberships, ...lost },
      learned: { ...record.learned, ...lost },
    }),
    tables: record.tables.map((table) => {
      const { joined: _, ...now } = same(table) ?? { joined: false }
      return { ...table, ...now }
    }),
    joined: known.filter(({ joined }) => joined).map(({ joined: _, ...table }) => table),
  }
}

/** Tables that have the same new name on both sides get it in the record. Undefined when there are none. */
export function withNames(
  record: FollowRecord,
  direction: Direction,
  from: ReadonlyMap<number, TableName>,
  to: ReadonlyMap<number, TableName>,
): Pick<FollowRecord, 'tables' | 'joined'> | undefined {
  const [sources, destinations] = direction === 'forward' ? [from, to] : [to, from]
  let isChanged = false
  const now = <Table extends TableName & TableOids>(table: Table): Table => {
    const source = sources.get(table.source ?? 0)
    const destination = destinations.get(table.destination ?? 0)
    if (!source || !destination || tableKey(source) !== tableKey(destination)) return table
    if (tableKey(source) === tableKey(table)) return table
    isChanged = true
    return { ...table, schema: source.schema, name: source.name }
  }
  const { tables, joined = [] } = record
  const renamed = { tables: tables.map(now), joined: joined.map(now) }
  return isChanged ? renamed : undefined
}

/** Reads, in a snapshot of the source, the OIDs of the tables to follow, and all other tables. */
export async function readMoved<Table extends TableName>(
  { from, names }: Link,
  tables: readonly Table[],
  snapshot?: string,
): Promise<{ tables: (Table & TableOids)[]; leftOut: LeftOut[]; members: Membership[] }> {
  await using source = await Session.open(from)
  await source.execute(
    `begin isolation level repeatable read read only;
     ${snapshot === undefined ? '' : `set transaction snapshot ${quoteLiteral(snapshot)}`}`,
  )
  const relations = await readRelations(source, names.publication)
  const members = await readMemberships(source, publicationNames(names))
  await source.execute('commit')
  const byName = new Map(relations.map((relation) => [tableKey(relation), relation]))
  const followed = tables.map((table) => byName.get(tableKey(table)))
  const oids = new Set(followed.map((relation) => relation?.oid))
  // New partitions belong to the move if other partitions of their tree are followed.
  const roots = new Set(followed.map((relation) => relation?.root ?? undefined))
  return {
    members: members.filter(({ oid }) => oids.has(oid)),
    tables: tables.map((table, index) => {
      const oid = followed[index]?.oid
      return { ...table, ...(oid !== undefined && { source: oid }) }
    }),
    leftOut: relations
      .filter(({ oid, kind, root }) => !oids.has(oid) && !(kind === 'p' && root !== null && roots.has(root)))
      .map(({ schema, name, oid, root }) => ({ schema, name, source: oid, isPartition: root !== null })),
  }
}
