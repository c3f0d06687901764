// The statements of an archive entry on this destination, with the few changes they need.
import type { MigrationOptions } from '../../../shared/request.ts'
import { isColumnHint } from '../../schema/column-options.ts'
import { inheritInOrder, notNullOfColumns } from '../../schema/create-table.ts'
import type { Entry } from '../../schema/entries.ts'
import {
  possibleGrants,
  quoteNotNullNames,
  renameDatabase,
  withoutMultirange,
  withoutNoIndent,
  withoutRunAsOwner,
} from '../../schema/rewrite.ts'
import type { Inventory } from '../inventory/types.ts'
import { tablespaceName } from './missing-prerequisites.ts'
import type { SqlWork } from './step.ts'

/** Subscriptions of older servers always act as their owner, and have no parameter for it. */
const runAsOwnerSince = 16

const multirangesSince = 14
/** Older servers do not know NO INDENT, and never indent. */
const noIndentSince = 16

/** Since 18 NOT NULL is a constraint with a name, and pg_dump 18 writes it as one. */
const notNullConstraintsSince = 18

const none: string[] = []

export interface EntryContext {
  inventory: Inventory
  options: MigrationOptions
  unusableRoles: ReadonlySet<string>
}

export function entryWork(entry: Entry, context: EntryContext): SqlWork {
  const { inventory, unusableRoles } = context
  const tablespace = tablespaceName(entry.tablespace)
  const owner = ownerStatement(entry, context)
  const hints = entry.statements.filter(isColumnHint)
  const required = hints.length > 0 ? entry.statements.filter((one) => !isColumnHint(one)) : entry.statements
  const statements = statementsOf({ ...entry, statements: required }, inventory)
  const single = entry.kind === 'ACL' || entry.kind === 'DEFAULT ACL'
  return {
    kind: 'sql',
    // Each grant is executed by itself; a grant to a missing role was reported with the role.
    statements: single ? [] : statements,
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
  const { oid } = entry
  const { major } = inventory.destination
  const statements = major < noIndentSince ? entry.statements.map(withoutNoIndent) : entry.statements
  switch (entry.kind) {
    case 'DATABASE':
      // The destination's database exists; only its owner is to be set.
      return []
    case 'PROCEDURAL LANGUAGE':
      return replaced(statements, inventory.handmadeLanguages.get(oid))
    case 'TYPE':
      return major < multirangesSince ? statements.map(withoutMultirange) : statements
    case 'SUBSCRIPTION':
      return major < runAsOwnerSince ? statements.map(withoutRunAsOwner) : statements
    case 'TABLE':
    case 'FOREIGN TABLE': {
      const [create, ...others] = statements
      return create === undefined ? [] : [...createTable(oid, create, inventory), ...others]
    }
    default:
      return isAboutDatabase(entry)
        ? statements.map((one) => renameDatabase(one, inventory.destination.database))
        : statements
  }
}

function createTable(oid: number, statement: string, inventory: Inventory): string[] {
  const { oddNotNullNames, reorderedChildren, destination } = inventory
  const create = quoteNotNullNames(statement, oddNotNullNames.get(oid) ?? [])
  const order = reorderedChildren.get(oid)
  const created = order ? inheritInOrder(create, order, oid) : [create]
  return destination.major < notNullConstraintsSince ? created.flatMap(notNullOfColumns) : created
}

function replaced(statements: string[], definition: string | undefined): string[] {
  return definition ? [definition] : statements
}

function ownerStatement(entry: Entry, { inventory, options, unusableRoles }: EntryContext) {
  if (!entry.ownerStatement || !options.owner || unusableRoles.has(entry.owner ?? '')) return undefined
  if (!isAboutDatabase(entry)) return entry.ownerStatement
  const { destination } = inventory
  // Only superusers can give a database to any role; for others the plan has a warning that its owner stays.
  if (!destination.superuser || entry.owner === destination.databaseOwner) return undefined
  return renameDatabase(entry.ownerStatement, destination.database)
}
