// Which entries of a dump a selection includes: the selected objects, what belongs to them, and what they need. Pure:
// both databases have been read before.
import { describeObject } from '../../shared/describe.ts'
import type { Selector, Verdict } from '../../shared/selector.ts'
import type { Entry } from './entries.ts'

export interface Contents {
  entries: readonly Entry[]
  /** Entry id -> ids of the entries it needs. */
  needs: ReadonlyMap<number, readonly number[]>
  /** The entry that another belongs to (the table of an index, the object of a comment), or itself. */
  rootOf(entry: Entry): Entry
  /** The selection's verdict on an object that does not belong to another. */
  verdictOf(root: Entry): Verdict
  /** The verdict on a part that can be selected by itself: a trigger, a sequence owned by a table. */
  verdictOfPart(part: Entry): Verdict
  /** The destination has it. */
  isThere(root: Entry): boolean
}

export interface Chosen {
  ids: ReadonlySet<number>
  /** Not selected, but needed by selected entries. */
  added: Entry[]
  /** Selected entries that cannot be created, with the reason. */
  blocked: ReadonlyMap<number, string>
  /** Links to objects that are not selected; the objects at this end are migrated without them. */
  leftOut: { entry: Entry; because: string }[]
}

/** Entries that link two objects; they are left out when only one of the objects is selected. */
const ties: ReadonlySet<string> = new Set([
  'FK CONSTRAINT',
  'PUBLICATION TABLE',
  'PUBLICATION TABLES IN SCHEMA',
  'SUBSCRIPTION TABLE',
])

const selectableParts: ReadonlySet<string> = new Set(['TRIGGER', 'SEQUENCE'])

export function choose(contents: Contents, needed: Selector['selection']['needed']): Chosen {
  const { entries, rootOf } = contents
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  const parts = new Map<number, Entry[]>()
  for (const entry of entries) {
    const root = rootOf(entry)
    const list = parts.get(root.id)
    if (list) list.push(entry)
    else parts.set(root.id, [entry])
  }
  const chosen = new Set<number>()
  const added: Entry[] = []
  const blocked = new Map<number, string>()
  const leftOut: Chosen['leftOut'] = []
  const open: Entry[] = []

  const take = (entry: Entry) => {
    if (chosen.has(entry.id)) return
    chosen.add(entry.id)
    open.push(entry)
  }
  for (const [id, members] of parts) {
    const verdict = contents.verdictOf(byId.get(id) as Entry)
    if (verdict === 'excluded') continue
    for (const entry of members) if (isWanted(subjectOf(entry, byId), verdict, contents)) take(entry)
  }
  // The list grows while it is read: an added entry may need others.
  for (const entry of open) {
    for (const id of contents.needs.get(entry.id) ?? []) {
      const need = byId.get(id)
      if (!need || chosen.has(id)) continue
      const root = rootOf(need)
      if (chosen.has(root.id) && root.id !== id && need.kind !== 'TRIGGER') continue
      if (contents.isThere(root)) continue
      const what = describeObject(root.kind, root)
      const isExcluded = contents.verdictOf(root) === 'excluded'
      if (ties.has(entry.kind)) {
        chosen.delete(entry.id)
        leftOut.push({ entry, because: `${what} ${isExcluded ? 'is excluded' : 'is not selected'}` })
        break
      }
      if (isExcluded) {
        blocked.set(entry.id, `needs ${what}, which is excluded`)
      } else if (needed === 'report') {
        blocked.set(entry.id, `needs ${what}, which is neither selected nor on the destination`)
      } else {
        added.push(root)
        for (const part of parts.get(root.id) ?? [root]) {
          if (part.kind !== 'TRIGGER' || part.id === id) take(part)
        }
      }
    }
  }
  return { ids: chosen, added, blocked, leftOut }
}

/** A comment or a grant is included with its object. */
function subjectOf(entry: Entry, byId: ReadonlyMap<number, Entry>): Entry {
  if (!remarks.has(entry.kind)) return entry
  const about = byId.get(entry.dependencies[0] ?? 0)
  return about ? subjectOf(about, byId) : entry
}

const remarks: ReadonlySet<string> = new Set(['COMMENT', 'ACL', 'SECURITY LABEL'])

function isWanted(entry: Entry, verdict: Verdict, { rootOf, verdictOfPart }: Contents): boolean {
  const isPart = rootOf(entry).id !== entry.id
  if (!isPart || !selectableParts.has(entry.kind)) return verdict === 'selected'
  const own = verdictOfPart(entry)
  if (own === 'excluded') return false
  // A table includes its sequences; its triggers only where they are selected too.
  return own === 'selected' || (verdict === 'selected' && entry.kind === 'SEQUENCE')
}
