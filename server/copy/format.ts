// Binary COPY is faster, and safe only where a value's bytes mean the same on both servers.
import type { TypeFacts } from '../catalog/types.ts'

export type CopyFormat = 'binary' | 'text'

/**
 * Types with lower OIDs are PostgreSQL's own, the same in every database of every version. From here on the
 * numbers are assigned by initdb (information_schema's domains) or later.
 * https://www.postgresql.org/docs/current/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT
 */
const firstUnstableOid = 10000

/** Their binary form holds OIDs of one database (reg*), or changes the value (xml's encoding declaration). */
const neverBinary =
  /^(reg[a-z]+|xml|aclitem|pg_node_tree|pg_ndistinct|pg_dependencies|pg_mcv_list|pg_brin_.*)$/

/** Binary when every column allows it. A table without columns gains nothing from it: text. */
export function chooseFormat(types: readonly number[], facts: ReadonlyMap<number, TypeFacts>): CopyFormat {
  return types.length > 0 && types.every((type) => isBinarySafe(type, facts)) ? 'binary' : 'text'
}

export function isBinarySafe(oid: number, facts: ReadonlyMap<number, TypeFacts>): boolean {
  const type = facts.get(oid)
  if (!type?.hasBinary) return false
  switch (type.kind) {
    case 'd':
      return isBinarySafe(type.base, facts)
    case 'e':
      return true
    case 'b':
    case 'r':
    case 'm':
      if (oid >= firstUnstableOid || neverBinary.test(type.name)) return false
      // The binary form of an array names its element type by OID.
      return type.element === 0 || (type.element < firstUnstableOid && isBinarySafe(type.element, facts))
    default:
      return false
  }
}
