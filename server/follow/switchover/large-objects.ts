// Large objects are not in the stream, so a switchover copies those again that have changed.
import { say } from '../../../shared/say.ts'
import { largeObjectStatements, readLargeObjects } from '../../catalog/large-objects.ts'
import { readServer } from '../../catalog/server.ts'
import { compareLargeObjects } from '../../compare/large-objects.ts'
import { ReadingEnd } from '../../compare/reading-end.ts'
import { copyLargeObjects } from '../../copy/large-objects.ts'
import { PgtrekError, ServerError } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import type { Link } from '../link.ts'

export interface LargeObjectsCopied {
  total: number
  copied: number
  removed: number
  /** Statements about owners and privileges that the destination rejected. */
  refused: string[]
}

const perTransaction = 500

/** Makes the large objects of both sides equal, or throws. */
export async function recopyLargeObjects(
  { from, to }: Pick<Link, 'from' | 'to'>,
  own: readonly number[] | undefined,
  signal: AbortSignal,
): Promise<LargeObjectsCopied> {
  const { changed, total } = await findChanged({ from, to }, signal)
  const unreadable = changed.filter(({ status }) => status === 'unknown')
  if (unreadable.length > 0) {
    throw new PgtrekError(
      say`our role has no permission to read ${unreadable.length} large objects (for example ${unreadable[0]?.oid}): grant select on them, on both sides`,
    )
  }
  const kept = own && new Set(own)
  const removed = changed
    .filter(({ oid, status }) => status === 'extra' && kept !== undefined && !kept.has(oid))
    .map(({ oid }) => oid)
  const copied = changed
    .filter(({ oid, status }) => status !== 'extra' && !kept?.has(oid))
    .map(({ oid }) => oid)
  const refused =
    copied.length + removed.length > 0 ? await replace({ from, to }, copied, removed, signal) : []
  return { total, copied: copied.length, removed: removed.length, refused }
}

async function findChanged({ from, to }: Pick<Link, 'from' | 'to'>, signal: AbortSignal) {
  await using source = await ReadingEnd.open(from, { signal })
  await using destination = await ReadingEnd.open(to, { signal })
  const { objects, source: total } = await compareLargeObjects(source, destination, {
    fast: false,
    signal,
    most: Number.POSITIVE_INFINITY,
  })
  return { changed: objects, total: total.rows }
}

/** In one transaction, so that readers of the destination see the old ones or the new ones. */
async function replace(
  { from, to }: Pick<Link, 'from' | 'to'>,
  copied: readonly number[],
  removed: readonly number[],
  signal: AbortSignal,
): Promise<string[]> {
  await using source = await Session.open(from, { signal })
  await using destination = await Session.open(to, { signal })
  const facts = await readLargeObjects(source, (await readServer(source)).superuser)
  const there = await readLargeObjects(destination, (await readServer(destination)).superuser)
  const before = new Map(there.map((one) => [one.oid, one]))
  const wanted = new Set(copied)
  const objects = facts.filter(({ oid }) => wanted.has(oid))
  await destination.execute('begin')
  for (const oid of [...copied, ...removed]) {
    if (before.has(oid)) await destination.execute(`select pg_catalog.lo_unlink(${oid})`)
  }
  for (let first = 0; first < objects.length; first += perTransaction) {
    const some = objects.slice(first, first + perTransaction)
    await copyLargeObjects({ source, destination, objects: some, signal, onProgress() {} })
  }
  const refused: string[] = []
  for (const object of objects) {
    // Owner and privileges as before on the destination; those of a new one as on the source.
    const model = { ...(before.get(object.oid) ?? object), comment: object.comment }
    for (const statement of largeObjectStatements(model, everything)) {
      if (!(await tried(destination, statement))) refused.push(statement)
    }
  }
  await destination.execute('commit')
  return refused
}

const everything = { owner: true, grants: true, comments: true, labels: true }

/** A role that is missing must not prevent copying the contents. */
async function tried(session: Session, statement: string): Promise<boolean> {
  await session.execute('savepoint about')
  try {
    await session.execute(statement)
    return true
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    await session.execute('rollback to about')
    return false
  }
}
