// The SQL of a step for display: without unnecessary quotes, and without the secrets that definitions can contain.

import type { RowsPart } from '../copy/lane-messages.ts'
import { shownBatch, stagingStatement } from '../copy/merge.ts'
import { disableTriggers, dropForeignKey, orphansQuery } from '../migrate/plan/foreign-keys.ts'
import type { Step, Work } from '../migrate/plan/step.ts'
import { withPlainNames } from '../schema/plain-names.ts'

/** Empty for work whose SQL depends on values that are not read yet. */
export function stepSql(step: Step): string[] {
  return sqlOf(step.work).map((statement) => withoutSecrets(statement, step.info.kind))
}

function sqlOf(work: Work): string[] {
  switch (work.kind) {
    case 'sql':
      return [...work.statements, ...work.extras].map((statement) => withPlainNames(statement))
    case 'copy':
    case 'copy together':
      return work.parts.flatMap((part) =>
        part.kind === 'rows' ? [...(part.empties?.statements ?? []), part.copyOut, ...writing(part)] : [],
      )
    case 'drop':
      return work.targets.map(({ type, identity }) => `drop ${type} if exists ${identity} cascade`)
    case 'release':
      return [...work.triggers.map(disableTriggers), ...work.foreignKeys.map(dropForeignKey)]
    case 'check':
      return [orphansQuery(work.foreignKey)]
    case 'hook':
      return 'sql' in work.hook.run ? [work.hook.run.sql] : []
    default:
      return []
  }
}

/** Rows that may collide go into a temporary table first, and from there into the table. */
function writing({ copyIn, merge, format }: RowsPart): string[] {
  return merge ? [stagingStatement(merge), shownBatch(merge, format)] : [copyIn]
}

const secretive: ReadonlySet<string> = new Set(['SUBSCRIPTION', 'SERVER', 'USER MAPPING', 'FOREIGN TABLE'])

/** Connections of subscriptions and options of foreign servers contain passwords. */
function withoutSecrets(statement: string, kind: string): string {
  if (!secretive.has(kind)) return statement
  return statement
    .replaceAll(/(\bconnection\s+)E?'(?:[^']|'')*'/gi, "$1'...'")
    .replaceAll(/((?:\w*(?:pass|secret|token|key)\w*)"?\s+)E?'(?:[^']|'')*'/gi, "$1'...'")
}
