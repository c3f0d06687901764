// What all parts of the plan of roles share.

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
  /** Roles that must exist before the statement. */
  needs: string[]
  /** Set for a password: its statement is made when it is run. */
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
  /** In the mode `fail`: roles differ, so nothing is done. */
  refused: boolean
  /** Include and exclude patterns that match no role. */
  unmatched: string[]
}

export interface RoleEnds {
  source: InstanceRoles
  destination: InstanceRoles
  /** Settings of the destination, by lower-case name. */
  known: ReadonlyMap<string, KnownSetting>
}

export interface RoleChoices {
  options: RoleOptions
  /** There is a password for roles whose own cannot be read. */
  hasCommonPassword: boolean
}

export interface Planning extends RoleEnds, RoleChoices {
  chosen: readonly Role[]
  isChosen(role: string): boolean
  /** Created by this plan. */
  isNew(role: string): boolean
  /** On the destination after the plan. */
  willExist(role: string): boolean
  /** The whole instance is selected, including settings and grants without a role. */
  isWhole: boolean
  foreignOnSource(role: string): Foreign | undefined
  powers: Powers
  plan: RolesPlan
}

/** Something that the source has and the destination lacks. */
export interface Lack {
  kind: RoleStep['kind']
  role: string | null
  what: string
  source: string
  destination: string
  sql: string
  shown?: string
  needs: string[]
  /** The role existed before this plan. */
  isExisting: boolean
  /** The reason why it cannot be done. */
  obstacle: string | undefined
}

/** Decides for each missing thing whether it becomes a statement, a listed difference or an obstacle. */
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
