// Plans which roles get which password, and lists those without one. An existing password is never replaced.

import { say } from '../../shared/say.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Planning } from './planning.ts'
import type { Role } from './read.ts'

/** https://www.postgresql.org/docs/18/release-18.html */
const md5DeprecatedSince = 18

export function planPasswords(planning: Planning) {
  const { chosen, source, destination, options, plan, willExist } = planning
  const md5: string[] = []
  const unknown: string[] = []
  for (const role of chosen) {
    if (!willExist(role.name)) continue
    if (role.login && options.passwords && isUnknown(planning, role.name)) unknown.push(role.name)
    const outcome = passwordFor(planning, role)
    if ('reason' in outcome) {
      if (outcome.reason && role.login) plan.needsPassword.push({ role: role.name, reason: outcome.reason })
      continue
    }
    plan.steps.push({
      kind: 'password',
      role: role.name,
      sql: '',
      shown: `alter role ${quoteIdentifier(role.name)} password '********'`,
      changesExisting: destination.roles.has(role.name),
      needs: [role.name],
      password: outcome.password,
    })
    if (outcome.password === 'copied' && source.secrets.kindOf(role.name) === 'md5') md5.push(role.name)
  }
  if (md5.length > 0) {
    const ending =
      destination.major >= md5DeprecatedSince
        ? say`; PostgreSQL ${destination.major} still accepts it, but a future version will not: set a new password`
        : ''
    plan.warnings.push(
      md5.length === 1
        ? say`${listed(md5)} has its password as MD5: such a password works only if pg_hba.conf has md5, not scram-sha-256, and only while the role keeps its name${ending}`
        : say`${listed(md5)} have their passwords as MD5: such a password works only if pg_hba.conf has md5, not scram-sha-256, and only while the role keeps its name${ending}`,
    )
  }
  if (unknown.length > 0) {
    plan.warnings.push(
      unknown.length === 1
        ? say`cannot check whether ${listed(unknown)} has the same password on the destination: the role already existed, and its password is kept`
        : say`cannot check whether ${listed(unknown)} have the same password on the destination: the roles already existed, and their passwords are kept`,
    )
  }
  if (!source.secrets.readable && options.passwords && chosen.some(({ login }) => login)) {
    plan.warnings.push(
      planning.hasCommonPassword
        ? say`"${source.self.name}" may not read passwords on the source (pg_authid): new roles get the common password`
        : say`"${source.self.name}" may not read passwords on the source (pg_authid): new roles have none`,
    )
  }
}

/** The role exists, and its password cannot be compared. */
function isUnknown({ source, destination, isNew }: Planning, name: string): boolean {
  const [ours, theirs] = [source.secrets.kindOf(name), destination.secrets.kindOf(name)]
  return !isNew(name) && ours !== 'none' && (ours === 'unknown' || theirs === 'unknown')
}

type Outcome = { password: 'copied' | 'common' } | { reason: string | undefined }

function passwordFor(planning: Planning, { name, login }: Role): Outcome {
  const { source, destination, options, plan, powers, isNew, hasCommonPassword } = planning
  const kind = source.secrets.kindOf(name)
  if (!isNew(name)) {
    const there = destination.secrets.kindOf(name)
    if (kind === 'none' || kind === 'unknown' || there === 'unknown') return { reason: undefined }
    if (source.secrets.isSame(name, destination.secrets)) return { reason: undefined }
    const isMissing = there === 'none'
    if (!isMissing || plan.mode !== 'merge' || !options.passwords) {
      plan.differences.push({
        role: name,
        what: 'password',
        source: kind,
        destination: isMissing ? 'none' : say`a different one (${there})`,
        sql: null,
      })
      return { reason: isMissing ? say`it has none on the destination` : undefined }
    }
  }
  if (kind === 'none') return { reason: undefined }
  if (!options.passwords) return { reason: say`passwords are not migrated (--no-passwords)` }
  const cannot = powers.alter(name)
  if (cannot !== undefined) return { reason: cannot }
  if (kind === 'plain')
    return { reason: say`the source stores it in a format that no supported server accepts` }
  if (kind !== 'unknown') return { password: 'copied' }
  if (login && hasCommonPassword) return { password: 'common' }
  return { reason: say`"${source.self.name}" may not read it on the source` }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`)
  return names.length > 5 ? `${shown.join(', ')} and ${names.length - 5} more` : shown.join(', ')
}
