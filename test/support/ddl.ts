// The DDL of two databases compared as pg_dump writes it, entry by entry, so that order does not matter.
import { Session } from '../../server/postgres/session.ts'
import { resolveSettings } from '../../server/postgres/settings.ts'
import { pgDump } from '../../server/schema/dump.ts'
import { type Entry, parseEntries } from '../../server/schema/entries.ts'
import type { TestDatabase } from './clusters.ts'

export async function dumpText(database: TestDatabase, args: string[] = []): Promise<string> {
  await using session = await Session.open(resolveSettings({ url: database.url }))
  return await pgDump(session, ['--schema-only', ...args])
}

export async function dumpEntries(database: TestDatabase): Promise<Entry[]> {
  await using session = await Session.open(resolveSettings({ url: database.url }))
  return parseEntries(
    await pgDump(session, ['--verbose', '--create', '--section=pre-data', '--section=post-data']),
  )
}

/** pg_dump's whole text without what names the run: dates, versions, the key of \restrict. */
export function normalized(dump: string): string {
  return dump.replace(/^-- (Dumped from|Dumped by|Started on|Completed on).*\n/gm, '')
}
