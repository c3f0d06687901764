// What a fleet needs of the instances themselves: databases that can be made, and roles that can come along.
import type { FleetMapping } from '../../shared/fleet.ts'
import type { PreflightItem } from '../../shared/preflight.ts'
import { errorInfo } from '../postgres/errors.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'
import { type Finding, fine, itemOf, unless } from '../preflight/check.ts'
import { fixes, superuser } from '../preflight/fix.ts'
import { moveRoles } from '../roles/move.ts'
import { type Arrival, createDatabaseSql, type InstanceDatabase } from './instance.ts'

const making = {
  id: 'database',
  title: 'The database on the destination',
  why: 'A fleet creates each database with the settings of the source, and changes no existing database that it did not create.',
}

/** Whether the database can be made, or what is there under its name. */
export async function makingItem(
  instance: Session,
  database: InstanceDatabase,
  arrival: Arrival,
): Promise<PreflightItem> {
  return itemOf(making, arrival === 'missing' ? await toBeMade(instance, database) : found(arrival))
}

function found(arrival: Exclude<Arrival, 'missing'>): Finding {
  switch (arrival) {
    case 'occupied':
      return {
        status: 'blocker',
        found: 'it exists and is not empty',
        todo: 'Empty it, rename it, or exclude it from the mapping.',
      }
    case 'empty':
      return fine('it exists and is empty')
    case 'copying':
      return fine('a copy was interrupted: it will be copied again')
    case 'copied':
      return fine('it is copied already: no further checks')
    case 'switched':
      return fine('it is switched over: no further checks')
    case 'returned':
      return fine('it was switched over and has returned to the source: no further checks')
    case 'complete':
      return fine('it is marked complete: no further checks')
  }
}

async function toBeMade(instance: Session, database: InstanceDatabase): Promise<Finding> {
  const { may, user } = await instance.one<{ may: boolean; user: string }>(
    'select rolcreatedb or rolsuper as may, rolname as "user" from pg_catalog.pg_roles where rolname = current_user',
  )
  if (!may) {
    return {
      status: 'blocker',
      found: `"${user}" may not create databases there`,
      todo: 'Give the role CREATEDB, or create the database yourself.',
      sql: fixes(
        'destination',
        `a role with CREATEROLE and CREATEDB, or ${superuser}`,
        `alter role ${quoteIdentifier(user)} createdb`,
      ),
    }
  }
  try {
    await createDatabaseSql(instance, database)
    return fine('it will be created')
  } catch (error) {
    // The collation's provider is unknown there: the message says what to do.
    return { status: 'blocker', found: errorInfo(error).message }
  }
}

const roleMove = {
  id: 'roles',
  title: 'Roles of the instances',
  why: 'Roles are migrated before the databases: objects of a missing role are owned by the connecting role instead.',
}

/** A mapping continues without them, so nothing of it is a blocker. */
export async function rolesItem(
  roles: Exclude<FleetMapping['roles'], 'none'>,
  instances: { source: ConnectionSettings; destination: ConnectionSettings },
  isManaged: boolean,
  signal: AbortSignal,
): Promise<PreflightItem> {
  try {
    const { status, steps, obstacles, differences, needs_password } = await moveRoles({
      ...instances,
      options: { roles, includeRoles: [], excludeRoles: [], passwords: true },
      ...{ dryRun: true, signal, confirm: () => false },
    })
    const isRefused = status === 'refused'
    const told = isRefused ? [...differences, ...obstacles] : obstacles
    const remaining = [
      ...told.map(({ role, what }) => (role === null ? what : `${role}: ${what}`)),
      ...needs_password.map(({ role, reason }) => `${role}: no password (${reason})`),
    ]
    return itemOf(
      roleMove,
      unless(remaining, `${steps.length} changes will be made`, {
        status: 'warning',
        found: isRefused
          ? 'some roles differ, so none would be changed'
          : 'some settings of roles cannot be migrated',
        todo: 'Run "pgtrek roles --dry-run" for details.',
        // What our role may not, nobody may where a provider keeps the superuser for itself.
        sql: isManaged ? [] : fixes('destination', superuser, ...told.flatMap(({ sql }) => sql ?? [])),
      }),
    )
  } catch (error) {
    if (signal.aborted) throw error
    return itemOf(roleMove, {
      status: 'warning',
      found: `they cannot be migrated to ${describeSettings(instances.destination)}: ${errorInfo(error).message}`,
      todo: 'Connect as a role with the privilege, or create the roles yourself (roles: none).',
    })
  }
}
