// Migrates roles: reads both servers, makes a plan, asks for confirmation, runs it and reports.

import { nearestName } from '../../shared/pattern.ts'
import type { RoleOptions, RoleStepReport, RolesReport } from '../../shared/roles.ts'
import { say } from '../../shared/say.ts'
import { Cancelled, PlanRefused, UsageError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import {
  type ConnectionSettings,
  describeSettings,
  isSocketDirectory,
  serverName,
} from '../postgres/settings.ts'
import { applyRoles, reportOf } from './apply.ts'
import { planRoles } from './plan.ts'
import type { RolesPlan } from './planning.ts'
import { readInstanceRoles } from './read.ts'
import { readKnownSettings } from './read-rights.ts'

export interface RoleMove {
  source: ConnectionSettings
  destination: ConnectionSettings
  options: RoleOptions
  /** For roles whose own password cannot be read. */
  commonPassword?: string | undefined
  dryRun: boolean
  signal: AbortSignal
  onStep?: (step: RoleStepReport) => void
  /** Called before existing roles of the destination are changed; with false nothing is changed. */
  confirm(plan: RolesPlan): boolean | Promise<boolean>
}

export async function moveRoles(move: RoleMove): Promise<RolesReport> {
  const { signal, commonPassword, dryRun, onStep } = move
  await using source = await Session.open(move.source, { signal })
  await using destination = await Session.open(move.destination, { signal })
  const cancel = () => {
    for (const session of [source, destination]) void session.cancel().catch(() => session.destroy())
  }
  signal.addEventListener('abort', cancel, { once: true })
  try {
    await refuseStandby(destination)
    const ends = {
      source: await readInstanceRoles(source),
      destination: await readInstanceRoles(destination),
      known: await readKnownSettings(destination),
    }
    const plan = planRoles(ends, { options: move.options, hasCommonPassword: commonPassword !== undefined })
    refuseUnmatched(plan, [...ends.source.roles.keys()])
    if (plan.steps.some(({ password }) => password !== undefined)) {
      plan.warnings.push(...[source, destination].filter(isOpen).map(openWarning))
    }
    if (plan.refused) return reportRoles(plan, 'refused')
    if (dryRun) return reportRoles(plan, 'planned')
    if (plan.steps.some(({ changesExisting }) => changesExisting) && !(await move.confirm(plan))) {
      throw new PlanRefused(
        say`roles that already exist on the destination would get more rights. Nothing was changed. Confirm with --yes, or keep these roles unchanged with --roles skip.`,
      )
    }
    signal.throwIfAborted()
    const steps = await applyRoles(destination, {
      plan,
      secrets: ends.source.secrets,
      commonPassword,
      signal,
      onStep,
    })
    if (signal.aborted) return reportRoles(plan, 'cancelled', steps)
    const isWhole = steps.every(({ status }) => status === 'done') && plan.obstacles.length === 0
    return reportRoles(plan, isWhole ? 'completed' : 'completed_with_failures', steps)
  } catch (error) {
    if (signal.aborted) throw new Cancelled()
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

export function reportRoles(
  plan: RolesPlan,
  status: RolesReport['status'],
  steps: RoleStepReport[] = plan.steps.map(reportOf),
): RolesReport {
  // The password is still to be set if the server rejected the statement.
  const refused = steps.filter(
    (step) => step.kind === 'password' && (step.status === 'failed' || step.status === 'skipped'),
  )
  return {
    status,
    mode: plan.mode,
    roles: plan.roles,
    steps,
    differences: plan.differences,
    obstacles: plan.obstacles,
    needs_password: [
      ...plan.needsPassword,
      ...refused.map(({ role, error, reason }) => ({
        role: role ?? '',
        reason: error?.message ?? reason ?? say`it was not set`,
      })),
    ],
    left_alone: plan.leftAlone,
    warnings: plan.warnings,
  }
}

/** Others could read what is sent over the connection. */
function isOpen({ encrypted, settings: { host } }: Session): boolean {
  return !encrypted && !isSocketDirectory(host) && !['localhost', '127.0.0.1', '::1'].includes(host)
}

function openWarning({ settings }: Session): string {
  return say`password hashes are sent unencrypted to or from ${serverName(settings)}: use sslmode=require for this server`
}

async function refuseStandby(session: Session) {
  const { standby } = await session.one<{ standby: boolean }>(
    'select pg_catalog.pg_is_in_recovery() as standby',
  )
  if (standby) {
    throw new PlanRefused(
      say`${describeSettings(session.settings)} is a standby, which is read-only: connect to its primary`,
    )
  }
}

function refuseUnmatched({ unmatched }: RolesPlan, names: readonly string[]) {
  if (unmatched.length === 0) return
  const lines = unmatched.map((text) => {
    const near = /[*?"]/.test(text) ? undefined : nearestName(text, names)
    return `there is no role "${text}"${near === undefined ? '' : `: did you mean ${near}?`}`
  })
  throw new UsageError(lines.join('\n'))
}
