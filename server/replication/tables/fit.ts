// Whether rows of a table of the source can be written to the table of that name on the destination. If not, which
// column prevents it and why.

import { say } from '../../../shared/say.ts'
import type { Relation, RelationColumn } from '../stream/event.ts'
import type { DestinationColumn, DestinationTable } from './destination-tables.ts'

/** Types that the source has described because their OIDs are not the same everywhere: OID -> schema and name. */
export type NamedTypes = ReadonlyMap<number, { schema: string; name: string }>

/** Lower OIDs are the same in every database of every version. */
const firstUnstableOid = 10000

/** One sentence for each problem; empty when the rows fit. */
export function misfits(
  relation: Relation,
  table: DestinationTable | undefined,
  types: NamedTypes,
  binary: boolean,
): string[] {
  if (!table) {
    return [
      say`the destination has no such table: if it has another name there, rename it and retry; otherwise "pgtrek recopy ${relation.schema}.${relation.name}" creates it and copies its rows`,
    ]
  }
  const problems = table.rules.map(
    (rule) =>
      say`rule ${rule} of the destination's table would act on applied changes: "alter table ${table.quoted} disable rule ${rule}" until the switchover, then retry`,
  )
  for (const column of relation.columns) {
    const there = table.columns.get(column.name)
    if (!there) problems.push(say`the destination lacks column ${column.name}, which the source has`)
    else if (there.generated && !column.computed) {
      problems.push(
        say`column ${column.name} is computed by the destination, but the source sends values for it`,
      )
    } else if (!there.generated && !typeFits(column, there, types, binary)) {
      problems.push(
        say`column ${column.name} has another type on the source than on the destination (${there.sqlType})`,
      )
    }
  }
  const sent = new Set(relation.columns.map(({ name }) => name))
  for (const column of table.columns.values()) {
    if (!sent.has(column.name) && column.mustBeGiven && !column.generated) {
      problems.push(
        say`column ${column.name} was dropped on the source, and on the destination it must not be null and has no default`,
      )
    }
  }
  return problems
}

/** The differences between two descriptions of a table by the source, in words. */
export function describeChange(before: Relation, after: Relation): string[] {
  const changes: string[] = []
  const old = new Map(before.columns.map((column) => [column.name, column]))
  for (const column of after.columns) {
    const was = old.get(column.name)
    old.delete(column.name)
    if (!was) changes.push(say`column ${column.name} was added`)
    else if (was.type !== column.type || was.modifier !== column.modifier) {
      changes.push(say`column ${column.name} has another type`)
    }
  }
  for (const name of old.keys()) changes.push(say`column ${name} was dropped or renamed`)
  if (before.identity !== after.identity) changes.push(say`its replica identity has changed`)
  const keys = [before, after].map(({ columns }) => columns.filter(({ key }) => key).map(({ name }) => name))
  if (before.identity === after.identity && keys[0]?.join() !== keys[1]?.join()) {
    changes.push(say`its key is now ${keys[1]?.join(', ') || 'none'}`)
  }
  if (before.schema !== after.schema || before.name !== after.name) {
    changes.push(say`it is now named ${after.schema}.${after.name}`)
  }
  return changes
}

const widerIntegers: Record<string, string[]> = {
  int2: ['int4', 'int8', 'numeric'],
  int4: ['int8', 'numeric'],
  int8: ['numeric'],
}
const texts = new Set(['varchar', 'text'])

/** For types that pass here, the server refuses values that do not fit; it rounds or truncates nothing silently. */
function typeFits(from: RelationColumn, to: DestinationColumn, types: NamedTypes, binary: boolean): boolean {
  if (from.type >= firstUnstableOid) {
    const named = types.get(from.type)
    return named?.schema === to.typeSchema && named.name === to.typeName
  }
  if (from.type === to.typeId) return modifierFits(to.typeName, from.modifier, to.modifier)
  const fromName = builtIn.get(from.type)
  if (!fromName) return false
  if (texts.has(fromName) && texts.has(to.typeName)) return true
  return !binary && to.modifier === -1 && (widerIntegers[fromName]?.includes(to.typeName) ?? false)
}

/** The built-in types that may take values of another type, by name. */
const builtIn = new Map([
  [21, 'int2'],
  [23, 'int4'],
  [20, 'int8'],
  [25, 'text'],
  [1043, 'varchar'],
])

function modifierFits(type: string, from: number, to: number): boolean {
  if (to === -1 || from === to) return true
  // The server refuses a value that is too long.
  if (type === 'varchar') return true
  if (type === 'numeric' && from !== -1) {
    const [scale, room] = [from - 4, to - 4].map((modifier) => modifier & 0x7ff)
    return scale === room && from <= to
  }
  return false
}
