// The dependencies of each archive entry, from the source's pg_depend: pg_dump's plain output does not have them.
// https://www.postgresql.org/docs/current/catalog-pg-depend.html
import type { Session } from '../postgres/session.ts'
import type { Entry } from './entries.ts'
import { qualifiedNames } from './lexer.ts'

interface Dependency {
  class: number
  oid: number
  neededClass: number
  needed: number
  kind: string
}

const firstUserOid = 16384

export function readDependencies(session: Session): Promise<Dependency[]> {
  return session.query<Dependency>(`
    select classid     as class,
           objid       as oid,
           refclassid  as "neededClass",
           refobjid    as needed,
           min(deptype::text) as kind
      from pg_catalog.pg_depend
     where objid >= ${firstUserOid}
       and refobjid >= ${firstUserOid}
       and (classid, objid) <> (refclassid, refobjid)
     group by 1, 2, 3, 4`)
}

/**
 * pg_dump writes languages before extensions, and does not see that a handler belongs to an extension: that extension
 * comes first, with the extensions that it needs.
 */
export function withExtensionsFirst(
  entries: readonly Entry[],
  dependencies: readonly Dependency[],
): readonly Entry[] {
  const languages = new Set(entries.filter(({ kind }) => kind === 'PROCEDURAL LANGUAGE').map(({ id }) => id))
  if (languages.size === 0) return entries
  const extensions = new Map(
    entries.filter(({ kind }) => kind === 'EXTENSION').map((entry) => [entry.id, entry]),
  )
  const entryOf = ownersOf(entries, dependencies)
  const needs = new Map<number, Set<number>>()
  for (const { class: from, oid, neededClass, needed } of dependencies) {
    const [entry, other] = [entryOf(from, oid), entryOf(neededClass, needed)]
    if (entry === undefined || other === undefined || entry === other || !extensions.has(other)) continue
    if (languages.has(entry) || extensions.has(entry))
      needs.set(entry, (needs.get(entry) ?? new Set()).add(other))
  }
  const first = new Set<number>()
  const visit = (id: number) => {
    for (const needed of needs.get(id) ?? []) {
      if (first.has(needed)) continue
      first.add(needed)
      visit(needed)
    }
  }
  for (const language of languages) visit(language)
  const at = entries.findIndex(({ id }) => languages.has(id))
  const moved = entries.slice(at).filter(({ id }) => first.has(id))
  if (moved.length === 0) return entries
  return [...entries.slice(0, at), ...moved, ...entries.slice(at).filter(({ id }) => !first.has(id))]
}

/** For every entry the entries that must be created before it. All of them are before it in the dump. */
export function entryDependencies(
  entries: readonly Entry[],
  dependencies: readonly Dependency[],
): Map<number, readonly number[]> {
  const position = new Map(entries.map((entry, index) => [entry.id, index]))
  const entryOf = ownersOf(entries, dependencies)
  const result = new Map<number, number[]>()
  const add = (entry: number, needed: number | undefined) => {
    if (needed === undefined || needed === entry) return
    // pg_dump breaks cycles by its order (a view's body after the view): a dependency on a later entry is such a break.
    if ((position.get(needed) ?? Number.POSITIVE_INFINITY) >= (position.get(entry) ?? -1)) return
    const list = result.get(entry)
    if (!list) result.set(entry, [needed])
    else if (!list.includes(needed)) list.push(needed)
  }
  for (const { class: from, oid, neededClass, needed } of dependencies) {
    const entry = entryOf(from, oid)
    if (entry !== undefined) add(entry, entryOf(neededClass, needed))
  }
  const byName = namedRelations(entries)
  /** Entry of a partitioned index -> the entries of its partitions' indexes, and the entries that attach them. */
  const attachments = new Map<number, { attach: number; child: number | undefined }[]>()
  for (const entry of entries) {
    for (const needed of entry.dependencies) add(entry.id, needed)
    if (entry.kind !== 'TABLE ATTACH' && entry.kind !== 'INDEX ATTACH') continue
    const [parents = [], children = []] = qualifiedNames(entry.statements[0] ?? '').map(
      (name) => byName.get(name) ?? [],
    )
    for (const needed of [...parents, ...children]) add(entry.id, needed)
    if (entry.kind === 'TABLE ATTACH') continue
    for (const parent of parents) {
      const list = attachments.get(parent) ?? []
      list.push({ attach: entry.id, child: children[0] })
      attachments.set(parent, list)
    }
  }
  for (const entry of entries) {
    if (entry.kind !== 'FK CONSTRAINT') continue
    // A key of a partitioned table is valid only when the indexes of all partitions are attached.
    const keys = [...(result.get(entry.id) ?? [])]
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
      for (const { attach, child } of attachments.get(key) ?? []) {
        add(entry.id, attach)
        if (child !== undefined) keys.push(child)
      }
    }
  }
  return result
}

