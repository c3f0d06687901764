// pg_dump's entries of the source, without unreadable objects and with qualified names.

import type { MigrationOptions } from '../../../shared/request.ts'
import { tableKey } from '../../../shared/table-name.ts'
import { otherKey } from '../../catalog/dependents.ts'
import { type OwnObjects, ownSchema } from '../../catalog/own.ts'
import type { TableFacts } from '../../catalog/tables.ts'
import type { BrokenName } from '../../catalog/undescribed.ts'
import { quoteIdentifier } from '../../postgres/quote.ts'
import { pgDump } from '../../schema/dump.ts'
import { type Entry, parseEntries } from '../../schema/entries.ts'
import { withoutOwn } from '../../schema/own-entries.ts'
import { collectAbove, manyObjects } from '../../system/collect-garbage.ts'
import type { InventorySessions } from './types.ts'

export async function dumpEntries(
  { dump: session, dumpThread }: InventorySessions,
  snapshot: string,
  undumped: readonly Entry[],
  options: MigrationOptions,
  own: OwnObjects,
  signal: AbortSignal,
): Promise<Entry[]> {
  const flags = [
    '--verbose',
    '--create',
    '--section=pre-data',
    '--section=post-data',
    // A name of the source may be a keyword of the destination's version.
    '--quote-all-identifiers',
    `--snapshot=${snapshot}`,
    // pg_dump stops at the first table that it may not lock, and at the first sequence that it may not read.
    ...undumped.map(
      ({ schema = '', name }) => `--exclude-table=${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
    ),
  ]
  if (own.schema) flags.push(`--exclude-schema=${ownSchema}`)
  if (!options.owner) flags.push('--no-owner')
  if (!options.acl) flags.push('--no-privileges')
  if (!options.comments) flags.push('--no-comments')
  if (!options.tablespaces) flags.push('--no-tablespaces')
  if (!options.publications) flags.push('--no-publications')
  if (!options.securityLabels) flags.push('--no-security-labels')
  if (session.tap.parameters.get('server_encoding') !== 'SQL_ASCII') flags.push('--encoding=UTF8')
  const entries = withoutOwn(parseEntries(await pgDump(session, flags, signal, dumpThread)), own)
  collectAbove(manyObjects, entries.length)
  return entries
}

export function withFullNames(entries: readonly Entry[], broken: readonly BrokenName[]): Entry[] {
  if (broken.length === 0) return [...entries]
  const asDescribed = (name: string) => name.replaceAll(/[\n\r]/g, ' ')
  const byObject = new Map(broken.map((one) => [otherKey(one.class, one.oid), one]))
  const keyOf = ({ schema, name }: BrokenName) =>
    tableKey({ schema: asDescribed(schema), name: asDescribed(name) })
  const byName = new Map(broken.map((one) => [keyOf(one), one]))
  const schemas = new Map(broken.map(({ schema }) => [asDescribed(schema), schema]))
  return entries.map((entry) => {
    if (entry.schema === undefined && entry.kind !== 'SCHEMA') return entry
    const { name, schema = '' } = entry
    const found = byObject.get(otherKey(entry.classOid, entry.oid))
    // An attachment concerns two objects, and has the OID of neither.
    const object = entry.kind === 'TABLE ATTACH' ? byName.get(tableKey({ schema, name })) : found
    const isItself = object !== undefined && asDescribed(object.name) === name
    return {
      ...entry,
      name: isItself ? object.name : name,
      schema: entry.schema === undefined ? undefined : (object?.schema ?? schemas.get(schema) ?? schema),
    }
  })
}

/** Represents a table that cannot be read, so that what needs it is skipped for that reason. */
export const tablePlaceholder = (table: TableFacts) => placeholder('TABLE', table)

export function placeholder(
  kind: 'TABLE' | 'SEQUENCE',
  { oid, schema, name }: { oid: number; schema: string; name: string },
): Entry {
  return {
    id: -oid,
    classOid: 1259,
    oid,
    dependencies: [],
    kind,
    schema,
    name,
    owner: undefined,
    statements: [],
    ownerStatement: undefined,
    tablespace: '',
    accessMethod: '',
  }
}
