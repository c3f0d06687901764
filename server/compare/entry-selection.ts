// Applies the user's selection to entries of pg_dump: objects of a table are selected with it.
import type { Selectable, Selector } from '../../shared/selector.ts'
import type { Entry } from '../schema/entries.ts'
import { qualifiedNames } from '../schema/lexer.ts'
import { subjectOf } from './definitions.ts'

const kinds: Record<string, Selectable['kind']> = {
  TABLE: 'tables',
  'FOREIGN TABLE': 'tables',
  VIEW: 'views',
  'MATERIALIZED VIEW': 'materializedViews',
  SEQUENCE: 'sequences',
  FUNCTION: 'functions',
  PROCEDURE: 'functions',
  AGGREGATE: 'functions',
  TYPE: 'types',
  DOMAIN: 'types',
}

export function selectEntries(selector: Selector, entries: readonly Entry[]): Entry[] {
  const owners = new Map<string, Entry>()
  const parents = new Map<string, string>()
  for (const entry of entries) {
    const subject = subjectOf(entry)
    if (subject === undefined) continue
    if (kinds[entry.kind]) owners.set(subject, entry)
    // ALTER SEQUENCE s.q OWNED BY s.t.c; ALTER TABLE ONLY s.t ATTACH PARTITION s.p
    const [first, second] = qualifiedNames(entry.statements[0] ?? '')
    if (first === undefined || second === undefined) continue
    if (entry.kind === 'SEQUENCE OWNED BY') parents.set(first, second)
    if (entry.kind === 'TABLE ATTACH') parents.set(second, first)
  }
  const lineage = (subject: string): Entry[] => {
    const line: Entry[] = []
    const seen = new Set<string>()
    for (let at: string | undefined = subject; at !== undefined && !seen.has(at); at = parents.get(at)) {
      seen.add(at)
      const owner = owners.get(at)
      if (owner) line.push(owner)
    }
    return line
  }
  return entries.filter((entry) => {
    if (entry.kind === 'SCHEMA') return selector.schemaVerdict(entry.name) === 'selected'
    const line = lineage(subjectOf(entry) ?? '')
    const objects = line.length > 0 ? line : [entry]
    const verdicts = objects.map((object) => selector.verdict(selectable(object)))
    return verdicts.includes('selected') && !verdicts.includes('excluded')
  })
}

function selectable({ kind, schema, name }: Entry): Selectable {
  // `f(integer)` can also be selected as f.
  const alsoNamed = kinds[kind] === 'functions' ? [name.replace(/\(.*$/s, '')] : []
  return { kind: kinds[kind] ?? 'other', schema, name, alsoNamed }
}
