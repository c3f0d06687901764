// The state of planning roles.

import type {
  RoleDifference,
  RoleMode,
  RoleObstacle,
  RoleOptions,
  RoleStepReport,
  RolesReport,
} from '../../shared/roles.ts'
import type { Powers } from './powers.ts'
import type { InstanceRoles, Role } from './read.ts'
import type { KnownSetting } from './read-rights.ts'
import type { Foreign } from './recognise.ts'

export interface RoleStep {
  kind: RoleStepReport['kind']
  role: string | null
  sql: string
  /** `sql` without secrets. */
  shown: string
  changesExisting: boolean
  /** Roles without which the statement cannot work. */
  needs: string[]
  /** Set for a password, whose statement is made when it is run. */
  password?: 'copied' | 'common'
}

export interface RolesPlan {
  mode: RoleMode
  roles: RolesReport['roles']
  steps: RoleStep[]
  differences: RoleDifference[]
  obstacles: RoleObstacle[]
  needsPassword: RolesReport['needs_password']
  leftAlone: RolesReport['left_alone']
  warnings: string[]
  /** In the mode `fail`: a role differs, so nothing may be done. */
  refused: boolean
  /** Include and exclude patterns that no role has. */
  unmatched: string[]
}

export interface RoleEnds {
  source: InstanceRoles
  destination: InstanceRoles
  /** What the destination knows of settings, by lower-case name. */
  known: ReadonlyMap<string, KnownSetting>
}

export interface RoleChoices {
  options: RoleOptions
  /** For roles whose own password cannot be had. */
  hasCommonPassword: boolean
}

export interface Planning extends RoleEnds, RoleChoices {
  chosen: readonly Role[]
  isChosen(role: string): boolean
  /** Made by this plan. */
  isNew(role: string): boolean
  /** On the destination when the plan is done. */
  willExist(role: string): boolean
  /** Whether the whole instance is selected, including settings and grants that belong to no single role. */
  isWhole: boolean
  foreignOnSource(role: string): Foreign | undefined
  powers: Powers
  plan: RolesPlan
}

/** What the source has and the destination lacks. */
export interface Lack {
  kind: RoleStep['kind']
  role: string | null
  what: string
  source: string
  destination: string
  sql: string
  shown?: string
  needs: string[]
  /** It is added to something that was there before; else it comes with a role of ours. */
  isExisting: boolean
  /** Why it cannot be done. */
  obstacle: string | undefined
}

/** The one place that decides between doing, listing and giving up. */
export function fill({ plan }: Planning, lack: Lack) {
  const { kind, role, what, source, destination, sql, needs, isExisting, obstacle } = lack
  const shown = lack.shown ?? sql
  if (isExisting && plan.mode !== 'merge') {
    plan.differences.push({ role, what, source, destination, sql: shown })
  } else if (obstacle !== undefined) {
    plan.obstacles.push({ role, what, reason: obstacle, sql: shown })
  } else {
    plan.steps.push({ kind, role, sql, shown, needs, changesExisting: isExisting })
  }
}
