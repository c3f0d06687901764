// Compares the DDL of two databases as pg_dump writes it, entry by entry, so that order does not matter.

import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { pgDump } from '../../server/schema/dump.ts'
import { type Entry, parseEntries } from '../../server/schema/entries.ts'
import { renameDatabase } from '../../server/schema/rewrite.ts'
import type { TestDatabase } from '../../tools/servers/clusters.ts'

export async function dumpText(database: TestDatabase, args: string[] = []): Promise<string> {
  await using session = await Session.open(resolveSettings({ url: database.url }))
  return await pgDump(session, ['--schema-only', ...args])
}

export async function dumpEntries(database: TestDatabase): Promise<Entry[]> {
  await using session = await Session.open(resolveSettings({ url: database.url }))
  return parseEntries(
    await pgDump(session, [
      '--verbose',
      '--create',
      '--section=pre-data',
      '--section=post-data',
      '--quote-all-identifiers',
    ]),
  )
}

/** pg_dump's text without what differs between runs: dates, versions, the key of \restrict. */
export function normalized(dump: string): string {
  return dump
    .replace(/^-- (Dumped from|Dumped by|Started on|Completed on).*\n/gm, '')
    .replace(/^\\(un)?restrict \w{63}$/gm, '\\$1restrict KEY')
}

/** Runs pg_dump's script for the source on another database, as psql does: one statement after the other. */
export async function replay(source: TestDatabase, target: TestDatabase): Promise<void> {
  await using session = await Session.open(resolveSettings({ url: target.url }))
  await session.execute("set check_function_bodies = false; set search_path = ''; set xmloption = content")
  for (const entry of await dumpEntries(source)) {
    if (entry.kind === 'DATABASE' || entry.name.startsWith('DATABASE ')) continue
    if (entry.kind === 'MATERIALIZED VIEW DATA') continue
    if (entry.kind === 'DATABASE PROPERTIES') {
      for (const one of entry.statements) await session.execute(renameDatabase(one, target.name))
      continue
    }
    await session.execute(`set default_tablespace = ${entry.tablespace || "''"}`)
    if (entry.accessMethod) await session.execute(`set default_table_access_method = ${entry.accessMethod}`)
    const statements = [...entry.statements, ...(entry.ownerStatement ? [entry.ownerStatement] : [])]
    for (const statement of statements) await session.execute(statement)
  }
}
