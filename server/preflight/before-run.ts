// The preflight before a run: the quick checks, on the sessions of the run. Each warning becomes one line; blockers
// refuse the run and are reported with their fixes.

import type { PreflightItem } from '../../shared/preflight.ts'
import type { MigrationOptions } from '../../shared/request.ts'
import { say } from '../../shared/say.ts'
import { PlanRefused } from '../postgres/errors.ts'
import { checks } from './checks.ts'
import { type PreflightRequest, type PreflightSessions, runChecks } from './preflight.ts'

/** The run as a whole would not work. Nothing was written; the message lists each blocker with its fix. */
export class Blocked extends PlanRefused {
  constructor(readonly blockers: readonly PreflightItem[]) {
    super(describeBlockers(blockers))
  }
}

const quick = checks.filter(({ doctorOnly }) => !doctorOnly)
const reportedByPlan = new Set(checks.filter(({ planned }) => planned).map(({ id }) => id))

/** Returns the warnings that the plan does not report itself. Throws `Blocked`, except for a dry run. */
export async function beforeRun(
  ends: PreflightSessions,
  wanted: PreflightRequest & { options: MigrationOptions },
): Promise<string[]> {
  if (wanted.options.skipPreflight) return []
  const { items } = await runChecks(ends, wanted, quick)
  const blockers = items.filter(({ status }) => status === 'blocker')
  if (blockers.length > 0 && !wanted.options.dryRun) throw new Blocked(blockers)
  const warnings = items.filter(({ status, id }) => status === 'warning' && !reportedByPlan.has(id))
  return [
    ...blockers.map((item) => say`a run would be refused: ${inOneLine(item)}`),
    ...warnings.map(inOneLine),
  ]
}

const fewObjects = 3

/** `pgtrek preflight` prints the details. */
function inOneLine({ title, found, objects, total }: PreflightItem): string {
  const named = objects.slice(0, fewObjects).join('; ')
  const more = total > fewObjects ? ` and ${total - fewObjects} more` : ''
  return `${title}: ${found}${named === '' ? '' : ` (${named}${more})`}`
}

const mostNamed = 20

function describeBlockers(blockers: readonly PreflightItem[]): string {
  const lines = blockers.flatMap(({ title, found, objects, total, todo, sql }) => [
    `${title}: ${found}`,
    ...objects.slice(0, mostNamed).map((name) => `  ${name}`),
    ...(total > mostNamed ? [`  and ${total - mostNamed} more`] : []),
    ...(todo ? [`  ${todo}`] : []),
    ...sql.slice(0, mostNamed).flatMap((statement) => `${statement};`.split('\n').map((line) => `  ${line}`)),
    ...(sql.length > mostNamed
      ? [`  -- and ${sql.length - mostNamed} more statements ("pgtrek preflight --json")`]
      : []),
  ])
  return [
    'the preflight checks found blockers:',
    ...lines.map((line) => `  ${line}`),
    'Nothing was changed. "pgtrek preflight" prints the full report; --skip-preflight starts without the checks',
  ].join('\n')
}
