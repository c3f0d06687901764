// Plans the statements that add what the destination's roles lack, and lists differences and obstacles. Pure: its
// input is what both servers have and what the user requested.

import { Pattern } from '../../shared/pattern.ts'
import type { RolesReport } from '../../shared/roles.ts'
import { planAttributes } from './plan-attributes.ts'
import { planMemberships } from './plan-memberships.ts'
import { planPasswords } from './plan-passwords.ts'
import { planDatabaseGrants, planParameterGrants, planSettings } from './plan-rights.ts'
import type { Planning, RoleChoices, RoleEnds, RolesPlan } from './planning.ts'
import { Powers } from './powers.ts'
import type { Role } from './read.ts'
import { recogniser } from './recognise.ts'

export function planRoles(ends: RoleEnds, choices: RoleChoices): RolesPlan {
  const planning = prepare(ends, choices)
  const { plan } = planning
  planAttributes(planning)
  planPasswords(planning)
  planMemberships(planning)
  planSettings(planning)
  planDatabaseGrants(planning)
  planParameterGrants(planning)
  plan.roles = verdicts(planning)
  // Differences without a role, like a setting of a new database, do not refuse the plan.
  plan.refused = plan.mode === 'fail' && plan.differences.some(({ role }) => role !== null)
  return plan
}

function prepare(ends: RoleEnds, choices: RoleChoices): Planning {
  const { source, destination } = ends
  const { options } = choices
  const [include, exclude] = [options.includeRoles, options.excludeRoles].map((texts) =>
    texts.map((text) => new Pattern(text, 'name')),
  ) as [Pattern[], Pattern[]]
  const foreignOnSource = recogniser(source.roles.keys(), source.initialSuperuser)
  const foreignThere = recogniser(destination.roles.keys(), destination.initialSuperuser)
  const plan: RolesPlan = {
    mode: options.roles,
    roles: [],
    steps: [],
    differences: [],
    obstacles: [],
    needsPassword: [],
    leftAlone: [],
    warnings: [],
    refused: false,
    unmatched: [],
  }
  const chosen: Role[] = []
  for (const role of source.roles.values()) {
    // Both patterns are always tested, so that unused ones can be reported.
    const isExcluded = matching(exclude, role.name)
    const isIncluded = matching(include, role.name) || include.length === 0
    if (isExcluded || !isIncluded) continue
    const foreign = foreignOnSource(role.name) ?? foreignThere(role.name)
    if (!foreign) chosen.push(role)
    else if (foreign.kind !== 'predefined') plan.leftAlone.push({ role: role.name, reason: foreign.reason })
  }
  plan.unmatched = [...include, ...exclude].filter(({ used }) => !used).map(({ text }) => text)
  const names = new Set(chosen.map(({ name }) => name))
  const made = new Set<string>()
  const powers = new Powers(destination, made)
  if (powers.createRoles() === undefined) {
    for (const name of names) if (!destination.roles.has(name)) made.add(name)
  }
  return {
    ...ends,
    ...choices,
    chosen,
    isChosen: (role) => names.has(role),
    isNew: (role) => made.has(role),
    willExist: (role) => destination.roles.has(role) || made.has(role),
    isWhole: include.length === 0 && exclude.length === 0,
    foreignOnSource,
    powers,
    plan,
  }
}

function matching(patterns: readonly Pattern[], name: string): boolean {
  return patterns.filter((pattern) => pattern.matches(name)).length > 0
}

function verdicts({ chosen, isNew, plan }: Planning): RolesReport['roles'] {
  const changed = new Set(plan.steps.map(({ role }) => role))
  const differing = new Set([...plan.differences, ...plan.obstacles].map(({ role }) => role))
  return chosen.map(({ name, login }) => {
    const there = changed.has(name) ? 'change' : differing.has(name) ? 'keep' : 'same'
    return { name, login, verdict: isNew(name) ? 'create' : there }
  })
}
