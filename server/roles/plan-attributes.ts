// Plans roles that are missing on the destination, and attributes, comments and labels that its roles lack.
import { fill, type Planning } from './planning.ts'
import { type Attribute, attributes, type Role } from './read.ts'
import { alterRole, attributeWord, commentOnRole, createRole, labelRole } from './statements.ts'

export function planAttributes(planning: Planning) {
  const { chosen, destination } = planning
  // All roles come first, since later statements may name any of them.
  for (const role of chosen) if (!destination.roles.has(role.name)) planNew(planning, role)
  for (const role of chosen) {
    const there = destination.roles.get(role.name)
    if (there) planChanges(planning, role, there)
    planWords(planning, role, there)
  }
}

function planNew(planning: Planning, role: Role) {
  const { plan, powers } = planning
  const wanted = attributes.filter((attribute) => attribute !== 'inherit' && role[attribute])
  const given = wanted.filter((attribute) => powers.give(attribute) === undefined)
  const cannot = powers.createRoles()
  if (cannot !== undefined) {
    const sql = createRole(role, wanted)
    plan.obstacles.push({ role: role.name, what: 'the role', reason: cannot, sql })
    return
  }
  const sql = createRole(role, given)
  plan.steps.push({ kind: 'create', role: role.name, sql, shown: sql, changesExisting: false, needs: [] })
  for (const attribute of wanted) refuse(planning, role, attribute)
}

function refuse({ plan, powers }: Planning, { name }: Role, attribute: Attribute) {
  const reason = powers.give(attribute)
  if (reason === undefined) return
  const word = attributeWord(attribute, true)
  plan.obstacles.push({ role: name, what: word.toUpperCase(), reason, sql: alterRole(name, word) })
}

function planChanges(planning: Planning, role: Role, there: Role) {
  const { plan, powers } = planning
  const { name } = role
  const differ = (what: string, source: string, destination: string, words: string) =>
    plan.differences.push({ role: name, what, source, destination, sql: alterRole(name, words) })

  for (const attribute of attributes) {
    if (role[attribute] === there[attribute]) continue
    const word = attributeWord(attribute, role[attribute])
    const [source, destination] = [role[attribute], there[attribute]].map((has) =>
      attributeWord(attribute, has).toUpperCase(),
    )
    const what = attributeWord(attribute, true).toUpperCase()
    // A role does not become a superuser because a role of the same name is one on the source.
    if (!role[attribute] || attribute === 'superuser') {
      differ(what, source as string, destination as string, word)
      continue
    }
    fill(planning, {
      kind: 'alter',
      role: name,
      what,
      source: source as string,
      destination: destination as string,
      sql: alterRole(name, word),
      needs: [name],
      isExisting: true,
      obstacle: powers.alter(name) ?? powers.give(attribute),
    })
  }
  if (role.connectionLimit !== there.connectionLimit) {
    const [source, destination] = [role, there].map(({ connectionLimit: limit }) =>
      limit === -1 ? 'none' : `${limit}`,
    )
    differ(
      'connection limit',
      source as string,
      destination as string,
      `connection limit ${role.connectionLimit}`,
    )
  }
  if (role.validUntil !== there.validUntil) {
    const [source, destination] = [role, there].map(({ validUntil }) => validUntil ?? 'not set')
    differ(
      'valid until',
      source as string,
      destination as string,
      `valid until '${role.validUntil ?? 'infinity'}'`,
    )
  }
}

function planWords(planning: Planning, role: Role, there: Role | undefined) {
  const { plan, powers, willExist } = planning
  const { name, comment, labels } = role
  if (!willExist(name)) return
  const common = { role: name, needs: [name], isExisting: there !== undefined, obstacle: powers.alter(name) }
  if (comment !== null && comment !== there?.comment) {
    const sql = commentOnRole(role)
    const isMissing = !there || there.comment === null
    const texts = { what: 'comment', source: comment, destination: there?.comment ?? 'none' }
    if (isMissing) fill(planning, { ...common, ...texts, kind: 'comment', sql })
    else plan.differences.push({ role: name, ...texts, sql })
  }
  for (const label of labels) {
    const other = there?.labels.find(({ provider }) => provider === label.provider)
    if (other?.label === label.label) continue
    const sql = labelRole(name, label)
    const texts = {
      what: `security label of ${label.provider}`,
      source: label.label,
      destination: other?.label ?? 'none',
    }
    if (other) plan.differences.push({ role: name, ...texts, sql })
    else fill(planning, { ...common, ...texts, kind: 'label', sql })
  }
}
