// Runs the statements of a plan one by one. After a failure, statements that need the failed one are skipped.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { RoleStepReport } from '../../shared/roles.ts'
import { say } from '../../shared/say.ts'
import { errorInfo, isLost } from '../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import { saslprep } from '../postgres/saslprep.ts'
import type { Session } from '../postgres/session.ts'
import type { RoleStep, RolesPlan } from './planning.ts'
import type { Secrets } from './secrets.ts'

export interface RoleWork {
  plan: RolesPlan
  secrets: Secrets
  /** Hashed here before anything is sent. */
  commonPassword: string | undefined
  signal: AbortSignal
  onStep?: ((step: RoleStepReport) => void) | undefined
}

export async function applyRoles(destination: Session, work: RoleWork): Promise<RoleStepReport[]> {
  const reports: RoleStepReport[] = []
  const missing = new Set<string>()
  let ended: string | undefined
  await hidePasswords(destination)
  for (const step of work.plan.steps) {
    if (work.signal.aborted) ended ??= 'cancelled'
    const lacking = step.needs.find((role) => missing.has(role))
    const reason =
      ended ?? (lacking === undefined ? undefined : say`the role "${lacking}" could not be created`)
    const report: RoleStepReport = { ...reportOf(step), ...(reason && { status: 'skipped', reason }) }
    if (reason === undefined) {
      try {
        await destination.execute(statementOf(step, work))
        report.status = 'done'
      } catch (error) {
        report.status = 'failed'
        report.error = errorInfo(error)
        if (isLost(error)) ended = say`the connection to the destination was lost before this step`
      }
    }
    if (step.kind === 'create' && report.status !== 'done' && step.role !== null) missing.add(step.role)
    reports.push(report)
    work.onStep?.(report)
  }
  return reports
}

function statementOf({ password, role, sql }: RoleStep, { secrets, commonPassword }: RoleWork): string {
  if (password === undefined || role === null) return sql
  const secret =
    password === 'copied' ? secrets.hashOf(role) : commonPassword && scramVerifier(commonPassword)
  if (!secret) throw new Error(say`the plan sets a password for "${role}", but there is none to set`)
  return `alter role ${quoteIdentifier(role)} password ${quoteLiteral(secret)}`
}

/** Keeps hashes out of the server's log, which only a superuser can do. */
async function hidePasswords(session: Session) {
  const { superuser } = await session.one<{ superuser: boolean }>(
    'select rolsuper as superuser from pg_catalog.pg_roles where rolname = current_user',
  )
  if (superuser) await session.execute(quiet)
}

const quiet = `
  set log_statement = 'none';
  set log_min_duration_statement = -1;
  set log_min_error_statement = 'panic';
`

export function reportOf({ kind, role, shown, changesExisting }: RoleStep): RoleStepReport {
  return { kind, role, sql: shown, changes_existing: changesExisting, status: 'planned' }
}

/** The default of scram_iterations. */
const iterations = 4096

/**
 * Computes a password verifier as the server stores it, so that the password itself is neither sent nor written to a
 * log. https://www.postgresql.org/docs/current/catalog-pg-authid.html, RFC 5802
 */
function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(saslprep(password), salt, iterations, 32, 'sha256')
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest()
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64')
  const server = hmac('Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`
}
