// Applies the user's selection to the tables and sequences of both databases together.
import { nearestName } from '../../shared/pattern.ts'
import type { Selection } from '../../shared/request.ts'
import { Selector } from '../../shared/selector.ts'
import { showName, type TableName, tableKey } from '../../shared/table-name.ts'
import { UsageError } from '../postgres/errors.ts'
import type { Relation } from './relations.ts'
import type { OwnedSequence } from './sequences.ts'

export interface SideObjects {
  relations: readonly Relation[]
  sequences: readonly OwnedSequence[]
}

export interface Chosen {
  /** All tables by OID: the parents of a partition matter even if they are not selected. */
  byOid: ReadonlyMap<number, Relation>
  relations: Relation[]
  sequences: OwnedSequence[]
}

/** Throws a UsageError for a name that matches nothing on either side. */
export function chooseObjects(selection: Selection, sides: readonly SideObjects[]): Chosen[] {
  const selector = new Selector(selection)
  const chosen = sides.map(({ relations, sequences }) => {
    const byOid = new Map(relations.map((relation) => [relation.oid, relation]))
    const isTableSelected = (relation: Relation) => isSelected(selector, relation, byOid)
    return {
      byOid,
      relations: relations.filter(isTableSelected),
      sequences: sequences.filter((sequence) => {
        const owner = byOid.get(sequence.owner ?? 0)
        const verdict = selector.verdict({ kind: 'sequences', schema: sequence.schema, name: sequence.name })
        return verdict === 'selected' || (verdict === 'unselected' && owner && isTableSelected(owner))
      }),
    }
  })
  const names = sides.flatMap(({ relations, sequences }) => [...relations, ...sequences])
  refuseUnused(selector, names)
  return chosen
}

/** Selects tables by name; a partition also by the name of any parent. */
export function chooseNamed(tables: readonly TableName[], sides: readonly SideObjects[]): Chosen[] {
  const named = new Set(tables.map(tableKey))
  return sides.map(({ relations }) => {
    const byOid = new Map(relations.map((relation) => [relation.oid, relation]))
    const isNamed = (relation: Relation) => lineage(relation, byOid).some((one) => named.has(tableKey(one)))
    return { byOid, relations: relations.filter(isNamed), sequences: [] }
  })
}

/** A partition is selected, and excluded, with any of its parents. */
function isSelected(selector: Selector, relation: Relation, byOid: ReadonlyMap<number, Relation>): boolean {
  const verdicts = lineage(relation, byOid).map(({ schema, name }) =>
    selector.verdict({ kind: 'tables', schema, name }),
  )
  return verdicts.includes('selected') && !verdicts.includes('excluded')
}

/** A table and all its parents, the root last. */
export function lineage(relation: Relation, byOid: ReadonlyMap<number, Relation>): Relation[] {
  const line: Relation[] = []
  for (
    let at: Relation | undefined = relation;
    at;
    at = at.parent === null ? undefined : byOid.get(at.parent)
  ) {
    line.push(at)
  }
  return line
}

export function refuseUnused(
  selector: Selector,
  objects: readonly { schema?: string | undefined; name: string }[],
) {
  const [unused] = selector.unused
  if (unused === undefined) return
  const near = nearestName(unused, new Set(objects.flatMap(namesOf)))
  const advice = near === undefined ? '' : `: did you mean "${near}"?`
  throw new UsageError(`"${unused}" matches nothing in either database${advice}`)
}

function namesOf(object: { schema?: string | undefined; name: string }): string[] {
  return [showName(object), object.name, ...(object.schema === undefined ? [] : [object.schema])]
}
