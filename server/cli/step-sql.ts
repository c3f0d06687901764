// The SQL of a step as it will be run, for people to read; without the secrets that definitions can hold.

import type { Step, Work } from '../engine/step.ts'
import { quoteQualified } from '../postgres/quote.ts'

/** Nothing for work that is no SQL known beforehand: values that are still to be read. */
export function stepSql(step: Step): string[] {
  return sqlOf(step.work).map((statement) => withoutSecrets(statement, step.info.kind))
}

function sqlOf(work: Work): string[] {
  switch (work.kind) {
    case 'sql':
      return [...work.statements, ...work.extras]
    case 'truncate': {
      const names = work.tables.map(({ schema, name }) => `only ${quoteQualified(schema, name)}`)
      return [`truncate ${names.join(', ')}`]
    }
    case 'copy':
      return work.parts.flatMap((part) => (part.kind === 'rows' ? [part.copyOut, part.copyIn] : []))
    default:
      return []
  }
}

const secretive: ReadonlySet<string> = new Set(['SUBSCRIPTION', 'SERVER', 'USER MAPPING', 'FOREIGN TABLE'])

/** Connections of subscriptions and options of foreign servers carry passwords. */
function withoutSecrets(statement: string, kind: string): string {
  if (!secretive.has(kind)) return statement
  return statement
    .replaceAll(/(\bconnection\s+)E?'(?:[^']|'')*'/gi, "$1'...'")
    .replaceAll(/((?:\w*(?:pass|secret|token|key)\w*)"?\s+)E?'(?:[^']|'')*'/gi, "$1'...'")
}
