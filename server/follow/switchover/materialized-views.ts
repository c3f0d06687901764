// Migrated materialized views: the stream does not have their rows, so they stay as of the copy until they are refreshed.
// They are refreshed after the handover, so that a failure does not prevent the switchover.

import { formatCount } from '../../../shared/format.ts'
import { messageOf } from '../../../shared/message-of.ts'
import { say } from '../../../shared/say.ts'
import { Selector } from '../../../shared/selector.ts'
import type { SwitchoverOptions, SwitchoverReport } from '../../../shared/switchover.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import { Session } from '../../postgres/session.ts'
import { describeSettings } from '../../postgres/settings.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'
import type { Link } from '../link.ts'

const mostNamed = 10

export interface ViewsWork {
  record: FollowRecord
  /** In the direction before the handover. */
  link: Link
  options: SwitchoverOptions
  signal: AbortSignal
  /** Called before the first view is refreshed. */
  onRefresh: (count: number) => void
}

type Outcome = Pick<SwitchoverReport, 'materialized_views' | 'next'>

/** Refreshes them on request, and lists those that are not refreshed. Never throws. */
export async function settleMaterializedViews(work: ViewsWork): Promise<Outcome> {
  const { link, options, signal, onRefresh } = work
  const place = describeSettings(link.to)
  try {
    await using to = await Session.open(link.to, { signal })
    const views = await movedViews(work, to)
    if (views.length === 0) return { next: [] }
    if (!options.refresh_materialized_views) {
      return {
        materialized_views: { total: views.length, refreshed: 0, failed: [] },
        next: [staleSentence(views, link)],
      }
    }
    onRefresh(views.length)
    const failed = await refreshAll(to, views, work)
    return {
      materialized_views: {
        total: views.length,
        refreshed: views.length - failed.size,
        failed: [...failed].map(([view, words]) => `${showName(view)}: ${words}`),
      },
      next:
        failed.size === 0
          ? []
          : [
              say`${formatCount(failed.size, 'materialized view')} of ${place} could not be refreshed. After removing the cause, run: ${statements([...failed.keys()])}`,
            ],
    }
  } catch (error) {
    return {
      next: [
        say`Cannot determine whether materialized views of ${place} have to be refreshed: ${messageOf(error)}`,
      ],
    }
  }
}

function staleSentence(views: readonly MovedView[], { direction, to }: Link): string {
  const place = describeSettings(to)
  const count = formatCount(views.length, 'materialized view')
  const [isOne, run] = [views.length === 1, statements(views)]
  if (direction === 'forward') {
    return isOne
      ? say`${count} of ${place} is as of the copy, unless it was refreshed there since: ${run}`
      : say`${count} of ${place} are as of the copy, unless they were refreshed there since: ${run}`
  }
  return isOne
    ? say`${count} of ${place} is as of their last refresh there: ${run}`
    : say`${count} of ${place} are as of their last refresh there: ${run}`
}

function statements(views: readonly MovedView[]): string {
  const more = views.length - mostNamed
  const named = views.slice(0, mostNamed).map(({ quoted }) => `refresh materialized view ${quoted}`)
  return named.join('; ') + (more > 0 ? say`; and ${more} more` : '')
}

interface MovedView extends Relation {
  /** Migrated materialized views that it reads. */
  reads: MovedView[]
}

/** Returns the views that failed, each with the reason. */
async function refreshAll(
  to: Session,
  views: readonly MovedView[],
  { options, signal }: ViewsWork,
): Promise<Map<MovedView, string>> {
  const failed = new Map<MovedView, string>()
  const stop = () =>
    void to
      .cancel()
      .catch(() => undefined)
      .finally(() => to.destroy())
  signal.addEventListener('abort', stop, { once: true })
  try {
    // Limits the wait for readers of the view: later queries on it queue behind the lock.
    await to.execute(`set lock_timeout = ${Math.ceil(options.timeout_seconds * 1000)}`)
    for (const view of views) {
      const words = await refresh(to, view, failed, signal)
      if (words !== undefined) failed.set(view, words)
    }
  } finally {
    signal.removeEventListener('abort', stop)
  }
  return failed
}

