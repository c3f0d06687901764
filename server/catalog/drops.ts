// The objects of the destination that are dropped together with others, so that they are reported first.
import { ServerError, sqlstate } from '../postgres/errors.ts'
import type { Session } from '../postgres/session.ts'
import { type Identity, identityKey } from './identities.ts'

export interface Dependant {
  /** `view`, `table column`, `table constraint`, ... */
  type: string
  identity: string
}

/**
 * Everything that DROP ... CASCADE would drop besides the objects and their own parts. Dropping an internal part
 * drops the object that it belongs to: a view's rule the view.
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
         -- A partition belongs to its parent, but is reported by itself, because it has rows.
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

/**
 * Each drop takes several locks, with those of indexes, and the lock table is shared by all sessions of the server.
 */
const mostAtOnce = 250

/**
 * Drops exactly these objects, with exactly the reported dependants. Up to a few hundred are dropped in one
 * transaction. With more, those of earlier transactions stay dropped after an error.
 */
export async function dropObjects(
  session: Session,
  targets: readonly Identity[],
  named: readonly Dependant[],
): Promise<void> {
  const known = new Set([...named, ...targets].map(identityKey))
  let dropped = 0
  let batches = [targets]
  if (targets.length > mostAtOnce) {
    await refuseUnnamed(session, targets, known, dropped)
    batches = inBatches(await withPartitionsFirst(session, targets))
  }
  for (let batch = batches.shift(); batch; batch = batches.shift()) {
    try {
      await dropTogether(session, batch, known, dropped)
      dropped += batch.length
    } catch (error) {
      const isTooMuch = error instanceof ServerError && error.sqlstate === sqlstate.outOfMemory
      if (!isTooMuch || batch.length === 1) throw error
      const half = Math.ceil(batch.length / 2)
      batches.unshift(batch.slice(0, half), batch.slice(half))
    }
  }
}

async function dropTogether(
  session: Session,
  targets: readonly Identity[],
  known: ReadonlySet<string>,
  dropped: number,
): Promise<void> {
  await session.execute('begin')
  try {
    const locked = await lockTargets(session, targets)
    if (locked.length > 0) await session.execute(`lock table ${locked.join(', ')} in access exclusive mode`)
    await refuseUnnamed(session, targets, known, dropped)
    for (const { type, identity } of targets) {
      // It may have been dropped by the CASCADE of an earlier statement.
      await session.execute(`drop ${type} if exists ${identity} cascade`)
    }
    await session.execute('commit')
  } catch (error) {
    await session.execute('rollback').catch(() => session.destroy())
    throw error
  }
}

/** Objects that an earlier transaction has dropped are left out. */
async function lockTargets(session: Session, targets: readonly Identity[]): Promise<string[]> {
  const relations = targets.filter(({ type }) => lockable.has(type))
  if (relations.length === 0) return []
  const there = await session.query<{ oid: number }>(
    `select oid from pg_catalog.pg_class where oid in (${relations.map(({ oid }) => oid).join(', ')})`,
  )
  const oids = new Set(there.map(({ oid }) => oid))
  return relations.filter(({ oid }) => oids.has(oid)).map(({ identity }) => identity)
}

async function refuseUnnamed(
  session: Session,
  targets: readonly Identity[],
  known: ReadonlySet<string>,
  dropped: number,
): Promise<void> {
  const dependants = await readDropDependants(session, targets)
  const unnamed = dependants.filter((one) => !known.has(identityKey(one)))
  if (unnamed.length > 0) throw new UnnamedDependants(unnamed, dropped)
}

/** Dropping a partitioned table drops all its partitions in one transaction, so they are dropped before it. */
async function withPartitionsFirst(session: Session, targets: readonly Identity[]): Promise<Identity[]> {
  const depths = await session.query<{ oid: number; depth: number }>(`
    with recursive below (oid, depth) as (
      select inhrelid, 1 from pg_catalog.pg_inherits
      union
      select i.inhrelid, below.depth + 1
        from below join pg_catalog.pg_inherits i on i.inhparent = below.oid
    )
    select oid, max(depth)::int as depth from below group by oid`)
  const depthOf = new Map(depths.map(({ oid, depth }) => [oid, depth]))
  const depth = ({ type, oid }: Identity) => (type === 'table' ? (depthOf.get(oid) ?? 0) : 0)
  return targets.toSorted((one, other) => depth(other) - depth(one))
}

function inBatches(targets: readonly Identity[]): (readonly Identity[])[] {
  const count = Math.ceil(targets.length / mostAtOnce)
  return Array.from({ length: count }, (_, at) => targets.slice(at * mostAtOnce, (at + 1) * mostAtOnce))
}

export class UnnamedDependants extends Error {
  constructor(
    readonly dependants: readonly Dependant[],
    dropped = 0,
  ) {
    const names = dependants.slice(0, 5).map(identityKey).join(', ')
    const done = dropped === 0 ? 'nothing was dropped' : `${dropped} objects had already been dropped`
    super(`${names} depend on objects to be dropped, and were created after the plan was made; ${done}`)
  }
}

const lockable: ReadonlySet<string> = new Set(['table', 'view'])
