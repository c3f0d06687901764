// The output of `pgtrek roles`: what is done, what differs, what cannot be done, and which roles need a password.
import { formatCount } from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import type { RoleStepReport, RolesReport } from '../../../shared/roles.ts'
import type { RolesPlan } from '../../roles/planning.ts'
import type { Style } from './style.ts'

export function roleLines(report: RolesReport, style: Style, isQuiet: boolean): string[] {
  const sections = [
    ...(isQuiet ? [] : [stepLines(report, style), aloneLines(report)]),
    failureLines(report, style),
    differenceLines(report, style),
    obstacleLines(report, style),
    passwordLines(report, style),
    report.warnings.map((warning) => `${style.caution('warning:')} ${printable(warning)}`),
  ].filter((section) => section.length > 0)
  return sections.flatMap((section) => [...section, ''])
}

export function roleVerdict(report: RolesReport, style: Style): string {
  const { status, roles, steps, differences, obstacles, needs_password } = report
  const count = (verdict: string) => roles.filter((role) => role.verdict === verdict).length
  const parts = [
    formatCount(roles.length, 'role'),
    `${count('create')} new`,
    `${count('change')} with additional rights`,
    formatCount(differences.length, 'difference'),
    ...(obstacles.length > 0 ? [`${formatCount(obstacles.length, 'change')} that pgtrek cannot make`] : []),
    ...(needs_password.length > 0 ? [`${formatCount(needs_password.length, 'password')} to be set`] : []),
  ]
  const failed = steps.filter((step) => step.status === 'failed').length
  switch (status) {
    case 'planned':
      return `${style.bold('Dry run: nothing was written.')} ${parts.join(', ')}.`
    case 'refused':
      return `${style.bad('Refused: roles differ (--roles fail). Nothing was written.')} ${parts.join(', ')}.`
    case 'cancelled':
      return `${style.caution('Cancelled')} after ${formatCount(doneSteps(steps), 'statement')}; run it again to continue.`
    case 'completed':
      return `${style.good('Done')}: ${formatCount(doneSteps(steps), 'statement')}; ${parts.join(', ')}.`
    case 'completed_with_failures':
      return `${style.bad('Incomplete')}: ${formatCount(doneSteps(steps), 'statement')} done, ${failed} failed; ${parts.join(', ')}.`
  }
}

/** For the question before a run. */
export function changeLines({ steps }: RolesPlan): string[] {
  const changes = steps.filter(({ changesExisting }) => changesExisting)
  const shown = changes.slice(0, 20).map(({ shown }) => `  ${printable(shown)}`)
  const more = changes.length > shown.length ? [`  and ${changes.length - shown.length} more`] : []
  return ['Existing roles and objects of the destination that get additional rights:', ...shown, ...more]
}

function doneSteps(steps: readonly RoleStepReport[]): number {
  return steps.filter(({ status }) => status === 'done').length
}

function stepLines({ steps, status }: RolesReport, style: Style): string[] {
  const isPlan = status === 'planned' || status === 'refused'
  if (steps.length === 0) return ['Nothing is missing on the destination.']
  const shown = steps.filter((step) => isPlan || step.status === 'done')
  return shown.map(({ sql }) => `${isPlan ? '' : `${style.good(style.signs.done)} `}${printable(sql)};`)
}

function aloneLines({ left_alone }: RolesReport): string[] {
  return left_alone.map(({ role, reason }) => `unchanged: ${printable(role)}, ${reason}`)
}

function failureLines({ steps }: RolesReport, style: Style): string[] {
  return steps.flatMap(({ status, sql, error, reason }) => {
    if (status === 'skipped') return [`${style.caution('skipped:')} ${printable(`${sql}: ${reason}`)}`]
    if (status !== 'failed' || !error) return []
    const words = `${error.message}${error.sqlstate ? ` (SQLSTATE ${error.sqlstate})` : ''}`
    return [
      `${style.bad('failed:')} ${printable(`${sql}: ${words}`)}`,
      ...[error.detail, error.hint].flatMap((text) => (text ? [`  ${printable(text)}`] : [])),
    ]
  })
}

function differenceLines({ differences, status }: RolesReport, style: Style): string[] {
  if (differences.length === 0) return []
  const title =
    status === 'refused'
      ? 'Differences that need a decision:'
      : 'Differences that are kept as they are on the destination:'
  return [
    style.bold(title),
    ...differences.flatMap(({ role, what, source, destination, sql }) => [
      `  ${printable(`${ofRole(role)}${what}: ${source} on the source, ${destination} on the destination`)}`,
      ...(sql === null ? [] : [style.dim(`    ${printable(sql)};`)]),
    ]),
  ]
}

function obstacleLines({ obstacles }: RolesReport, style: Style): string[] {
  if (obstacles.length === 0) return []
  return [
    style.bold('Changes that pgtrek cannot make:'),
    ...obstacles.flatMap(({ role, what, reason, sql }) => [
      `  ${printable(`${ofRole(role)}${what}: ${reason}`)}`,
      ...(sql === null ? [] : [style.dim(`    ${printable(sql)};`)]),
    ]),
  ]
}

function passwordLines({ needs_password }: RolesReport, style: Style): string[] {
  if (needs_password.length === 0) return []
  return [
    style.bold('Roles that can log in and need a password:'),
    ...needs_password.map(({ role, reason }) => `  ${printable(`${role}: ${reason}`)}`),
  ]
}

function ofRole(role: string | null): string {
  return role === null ? '' : `${role}: `
}