/** Finds the entry that creates an object: its own entry, or that of the object that it is a part of. */
function ownersOf(entries: readonly Entry[], dependencies: readonly Dependency[]) {
  const key = (classOid: number, oid: number) => classOid * 2 ** 32 + oid
  const own = new Map<number, number>()
  for (const entry of entries) {
    // Entries that concern a table (its row security, its attachment) have no object themselves.
    const about = entry.kind === 'DEFAULT' || !own.has(key(entry.classOid, entry.oid))
    if (entry.oid && entry.classOid && about) own.set(key(entry.classOid, entry.oid), entry.id)
  }
  const wholes = new Map<number, { class: number; oid: number }>()
  for (const { class: from, oid, neededClass, needed, kind } of dependencies) {
    // i(nternal), e(xtension), and a(uto) for defaults and inline constraints: created with the other object.
    const part = key(from, oid)
    if (kind === 'i' || kind === 'e' || (kind === 'a' && !wholes.has(part))) {
      wholes.set(part, { class: neededClass, oid: needed })
    }
  }
  return (classOid: number, oid: number): number | undefined => {
    let at: { class: number; oid: number } | undefined = { class: classOid, oid }
    for (let steps = 0; at && steps < 10; steps++) {
      const found = own.get(key(at.class, at.oid))
      if (found !== undefined) return found
      at = wholes.get(key(at.class, at.oid))
    }
    return undefined
  }
}

/** By `schema.name` as quoted in SQL: the entry that creates the table or index. */
function namedRelations(entries: readonly Entry[]): Map<string, number[]> {
  const found = new Map<string, number[]>()
  const add = (name: string | undefined, id: number) => {
    if (name !== undefined) found.set(name, [...(found.get(name) ?? []), id])
  }
  for (const entry of entries) {
    const statement = entry.statements[0] ?? ''
    if (entry.kind === 'TABLE' || entry.kind === 'FOREIGN TABLE') add(qualifiedNames(statement)[0], entry.id)
    if (entry.kind === 'INDEX') {
      // CREATE INDEX name ON schema.table: the index is in the schema of its table.
      const [schema] = splitQualified(qualifiedNames(statement)[0] ?? '')
      const name = /^CREATE (?:UNIQUE )?INDEX ("(?:[^"]|"")*"|\S+) ON /.exec(statement)?.[1]
      if (schema && name) add(`${schema}.${name}`, entry.id)
    }
    if (entry.kind === 'CONSTRAINT') {
      const [schema] = splitQualified(qualifiedNames(statement)[0] ?? '')
      const name = /ADD CONSTRAINT ("(?:[^"]|"")*"|\S+) /.exec(statement)?.[1]
      if (schema && name) add(`${schema}.${name}`, entry.id)
    }
  }
  return found
}

function splitQualified(name: string): [string, string] | [] {
  const found = /^("(?:[^"]|"")*"|[^".]+)\.(.*)$/s.exec(name)
  return found ? [found[1] as string, found[2] as string] : []
}