async function refresh(
  to: Session,
  view: MovedView,
  failed: ReadonlyMap<MovedView, string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (signal.aborted) return say`stopped before it was refreshed`
  const stale = view.reads.find((one) => failed.has(one))
  if (stale) return say`it reads ${showName(stale)}, which was not refreshed`
  try {
    await to.execute(`refresh materialized view ${view.quoted}`)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

interface Relation extends TableName {
  oid: number
  /** The name as SQL. */
  quoted: string
  kind: 'm' | 'v'
}

/** Views with rows on the old primary that the new one has too, in an order in which each can be refreshed. */
async function movedViews({ record, link, signal }: ViewsWork, to: Session): Promise<MovedView[]> {
  await using from = await Session.open(link.from, { signal })
  const filled = await from.query<TableName>(
    'select schemaname as schema, matviewname as name from pg_catalog.pg_matviews where ispopulated',
  )
  if (filled.length === 0) return []
  const hasRows = new Set(filled.map(tableKey))
  const relations = await to.query<Relation>(`
    select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind,
           pg_catalog.format('%I.%I', n.nspname, c.relname) as quoted
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('m', 'v') and c.oid >= 16384
       and not exists (select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
     order by n.nspname, c.relname`)
  const reads = await readEdges(to)
  const chosen = chosenOf(relations, reads, record)
  return inOrder(
    relations.filter((one) => one.kind === 'm' && chosen.has(one.oid) && hasRows.has(tableKey(one))),
    reads,
  )
}

/** OID of a view -> the views that it reads. */
async function readEdges(to: Session): Promise<Map<number, number[]>> {
  const rows = await to.query<{ reader: number; read: number }>(`
    select distinct r.ev_class as reader, d.refobjid as read
      from pg_catalog.pg_depend d
      join pg_catalog.pg_rewrite r on r.oid = d.objid
      join pg_catalog.pg_class c on c.oid = d.refobjid and c.relkind in ('m', 'v')
     where d.classid = 'pg_catalog.pg_rewrite'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
       and d.refobjid <> r.ev_class
     order by 1, 2`)
  const edges = new Map<number, number[]>()
  for (const { reader, read } of rows) {
    const known = edges.get(reader)
    if (known) known.push(read)
    else edges.set(reader, [read])
  }
  return edges
}

/** The views that the selection includes, and those that they need, without those that the destination had before. */
function chosenOf(
  relations: readonly Relation[],
  reads: ReadonlyMap<number, number[]>,
  { moved, kept = [] }: FollowRecord,
): Set<number> {
  const own = new Set(kept.map(tableKey))
  const selector = moved && new Selector(moved.selection)
  const verdict = ({ kind, schema, name }: Relation) =>
    selector?.verdict({ kind: kind === 'm' ? 'materializedViews' : 'views', schema, name }) ?? 'selected'
  const possible = relations.filter((one) => !own.has(tableKey(one)))
  const allowed = new Set(possible.filter((one) => verdict(one) !== 'excluded').map(({ oid }) => oid))
  const chosen = new Set<number>()
  const open = possible.filter((one) => verdict(one) === 'selected').map(({ oid }) => oid)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (chosen.has(next) || !allowed.has(next)) continue
    chosen.add(next)
    open.push(...(reads.get(next) ?? []))
  }
  return chosen
}

function inOrder(relations: readonly Relation[], reads: ReadonlyMap<number, number[]>): MovedView[] {
  const views = new Map(relations.map((one): [number, MovedView] => [one.oid, { ...one, reads: [] }]))
  const seen = new Set<number>()
  const ordered: MovedView[] = []
  const visit = (oid: number) => {
    if (seen.has(oid)) return
    seen.add(oid)
    for (const read of reads.get(oid) ?? []) visit(read)
    const view = views.get(oid)
    if (!view) return
    view.reads = sourcesOf(oid, views, reads)
    ordered.push(view)
  }
  for (const { oid } of relations) visit(oid)
  return ordered
}

/** The materialized views that a view reads, itself or through other views. */
function sourcesOf(
  reader: number,
  views: ReadonlyMap<number, MovedView>,
  reads: ReadonlyMap<number, number[]>,
): MovedView[] {
  const found = new Set<MovedView>()
  const seen = new Set<number>()
  const open = [...(reads.get(reader) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    const view = views.get(next)
    if (view) found.add(view)
    else open.push(...(reads.get(next) ?? []))
  }
  return [...found]
}
