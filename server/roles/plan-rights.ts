// Plans settings of roles and databases, and the grants that a dump of a database does not contain: on databases and
// parameters.
import { say } from '../../shared/say.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { fill, type Planning } from './planning.ts'
import {
  type DatabaseGrant,
  type ParameterGrant,
  parameterGrantsSince,
  type RoleSetting,
} from './read-rights.ts'
import { alterSetting, isSecretSetting, settingName, shownSetting, toWhom } from './statements.ts'

/** Databases that are never copied or that belong to the server. */
const ownDatabases = new Set([
  ...['template0', 'template1'],
  ...['rdsadmin', 'cloudsqladmin', 'alloydbadmin', 'azure_maintenance', 'azure_sys'],
])

/**
 * The database of the destination that corresponds to one of the source. The two connected databases correspond to
 * each other.
 */
function databaseFor({ source, destination }: Planning, name: string): string | undefined {
  if (name === source.database) return destination.database
  if (name === destination.database || ownDatabases.has(name)) return undefined
  return destination.databases.has(name) ? name : undefined
}

export function planSettings(planning: Planning) {
  const { source, destination, plan } = planning
  const there = new Map(destination.settings.map((one) => [settingKey(one), one.value]))
  const elsewhere = new Set<string>()
  for (const setting of source.settings) {
    const { role, database } = setting
    if (role === null ? !planning.isWhole : !planning.isChosen(role) || !planning.willExist(role)) continue
    const target = database === null ? null : databaseFor(planning, database)
    if (target === undefined) {
      if (database !== null && !ownDatabases.has(database)) elsewhere.add(database)
      continue
    }
    const wanted = { ...setting, database: target }
    const value = there.get(settingKey(wanted))
    if (value === setting.value) continue
    const hide = (text: string) => (isSecretSetting(setting.name) ? '********' : text)
    const texts = {
      role,
      what: `setting ${setting.name}${target === null ? '' : ` in database "${target}"`}`,
      source: hide(setting.value),
      destination: value === undefined ? 'none' : hide(value),
    }
    if (value !== undefined) {
      plan.differences.push({ ...texts, sql: shownSetting(wanted) })
      continue
    }
    fill(planning, {
      ...texts,
      kind: 'setting',
      sql: alterSetting(wanted),
      shown: shownSetting(wanted),
      needs: role === null ? [] : [role],
      isExisting: role === null || destination.roles.has(role),
      obstacle: cannotSet(planning, wanted),
    })
  }
  if (elsewhere.size > 0) {
    const names = [...elsewhere].map((name) => `"${name}"`).join(', ')
    plan.warnings.push(
      say`settings in ${names} are not migrated: the destination does not have these databases yet (run this again when they exist)`,
    )
  }
}

function cannotSet(
  { destination, known, powers }: Planning,
  { role, database, name }: RoleSetting,
): string | undefined {
  const { self, major } = destination
  if (role !== null) {
    const cannot = powers.alter(role)
    if (cannot !== undefined) return cannot
  } else if (database !== null) {
    const cannot = powers.changeDatabase(database)
    if (cannot !== undefined) return cannot
  } else if (!self.superuser) {
    return say`only a superuser may set it for all roles, and "${self.name}" is not a superuser on the destination`
  }
  const setting = known.get(name.toLowerCase())
  // Settings with a dot in the name belong to extensions or applications. Others may be hidden from this role.
  if (!setting) {
    return name.includes('.') || !self.superuser
      ? undefined
      : say`PostgreSQL ${major} on the destination does not have this setting`
  }
  return setting.maySet ? undefined : say`"${self.name}" may not set it on the destination`
}

