// Followed tables that may lack rows on the destination although nothing has failed: partitions that were attached with
// rows, tables that were detached or unpublished for a while, and tables of the destination that were dropped and created
// again. Neither the stream nor a comparison of the objects shows them.
import { say } from '../../shared/say.ts'
import { showName, type TableName, tableKey } from '../../shared/table-name.ts'
import type { Session } from '../postgres/session.ts'
import type { Publications } from '../replication/stream/publication.ts'
import { readNames } from '../replication/tables/followed.ts'
import {
  type Gap,
  isKnown,
  isKnownWhole,
  judgeMembers,
  linksOf,
  type Membership,
  type Memberships,
  markReplaced,
  readMemberships,
  withLinks,
} from '../replication/tables/membership.ts'
import type { FollowRecord } from '../store/follow-memory.ts'
import type { Link } from './link.ts'
import { refuseRecopy } from './recopy/choice.ts'
import { leftOutTables, wantedTables } from './relations.ts'

/** The result of a check, for the record: see `withLearned`. */
export interface Learned {
  direction: Link['direction']
  memberships: Memberships
  /** Those of them that the age of the publication does not show. */
  late: Memberships
  /** Tables of the side that changes go to, by their old and new OIDs. */
  replaced: { before: number; now: number }[]
  /** New partitions of followed trees. */
  joined: (TableName & { oid: number })[]
}

export interface UnsentRows {
  tables: { table: TableName; words: string }[]
  learned: Learned
}

export interface UnsentRowsQuestion {
  record: FollowRecord
  link: Link
  publication: Publications
  /** How long reading a table may wait for a lock. */
  lockWaitMs: number
}

export async function findUnsentRows(
  { record, link, publication, lockWaitMs }: UnsentRowsQuestion,
  from: Session,
  to: Session,
): Promise<UnsentRows> {
  const { direction } = link
  await from.execute(`set lock_timeout = ${lockWaitMs}`)
  const replaced = await findReplaced(record, link, to)
  const members = ofMove(await readMemberships(from, publication), record, direction)
  const isReplaced = new Set(replaced.map(({ source }) => source))
  const fresh = markReplaced(members.flatMap(({ oid }) => (isReplaced.has(oid) ? [oid] : [])))
  const judged = await judgeMembers(from, members, { ...record.memberships, ...fresh })
  return {
    tables: judged.gaps.map(({ table, gap }) => ({
      table: { schema: table.schema, name: table.name },
      words: `${reasons[gap](showName(table))}. ${adviceFor(table, record, link)}`,
    })),
    learned: {
      direction,
      memberships: { ...linksOf(judged.whole), ...fresh },
      late: { ...linksOf(judged.whole.filter(({ isLate }) => isLate)), ...fresh },
      replaced: replaced.map(({ before, now }) => ({ before, now })),
      joined: unseen(members, record, direction),
    },
  }
}

/** Adds the result to the record, which may have changed since the check. */
export function withLearned(record: FollowRecord, learned: Learned): Partial<FollowRecord> | undefined {
  const { direction, memberships, late, replaced } = learned
  if (direction !== record.direction) return undefined
  const joined = unseen(learned.joined, record, direction)
  if (Object.keys(memberships).length === 0 && joined.length === 0) return undefined
  const from = direction === 'forward' ? 'source' : 'destination'
  const side = direction === 'forward' ? 'destination' : 'source'
  const places = new Map(replaced.map(({ before, now }) => [before, now]))
  const moved = <Table extends FollowRecord['tables'][number]>(table: Table): Table => {
    const place = places.get(table[side] ?? 0)
    return place === undefined ? table : { ...table, [side]: place }
  }
  return {
    memberships: { ...record.memberships, ...memberships },
    ...(Object.keys(late).length > 0 && { learned: { ...record.learned, ...late } }),
    tables: record.tables.map(moved),
    joined: [
      ...(record.joined ?? []).map(moved),
      ...joined.map(({ oid, schema, name }) => ({ schema, name, [from]: oid })),
    ],
  }
}

/** Records tables as complete that were found equal or copied again. `members`: their state at that time. */
export function withWhole(
  { memberships, learned }: FollowRecord,
  tables: readonly TableName[],
  members: readonly Membership[],
): Pick<FollowRecord, 'memberships' | 'learned'> | undefined {
  const whole = new Set(tables.map(tableKey))
  const news = members.filter((table) => whole.has(tableKey(table)) && !isKnownWhole(table, memberships))
  if (news.length === 0) return undefined
  const late = news.filter((table) => table.isLate || isKnown(table, learned))
  return {
    memberships: withLinks(memberships, news),
    ...(late.length > 0 && { learned: withLinks(learned, late) }),
  }
}

const reasons: Record<Gap, (name: string) => string> = {
  attached: (name) =>
    say`${name} was attached, or published, since the copy and has rows: those from before are not in the stream`,
  interrupted: (name) =>
    say`${name} was not followed for a while (detached, or taken out of the publication): changes of that time are not in the stream`,
  replaced: (name) =>
    say`${name} of the destination was dropped and created again: rows that were in it before may be missing`,
}

function adviceFor(table: Membership, record: FollowRecord, { names }: Link): string {
  const isOver = say`the comparison while following finds both sides equal`
  if (refuseRecopy(record) === undefined && (names.ownPublication || table.top === null)) {
    return say`Run "pgtrek recopy ${showName(table)}"; this is also resolved when ${isOver}`
  }
  return `Copy what is missing by hand; this is resolved when ${isOver}, or continue with --accept-differences`
}

/** Followed tables, and other partitions of their trees. */
function ofMove(
  members: readonly Membership[],
  record: FollowRecord,
  direction: Link['direction'],
): Membership[] {
  const wanted = wantedTables(record, direction)
  const oids = new Set(wanted.map(({ from }) => from))
  const names = new Set(wanted.filter(({ from }) => from === undefined).map(tableKey))
  const isWanted = (table: Membership) => oids.has(table.oid) || names.has(tableKey(table))
  const tops = new Set(members.filter(isWanted).flatMap(({ top }) => top?.oid ?? []))
  const others = leftOutTables(record, direction).filter(({ isPartition }) => isPartition !== false)
  const left = new Set(others.map(({ oid }) => oid))
  const leftNames = new Set(others.filter(({ oid }) => oid === undefined).map(tableKey))
  return members.filter(
    (table) =>
      isWanted(table) ||
      (table.top !== null &&
        tops.has(table.top.oid) &&
        !left.has(table.oid) &&
        !leftNames.has(tableKey(table))),
  )
}

function unseen<Table extends TableName & { oid: number }>(
  tables: readonly Table[],
  record: FollowRecord,
  direction: Link['direction'],
): Table[] {
  const wanted = wantedTables(record, direction)
  const oids = new Set(wanted.map(({ from }) => from))
  const names = new Set(wanted.filter(({ from }) => from === undefined).map(tableKey))
  return tables.filter((table) => !oids.has(table.oid) && !names.has(tableKey(table)))
}

async function findReplaced(record: FollowRecord, { direction }: Link, to: Session) {
  const there = await readNames(to)
  const byName = new Map([...there].map(([oid, table]) => [tableKey(table), oid]))
  return wantedTables(record, direction).flatMap((table) => {
    const now = byName.get(tableKey(table))
    const { from: source, to: before } = table
    const isGone = source !== undefined && before !== undefined && !there.has(before)
    return isGone && now !== undefined ? [{ source, before, now }] : []
  })
}
