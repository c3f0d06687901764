// Reports names in a request that match nothing in the database, with a suggestion, before the run starts.

import { nearestName } from './pattern.ts'
import { say } from './say.ts'

export interface KnownNames {
  schemas: readonly string[]
  relations: readonly { schema: string; name: string }[]
}

/** One sentence for each; `names` are patterns that matched nothing. */
export function describeUnmatched(names: readonly string[], known: KnownNames): string[] {
  return names.map((name) => {
    const near = suggestion(name, known)
    return near === undefined
      ? say`nothing matches "${name}"`
      : say`nothing matches "${name}": did you mean ${near}?`
  })
}

function suggestion(name: string, { schemas, relations }: KnownNames): string | undefined {
  if (/[*?"]/.test(name)) return undefined
  if (name.includes('.')) return nearestOf(name, relations.map(qualified))
  return nearestOf(name, [...schemas, ...relations.map((one) => one.name)].map(quotedIfNeeded))
}

function nearestOf(name: string, names: readonly string[]): string | undefined {
  return nearestName(name, new Set(names))
}

function qualified({ schema, name }: { schema: string; name: string }): string {
  return `${quotedIfNeeded(schema)}.${quotedIfNeeded(name)}`
}

/** Quoted so that the suggestion means exactly this name when it is typed. */
function quotedIfNeeded(name: string): string {
  return /[.*?",=\s]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name
}
