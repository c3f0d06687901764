// Preflight checks of the instances of a fleet: whether databases can be created and roles can be migrated.

import type { FleetMapping } from '../../shared/fleet.ts'
import type { PreflightItem } from '../../shared/preflight.ts'
import { say } from '../../shared/say.ts'
import { errorInfo } from '../postgres/errors.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'
import { type Finding, findingFor, itemOf, passed } from '../preflight/check.ts'
import { fixes, superuser } from '../preflight/fix.ts'
import { moveRoles } from '../roles/move.ts'
import { createDatabaseSql, type DestinationState, type InstanceDatabase } from './instance.ts'

const making = {
  id: 'database',
  title: say`The database on the destination`,
  why: say`A fleet creates each database with the settings of the source, and changes no existing database that it did not create.`,
}

/** Reports whether the database can be created, or what exists under its name. */
export async function makingItem(
  instance: Session,
  database: InstanceDatabase,
  arrival: DestinationState,
): Promise<PreflightItem> {
  return itemOf(making, arrival === 'missing' ? await toBeMade(instance, database) : found(arrival))
}

function found(arrival: Exclude<DestinationState, 'missing'>): Finding {
  switch (arrival) {
    case 'occupied':
      return {
        status: 'blocker',
        found: say`it exists and is not empty`,
        todo: say`Empty it, rename it, or exclude it from the mapping.`,
      }
    case 'empty':
      return passed(say`it exists and is empty`)
    case 'copying':
      return passed(say`a copy was interrupted: it will be copied again`)
    case 'copied':
      return passed(say`it is copied already: no further checks`)
    case 'switched':
      return passed(say`it is switched over: no further checks`)
    case 'returned':
      return passed(say`it was switched over and has returned to the source: no further checks`)
    case 'complete':
      return passed(say`it is marked complete: no further checks`)
  }
}

async function toBeMade(instance: Session, database: InstanceDatabase): Promise<Finding> {
  const { may, user } = await instance.one<{ may: boolean; user: string }>(
    'select rolcreatedb or rolsuper as may, rolname as "user" from pg_catalog.pg_roles where rolname = current_user',
  )
  if (!may) {
    return {
      status: 'blocker',
      found: say`"${user}" may not create databases there`,
      todo: say`Give the role CREATEDB, or create the database yourself.`,
      sql: fixes(
        'destination',
        say`a role with CREATEROLE and CREATEDB, or ${superuser}`,
        `alter role ${quoteIdentifier(user)} createdb`,
      ),
    }
  }
  try {
    await createDatabaseSql(instance, database)
    return passed(say`it will be created`)
  } catch (error) {
    // The destination does not support the collation's provider; the message has the instruction.
    return { status: 'blocker', found: errorInfo(error).message }
  }
}

const roleMove = {
  id: 'roles',
  title: say`Roles of the instances`,
  why: say`Roles are migrated before the databases: objects of a missing role are owned by the connecting role instead.`,
}

/** Never a blocker: a mapping continues without roles. */
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
    const reported = isRefused ? [...differences, ...obstacles] : obstacles
    const remaining = [
      ...reported.map(({ role, what }) => (role === null ? what : `${role}: ${what}`)),
      ...needs_password.map(({ role, reason }) => say`${role}: no password (${reason})`),
    ]
    return itemOf(
      roleMove,
      findingFor(remaining, say`${steps.length} changes will be made`, {
        status: 'warning',
        found: isRefused
          ? say`some roles differ, so none would be changed`
          : say`some settings of roles cannot be migrated`,
        todo: say`Run "pgtrek roles --dry-run" for details.`,
        // On a provider's server there is no user with more rights than the connecting role.
        sql: isManaged ? [] : fixes('destination', superuser, ...reported.flatMap(({ sql }) => sql ?? [])),
      }),
    )
  } catch (error) {
    if (signal.aborted) throw error
    return itemOf(roleMove, {
      status: 'warning',
      found: say`they cannot be migrated to ${describeSettings(instances.destination)}: ${errorInfo(error).message}`,
      todo: say`Connect as a role with the privilege, or create the roles yourself (roles: none).`,
    })
  }
}
