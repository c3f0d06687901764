// The types of the source, as far as the choice of a COPY format depends on them.
import type { Session } from '../postgres/session.ts'

export interface TypeFacts {
  oid: number
  name: string
  /** b(ase), d(omain), e(num), r(ange), m(ultirange), p(seudo) as in pg_type.typtype; never c(omposite). */
  kind: string
  /** The base type of a domain, else 0. */
  base: number
  /** The element type of an array, else 0. */
  element: number
  hasBinary: boolean
}

export async function readTypes(session: Session): Promise<Map<number, TypeFacts>> {
  const rows = await session.query<TypeFacts>(`
    select t.oid,
           t.typname                                                       as name,
           t.typtype                                                       as kind,
           t.typbasetype                                                   as base,
           case when t.typlen = -1 and t.typcategory = 'A' then t.typelem else 0 end as element,
           t.typsend <> 0 and t.typreceive <> 0                            as "hasBinary"
      from pg_catalog.pg_type t
     where t.typtype <> 'c'`)
  return new Map(rows.map((row) => [row.oid, row]))
}
