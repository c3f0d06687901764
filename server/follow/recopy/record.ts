// What the move's record and the comment on its publication say about tables that are copied again.

import { say } from '../../../shared/say.ts'
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import { errorInfo } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import type { Membership } from '../../replication/tables/membership.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'
import type { FollowStatus } from '../follow-state.ts'
import { forgetForeignWrites } from '../foreign-writes.ts'
import type { Link } from '../link.ts'
import { markMissing } from '../ownership.ts'
import { forgetSkipped } from '../skipped.ts'
import { withWhole } from '../unsent-rows.ts'
import type { Choice } from './choice.ts'

export interface RecordedRecopy {
  link: Link
  choice: Choice
  record: () => FollowRecord
  update: (change: Partial<FollowRecord>) => void
  status: FollowStatus
}

/** The error of a table while it is copied again. It stays if this process is killed meanwhile. */
const beingCopied = say`it was being copied again, and that was not completed: run "pgtrek recopy" again`

/** Counts the chosen tables as failed from here on, also in the comment on the source, so that a kill does not lose it. */
export async function setAside(work: RecordedRecopy) {
  const { choice, record } = work
  const { tables, joined = [], failedTables, leftOut } = record()
  const chosen = new Set(choice.tables.map(tableKey))
  const chosenOids = new Set(choice.tables.flatMap(({ source, replaces = source }) => [source, replaces]))
  const isChosen = (table: FollowRecord['leftOut'][number]) =>
    table.source === undefined ? chosen.has(tableKey(table)) : chosenOids.has(table.source)
  const gone = new Set(choice.gone.map(tableKey))
  const oids = new Map(leftOut.map((table) => [tableKey(table), table.source]))
  const failed = new Map(failedTables.map((table) => [tableKey(table), table.error]))
  const destinations = new Map([...tables, ...joined].map((table) => [table.source, table.destination]))
  const change = {
    tables: tables.filter((table) => !isChosen(table)),
    joined: joined.filter((table) => !isChosen(table)),
    failedTables: [
      // A renamed table is recognized by its OID.
      ...failedTables.filter((table) => {
        const source = oids.get(tableKey(table))
        return !gone.has(tableKey(table)) && !isChosen({ ...table, ...(source !== undefined && { source }) })
      }),
      ...choice.tables.map(({ schema, name }) => {
        return { schema, name, error: failed.get(tableKey({ schema, name })) ?? beingCopied }
      }),
    ],
    leftOut: [
      ...leftOut.filter((table) => !isChosen(table)),
      ...choice.tables.map(({ schema, name, source }) => {
        const destination = destinations.get(source)
        return { schema, name, source, ...(destination !== undefined && { destination }) }
      }),
    ],
  }
  // The comment first: a table too many in it costs a copy, a table too few costs rows.
  await mark(work, change)
  work.update(change)
}

export async function restore(work: RecordedRecopy, { tables, joined, failedTables, leftOut }: FollowRecord) {
  const change = { tables, failedTables, leftOut, ...(joined && { joined }) }
  work.update(change)
  await markOrWarn(work, change)
}

/** Without the mark, a process without this state directory copies the tables once more. */
async function markOrWarn(work: RecordedRecopy, change: Pick<FollowRecord, 'failedTables' | 'leftOut'>) {
  await mark(work, change).catch((error: Error) =>
    work.status.warn(
      say`the comment on the publication ${work.link.names.publication} still says that tables are missing: ${errorInfo(error).message}`,
    ),
  )
}

/** Counts the chosen tables as followed from here on, except those that failed again. */
export async function settle(
  work: RecordedRecopy,
  failed: FollowRecord['failedTables'],
  members: readonly Membership[],
) {
  const { choice, record, status } = work
  const now = new Map(failed.map((table) => [tableKey(table), table]))
  const whole = choice.tables.filter((table) => !now.has(tableKey(table)))
  const isWhole = new Set(whole.map(tableKey))
  const { tables, failedTables, leftOut, skipped, foreignWrites } = record()
  const change = {
    tables: [...tables, ...whole],
    ...withWhole(record(), whole, members),
    failedTables: failedTables
      .filter((table) => !isWhole.has(tableKey(table)))
      .map((table) => now.get(tableKey(table)) ?? table),
    leftOut: leftOut.filter((table) => !isWhole.has(tableKey(table))),
    ...(skipped && { skipped: forgetSkipped(skipped, whole) }),
    ...(foreignWrites && { foreignWrites: forgetForeignWrites(foreignWrites, whole) }),
  }
  // The comment last, for the same reason as above.
  work.update(change)
  await markOrWarn(work, change)
  forgetMissingRows(status, whole)
}

/** Removes tables that the source has dropped from the failed ones. */
export async function forgetGone(
  work: Pick<RecordedRecopy, 'link' | 'record' | 'update'>,
  gone: readonly TableName[],
): Promise<void> {
  const isGone = new Set(gone.map(tableKey))
  const { failedTables, leftOut } = work.record()
  const change = { failedTables: failedTables.filter((table) => !isGone.has(tableKey(table))) }
  work.update(change)
  await mark(work, { ...change, leftOut })
}

async function mark(
  { link, record }: Pick<RecordedRecopy, 'link' | 'record'>,
  { failedTables, leftOut }: Pick<FollowRecord, 'failedTables' | 'leftOut'>,
) {
  if (!link.names.ownPublication) return
  const oids = new Map(leftOut.map((table) => [tableKey(table), table.source]))
  const tables = failedTables.map((table) => ({ ...table, oid: oids.get(tableKey(table)) }))
  const { failedObjects } = record()
  await using source = await Session.open(link.from)
  await markMissing(source, link.names.publication, {
    tables,
    ...(failedObjects && { objects: failedObjects }),
  })
}

/** Removes warnings about rows that these tables lacked. */
function forgetMissingRows(status: FollowStatus, tables: readonly TableName[]) {
  const names = tables.map((table) => say`changes of ${table.schema}.${table.name} are sent and not applied`)
  status.withdraw((warning) => names.some((name) => warning.startsWith(name)))
}
