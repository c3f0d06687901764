// Plans memberships, with the options that the destination's major supports.
import { say } from '../../shared/say.ts'
import { fill, type Planning } from './planning.ts'
import { type Membership, membershipOptionsSince } from './read.ts'
import { grantMembership } from './statements.ts'

export function planMemberships(planning: Planning) {
  const { source, destination, isChosen, plan } = planning
  const there = new Map(destination.memberships.map((one) => [keyOf(one), one]))
  const ours = new Set(source.memberships.map(keyOf))
  for (const membership of source.memberships) {
    if (isChosen(membership.member)) planOne(planning, membership, there.get(keyOf(membership)))
  }
  for (const membership of destination.memberships) {
    const { role, member } = membership
    // The creator of a role is its administrator anyway, also of roles created earlier.
    if (!isChosen(member) || ours.has(keyOf(membership)) || member === destination.self.name) continue
    plan.differences.push({
      role: member,
      what: `member of "${role}"`,
      source: 'no',
      destination: describe(membership),
      sql: null,
    })
  }
}

function planOne(planning: Planning, wanted: Membership, existing: Membership | undefined) {
  const { plan, destination, willExist, powers } = planning
  const { role, member } = wanted
  const what = `member of "${role}"`
  const lacking = withoutRole(planning, wanted)
  if (lacking !== undefined) {
    plan.obstacles.push({ role: member, what, reason: lacking, sql: null })
    return
  }
  if (!willExist(member)) return
  const hasOptions = destination.major >= membershipOptionsSince
  const differing = hasOptions
    ? (['admin', 'inherit', 'set'] as const).filter((option) => existing?.[option] !== wanted[option])
    : (['admin'] as const).filter((option) => existing?.[option] !== wanted[option])
  if (existing && differing.length === 0) return
  const texts = {
    role: member,
    what,
    source: describe(wanted),
    destination: existing ? describe(existing) : 'no',
  }
  const more = differing.filter((option) => wanted[option])
  if (existing && more.length < differing.length) {
    plan.differences.push({ ...texts, sql: grantMembership(wanted, destination.major) })
    if (more.length === 0) return
  }
  if (!hasOptions) {
    if (!wanted.set) {
      plan.obstacles.push({
        ...{ role: member, what },
        reason: say`PostgreSQL ${destination.major} cannot grant it without the right to SET ROLE, so the member would get more rights than on the source`,
        sql: grantMembership(wanted, destination.major),
      })
      return
    }
    if (wanted.inherit !== planning.source.roles.get(member)?.inherit) {
      plan.warnings.push(
        wanted.inherit
          ? say`"${member}" is a member of "${role}" and inherits its rights: before PostgreSQL 16 this is set for all memberships together, by NOINHERIT of "${member}"`
          : say`"${member}" is a member of "${role}" but does not inherit its rights: before PostgreSQL 16 this is set for all memberships together, by INHERIT of "${member}"`,
      )
    }
  }
  const granted = existing ? union(existing, wanted) : wanted
  fill(planning, {
    ...texts,
    kind: 'membership',
    sql: grantMembership(granted, destination.major),
    needs: [role, member],
    isExisting: destination.roles.has(member),
    obstacle: powers.grant(role),
  })
}

/** The reason why the granted role will not exist. */
function withoutRole(planning: Planning, { role }: Membership): string | undefined {
  const { source, destination, isChosen, willExist, foreignOnSource } = planning
  const foreign = foreignOnSource(role)
  if (foreign?.kind === 'initial' && destination.initialSuperuser !== role) {
    return say`"${role}" is the initial superuser of the source; on the destination that is "${destination.initialSuperuser}"`
  }
  // Where a provider runs the server, the role postgres is not a superuser; elsewhere it is.
  if (destination.roles.get(role)?.superuser && !source.roles.get(role)?.superuser) {
    return say`"${role}" is a superuser on the destination but not on the source: its members would get more rights than on the source`
  }
  if (willExist(role)) return undefined
  if (foreign?.kind === 'predefined') return say`PostgreSQL ${destination.major} does not have this role`
  if (foreign) return say`it is ${foreign.reason} on the source, and the destination has no role of this name`
  return isChosen(role)
    ? say`the role that it is a member of cannot be created`
    : say`"${role}" is not selected, and the destination has no role of this name (source: PostgreSQL ${source.major})`
}

function union(one: Membership, other: Membership): Membership {
  return {
    ...one,
    admin: one.admin || other.admin,
    inherit: one.inherit || other.inherit,
    set: one.set || other.set,
  }
}

function describe({ admin, inherit, set }: Membership): string {
  const words = [...(admin ? ['admin'] : []), ...(inherit ? ['inherit'] : []), ...(set ? ['set'] : [])]
  return words.length > 0 ? `yes, with ${words.join(', ')}` : 'yes, without options'
}

function keyOf({ role, member }: Membership): string {
  return JSON.stringify([role, member])
}
