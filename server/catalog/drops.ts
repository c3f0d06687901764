// What goes with objects of the destination when they are dropped: named before anything is.
import type { Session } from '../postgres/session.ts'
import { type Identity, identityKey } from './identities.ts'

export interface Dependant {
  /** `view`, `table column`, `table constraint`, ... */
  type: string
  identity: string
}

/**
 * All that DROP ... CASCADE would take besides the objects and their own parts. An object that is internal to
 * another takes that with it: a view's rule the view.
 * https://www.postgresql.org/docs/current/catalog-pg-depend.html
 */
export async function readDropDependants(
  session: Session,
  targets: readonly Pick<Identity, 'class' | 'oid'>[],
): Promise<Dependant[]> {
  if (targets.length === 0) return []
  const list = targets.map(({ class: catalog, oid }) => `(${catalog}::oid, ${oid}::oid)`).join(', ')
  const rows = await session.query<Dependant>(`
    with recursive target (class, oid) as (values ${list}),
    gone (class, oid, part) as (
      select class, oid, 0 from target
      union
      select next.class, next.oid, next.part
        from gone,
             lateral (
               select d.classid as class, d.objid as oid, d.objsubid as part
                 from pg_catalog.pg_depend d
                where d.refclassid = gone.class
                  and d.refobjid = gone.oid
                  and (gone.part = 0 or d.refobjsubid = gone.part)
                  and d.deptype in ('n', 'a', 'i', 'P', 'S')
               union all
               select d.refclassid, d.refobjid, d.refobjsubid
                 from pg_catalog.pg_depend d
                where d.classid = gone.class
                  and d.objid = gone.oid
                  and gone.part = 0
                  and d.deptype = 'i'
             ) next
    ),
    whole (class, oid) as (select class, oid from gone where part = 0),
    owned (class, oid) as (
      select whole.class, whole.oid
        from whole
        join pg_catalog.pg_depend d on d.classid = whole.class and d.objid = whole.oid
        join whole owner on owner.class = d.refclassid and owner.oid = d.refobjid
       where d.deptype in ('a', 'i', 'P', 'S')
         -- A partition belongs to its parent, and has rows of its own.
         and not exists (select from pg_catalog.pg_class c
                          where whole.class = 'pg_catalog.pg_class'::regclass
                            and c.oid = whole.oid
                            and c.relkind in ('r', 'p', 'f', 'v', 'm'))
    )
    select distinct i.type, i.identity
      from gone,
           lateral pg_catalog.pg_identify_object(gone.class, gone.oid, gone.part) i
     where not exists (select from target t where t.class = gone.class and t.oid = gone.oid)
       and not (gone.part = 0 and exists (select from owned o where o.class = gone.class and o.oid = gone.oid))
       and not (gone.part <> 0 and exists (select from whole w where w.class = gone.class and w.oid = gone.oid))
       and i.identity is not null
     order by 1, 2`)
  return rows
}

/** Drops exactly these, with exactly the dependants that were named, or nothing at all. */
export async function dropObjects(
  session: Session,
  targets: readonly Identity[],
  named: readonly Dependant[],
): Promise<void> {
  await session.execute('begin')
  try {
    const relations = targets.filter(({ type }) => lockable.has(type)).map(({ identity }) => identity)
    if (relations.length > 0)
      await session.execute(`lock table ${relations.join(', ')} in access exclusive mode`)
    const known = new Set([...named, ...targets].map(identityKey))
    const unnamed = (await readDropDependants(session, targets)).filter((one) => !known.has(identityKey(one)))
    if (unnamed.length > 0) throw new UnnamedDependants(unnamed)
    for (const { type, identity } of targets) {
      // What an earlier one took with it is gone.
      await session.execute(`drop ${type} if exists ${identity} cascade`)
    }
    await session.execute('commit')
  } catch (error) {
    await session.execute('rollback').catch(() => session.destroy())
    throw error
  }
}

export class UnnamedDependants extends Error {
  constructor(readonly dependants: readonly Dependant[]) {
    const names = dependants.slice(0, 5).map(identityKey).join(', ')
    super(`${names} came to depend on what was to be dropped since the plan was made; nothing was dropped`)
  }
}

const lockable: ReadonlySet<string> = new Set(['table', 'view'])
