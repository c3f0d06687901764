// Creates foreign keys of other tables that reference a table which was copied again. They could not be created while its
// rows were missing.

import { say } from '../../../shared/say.ts'
import { showName, tableKey } from '../../../shared/table-name.ts'
import { readExistingForeignKeys } from '../../catalog/existing-foreign-keys.ts'
import { errorInfo, ServerError, sqlstate } from '../../postgres/errors.ts'
import { quoteIdentifier, quoteQualified } from '../../postgres/quote.ts'
import { Session } from '../../postgres/session.ts'
import { describeSettings } from '../../postgres/settings.ts'
import { readNames } from '../../replication/tables/followed.ts'
import type { FollowStatus } from '../follow-state.ts'
import type { Link } from '../link.ts'
import type { ChosenTable } from './choice.ts'

/** A foreign key that cannot be created remains among the differences that prevent a switchover. */
export async function addForeignKeys(
  { link, signal, status }: { link: Link; signal: AbortSignal; status: FollowStatus },
  chosen: readonly ChosenTable[],
) {
  await using source = await Session.open(link.from, { signal })
  await using destination = await Session.open(link.to, { signal })
  for (const session of [source, destination]) await session.execute("set search_path = ''")
  const isChosen = new Set(chosen.map(tableKey))
  const names = await readNames(destination)
  const there = new Set([...names.values()].map(tableKey))
  const made = new Set(
    (await readExistingForeignKeys(destination, [...names.keys()])).map((key) =>
      JSON.stringify([tableKey(key.table), key.name]),
    ),
  )
  const keys = await readExistingForeignKeys(
    source,
    chosen.map(({ source: oid }) => oid),
  )
  for (const { table, referenced, name, definition } of keys) {
    const isOwn = isChosen.has(tableKey(table)) || made.has(JSON.stringify([tableKey(table), name]))
    if (isOwn || !there.has(tableKey(table)) || !there.has(tableKey(referenced))) continue
    const place = quoteQualified(table.schema, table.name)
    try {
      await destination.execute(`alter table ${place} add constraint ${quoteIdentifier(name)} ${definition}`)
      status.say(say`foreign key ${name} of ${showName(table)} was created`)
    } catch (error) {
      if (!(error instanceof ServerError) || error.sqlstate === sqlstate.duplicateObject) continue
      status.warn(
        say`foreign key ${name} of ${showName(table)} cannot be created on ${describeSettings(link.to)}: ${errorInfo(error).message}`,
      )
    }
  }
}