export function planDatabaseGrants(planning: Planning) {
  const { source, destination, plan, powers } = planning
  const there = new Map(destination.databaseGrants.map((one) => [grantKey(one), one]))
  const wantedKeys = new Set<string>()
  for (const grant of source.databaseGrants) {
    const database = databaseFor(planning, grant.database)
    if (database === undefined) continue
    const wanted = { ...grant, database }
    wantedKeys.add(grantKey(wanted))
    const existing = there.get(grantKey(wanted))
    if (existing && (existing.grantable || !wanted.grantable)) continue
    const { grantee, privilege, grantable } = wanted
    if (grantee === destination.databases.get(database)?.owner) continue
    const sql = `grant ${privilege.toLowerCase()} on database ${quoteIdentifier(database)} to ${toWhom(grantee)}${grantable ? ' with grant option' : ''}`
    const texts = {
      role: grantee,
      what: `${privilege} on database "${database}"`,
      source: shownGrant(grantable),
      destination: existing ? shownGrant(existing.grantable) : 'no',
    }
    if (grantee === null) {
      // CONNECT may have been revoked on purpose.
      if (planning.isWhole) plan.differences.push({ ...texts, what: `${texts.what} for PUBLIC`, sql })
      continue
    }
    if (!isMeant(planning, grantee)) continue
    fill(planning, {
      ...texts,
      kind: 'database_grant',
      sql,
      needs: [grantee],
      isExisting: destination.roles.has(grantee),
      obstacle: powers.changeDatabase(database),
    })
  }
  const databases = new Set([...source.databases.keys()].map((name) => databaseFor(planning, name)))
  for (const { database, grantee, privilege, grantable } of destination.databaseGrants) {
    if (!databases.has(database) || wantedKeys.has(grantKey({ database, grantee, privilege }))) continue
    if (grantee === null ? !planning.isWhole : !planning.isChosen(grantee)) continue
    // On the source the owner has the right without a grant.
    if (grantee !== null && ownsCounterpart(planning, database, grantee)) continue
    plan.differences.push({
      role: grantee,
      what: `${privilege} on database "${database}"${grantee === null ? ' for PUBLIC' : ''}`,
      source: 'no',
      destination: shownGrant(grantable),
      sql: `revoke ${privilege.toLowerCase()} on database ${quoteIdentifier(database)} from ${toWhom(grantee)}`,
    })
  }
}

function ownsCounterpart(planning: Planning, database: string, role: string): boolean {
  const { source } = planning
  return [...source.databases].some(
    ([name, { owner }]) => owner === role && databaseFor(planning, name) === database,
  )
}

export function planParameterGrants(planning: Planning) {
  const { source, destination, powers, known } = planning
  const there = new Map(destination.parameterGrants.map((one) => [parameterKey(one), one]))
  for (const grant of source.parameterGrants) {
    const { parameter, grantee, privilege, grantable } = grant
    if (grantee === null ? !planning.isWhole : !isMeant(planning, grantee)) continue
    const existing = there.get(parameterKey(grant))
    if (existing && (existing.grantable || !grantable)) continue
    const tooOld =
      destination.major < parameterGrantsSince
        ? say`PostgreSQL ${destination.major} does not support grants on parameters`
        : !parameter.includes('.') && destination.self.superuser && !known.has(parameter.toLowerCase())
          ? say`PostgreSQL ${destination.major} on the destination does not have this setting`
          : undefined
    fill(planning, {
      kind: 'parameter_grant',
      role: grantee,
      what: `${privilege} on parameter ${parameter}`,
      source: shownGrant(grantable),
      destination: existing ? shownGrant(existing.grantable) : 'no',
      sql: `grant ${privilege.toLowerCase()} on parameter ${settingName(parameter)} to ${toWhom(grantee)}${grantable ? ' with grant option' : ''}`,
      needs: grantee === null ? [] : [grantee],
      isExisting: grantee === null || destination.roles.has(grantee),
      obstacle: tooOld ?? powers.grantParameters(),
    })
  }
}

function isMeant(planning: Planning, role: string): boolean {
  return planning.isChosen(role) && planning.willExist(role)
}

function shownGrant(grantable: boolean): string {
  return grantable ? 'yes, with grant option' : 'yes'
}

function settingKey({ role, database, name }: RoleSetting): string {
  return JSON.stringify([role, database, name.toLowerCase()])
}

function grantKey({ database, grantee, privilege }: Omit<DatabaseGrant, 'grantable'>): string {
  return JSON.stringify([database, grantee, privilege])
}

function parameterKey({ parameter, grantee, privilege }: ParameterGrant): string {
  return JSON.stringify([parameter, grantee, privilege])
}
