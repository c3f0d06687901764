// What an archive entry means on this destination: its statements, with the few changes they need.
import type { MigrationOptions } from '../../shared/request.ts'
import { isColumnHint } from '../schema/column-options.ts'
import type { Entry } from '../schema/entries.ts'
import {
  inheritLater,
  possibleGrants,
  quoteNotNullNames,
  renameDatabase,
  withoutRunAsOwner,
} from '../schema/rewrite.ts'
import { tablespaceName } from './gaps.ts'
import type { Inventory } from './inventory.ts'
import type { SqlWork } from './step.ts'

/** Subscriptions of older servers act as their owner always, and have no parameter for it. */
const runAsOwnerSince = 16

const none: string[] = []

export interface EntryContext {
  inventory: Inventory
  options: MigrationOptions
  unusableRoles: ReadonlySet<string>
}

export function entryWork(entry: Entry, context: EntryContext): SqlWork {
  const { inventory, unusableRoles } = context
  const tablespace = tablespaceName(entry.tablespace)
  const statements = statementsOf(entry, inventory)
  const owner = ownerStatement(entry, context)
  const single = entry.kind === 'ACL' || entry.kind === 'DEFAULT ACL'
  const hints = single ? none : statements.filter(isColumnHint)
  return {
    kind: 'sql',
    // Each grant stands for itself; one to a role that is missing was reported with the role.
    statements: single ? [] : hints.length > 0 ? statements.filter((one) => !isColumnHint(one)) : statements,
    extras: single ? possibleGrants(statements, unusableRoles) : [...hints, ...(owner ? [owner] : none)],
    tablespace: inventory.lacks.tablespaces.has(tablespace) ? tablespace : '',
    accessMethod: entry.accessMethod,
    mayExist: true,
  }
}

export function isAboutDatabase(entry: Entry): boolean {
  if (entry.kind === 'DATABASE' || entry.kind === 'DATABASE PROPERTIES') return true
  return ['COMMENT', 'ACL', 'SECURITY LABEL'].includes(entry.kind) && entry.name.startsWith('DATABASE ')
}

function statementsOf(entry: Entry, inventory: Inventory): string[] {
  const { statements, oid } = entry
  switch (entry.kind) {
    case 'DATABASE':
      // The destination's database is there; only its owner is still to be set.
      return []
    case 'PROCEDURAL LANGUAGE':
      return replaced(statements, inventory.handmadeLanguages.get(oid))
    case 'SUBSCRIPTION':
      return inventory.destination.major < runAsOwnerSince ? statements.map(withoutRunAsOwner) : statements
    case 'TABLE': {
      const [create = '', ...others] = statements
      const quoted = quoteNotNullNames(create, inventory.oddNotNullNames.get(oid) ?? [])
      const notNull = inventory.reorderedChildren.get(oid)
      return statements.length === 0
        ? []
        : [...(notNull ? inheritLater(quoted, notNull) : [quoted]), ...others]
    }
    default:
      return isAboutDatabase(entry)
        ? statements.map((one) => renameDatabase(one, inventory.destination.database))
        : statements
  }
}

function replaced(statements: string[], definition: string | undefined): string[] {
  return definition ? [definition] : statements
}

function ownerStatement(entry: Entry, { inventory, options, unusableRoles }: EntryContext) {
  if (!entry.ownerStatement || !options.owner || unusableRoles.has(entry.owner ?? '')) return undefined
  if (!isAboutDatabase(entry)) return entry.ownerStatement
  const { destination } = inventory
  // Giving a database away is for superusers; for others the plan has said that it stays as it is.
  if (!destination.superuser || entry.owner === destination.databaseOwner) return undefined
  return renameDatabase(entry.ownerStatement, destination.database)
}
