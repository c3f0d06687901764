// The large objects of the source: sizes for the copy, and the statements for owner, privileges and comments. pg_dump
// treats these as data, so its DDL does not contain them.
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'

export interface LargeObjectFacts {
  oid: number
  size: number
  owner: string
  comment: string | null
  /** As in pg_largeobject_metadata.lomacl. Null means the default. */
  grants: { grantee: string | null; privilege: string; grantable: boolean }[] | null
  labels: { provider: string; label: string }[] | null
  mayRead: boolean
}

const readMode = 0x40000
const fromEnd = 2

export async function readLargeObjects(session: Session, superuser: boolean): Promise<LargeObjectFacts[]> {
  const facts = await session.query<Omit<LargeObjectFacts, 'size'>>(`
    select m.oid,
           pg_catalog.pg_get_userbyid(m.lomowner)                  as owner,
           pg_catalog.obj_description(m.oid, 'pg_largeobject')     as comment,
           case when m.lomacl is not null then (
             select coalesce(json_agg(json_build_object(
                      'grantee', case when a.grantee = 0 then null
                                      else pg_catalog.pg_get_userbyid(a.grantee) end,
                      'privilege', a.privilege_type,
                      'grantable', a.is_grantable)), '[]')
               from pg_catalog.aclexplode(m.lomacl) a)
           end                                                     as grants,
           (select json_agg(json_build_object('provider', s.provider, 'label', s.label))
              from pg_catalog.pg_seclabels s
             where s.objoid = m.oid and s.classoid = 'pg_catalog.pg_largeobject'::regclass) as labels,
           ${superuser}
             or pg_catalog.pg_has_role(m.lomowner, 'usage')
             or exists (select from pg_catalog.aclexplode(m.lomacl) a
                         where a.privilege_type = 'SELECT'
                           and (a.grantee = 0 or pg_catalog.pg_has_role(a.grantee, 'usage'))) as "mayRead"
      from pg_catalog.pg_largeobject_metadata m
     order by m.oid`)
  if (facts.length === 0) return []
  const sizes = await session.query<{ oid: number; size: number }>(`
    select oid, size::float8 as size, pg_catalog.lo_close(descriptor)
      from (select oid, descriptor, pg_catalog.lo_lseek64(descriptor, 0, ${fromEnd}) as size
              from (select o.oid, pg_catalog.lo_open(o.oid, ${readMode}) as descriptor
                      from json_array_elements_text(${quoteLiteral(
                        JSON.stringify(facts.filter((row) => row.mayRead).map((row) => row.oid)),
                      )}::json) e (oid), lateral (select e.oid::oid) o (oid)
                    offset 0) opened
            offset 0) measured`)
  const sizeOf = new Map(sizes.map((row) => [row.oid, row.size]))
  return facts.map((row) => ({ ...row, size: sizeOf.get(row.oid) ?? 0 }))
}

export interface LargeObjectChoices {
  owner: boolean
  grants: boolean
  comments: boolean
  labels: boolean
}

export function largeObjectStatements(object: LargeObjectFacts, choices: LargeObjectChoices): string[] {
  const name = `large object ${object.oid}`
  const owner = quoteIdentifier(object.owner)
  const statements: string[] = []
  if (choices.owner) statements.push(`alter ${name} owner to ${owner}`)
  if (choices.grants && object.grants) {
    // A list of privileges replaces the default, which is all privileges for the owner.
    const ownerHas = object.grants.filter((grant) => grant.grantee === object.owner)
    const isDefault = ownerHas.length === 2 && ownerHas.every((grant) => !grant.grantable)
    if (!isDefault) statements.push(`revoke all on ${name} from ${owner}`)
    for (const { grantee, privilege, grantable } of object.grants) {
      if (grantee === object.owner && isDefault) continue
      const to = grantee === null ? 'public' : quoteIdentifier(grantee)
      statements.push(`grant ${privilege} on ${name} to ${to}${grantable ? ' with grant option' : ''}`)
    }
  }
  if (choices.comments && object.comment !== null) {
    statements.push(`comment on ${name} is ${quoteLiteral(object.comment)}`)
  }
  for (const { provider, label } of choices.labels ? (object.labels ?? []) : []) {
    statements.push(`security label for ${quoteIdentifier(provider)} on ${name} is ${quoteLiteral(label)}`)
  }
  return statements
}
