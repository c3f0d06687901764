// Compares large objects by hashes of slices on their servers, because a whole object may exceed the size of a value.
import type { LargeObjectsComparison } from '../../shared/comparison.ts'
import { readLargeObjects } from '../catalog/large-objects.ts'
import { Cancelled } from '../postgres/errors.ts'
import { settled } from './fingerprint.ts'
import type { ReadingEnd } from './reading-end.ts'

const sliceBytes = 256 * 1024
const objectsPerQuery = 200
const mostNamed = 100

interface State {
  size: number
  /** Undefined if the object may not be read. */
  hash: bigint | undefined
}

export async function compareLargeObjects(
  source: ReadingEnd,
  destination: ReadingEnd,
  { fast, signal, most = mostNamed }: { fast: boolean; signal: AbortSignal; most?: number },
): Promise<LargeObjectsComparison> {
  const read = (end: ReadingEnd) => readStates(end, fast, signal)
  const [here, there] = await settled([read(source), read(destination)])
  if (!here || !there) throw new Error('expected a result from both servers')
  const result: LargeObjectsComparison = {
    source: total(here, fast),
    destination: total(there, fast),
    missing: 0,
    extra: 0,
    different: 0,
    unreadable: 0,
    objects: [],
  }
  for (const oid of [...new Set([...here.keys(), ...there.keys()])].sort((one, other) => one - other)) {
    const status = statusOf(here.get(oid), there.get(oid))
    if (status === 'same') continue
    result[status === 'unknown' ? 'unreadable' : status]++
    if (result.objects.length < most) result.objects.push({ oid, status })
  }
  return result
}

async function readStates(end: ReadingEnd, fast: boolean, signal: AbortSignal): Promise<Map<number, State>> {
  const facts = await end.read((session) => readLargeObjects(session, end.server.superuser))
  const states = new Map<number, State>(facts.map(({ oid, size }) => [oid, { size, hash: undefined }]))
  const readable = facts.filter(({ mayRead }) => mayRead)
  for (let first = 0; first < readable.length; first += objectsPerQuery) {
    if (signal.aborted) throw new Cancelled()
    const some = readable.slice(first, first + objectsPerQuery)
    for (const { oid, hash } of fast ? some.map((one) => ({ ...one, hash: '0' })) : await hashes(end, some)) {
      states.set(oid, { size: states.get(oid)?.size ?? 0, hash: BigInt(hash) })
    }
  }
  return states
}

function hashes(end: ReadingEnd, objects: readonly { oid: number; size: number }[]) {
  const list = objects.map(({ oid, size }) => `(${oid}::oid, ${size}::bigint)`).join(', ')
  return end.read((session) =>
    session.query<{ oid: number; hash: string }>(`
      select o.oid,
             coalesce(sum(pg_catalog.hashtextextended(
               pg_catalog.encode(pg_catalog.lo_get(o.oid, s.start, ${sliceBytes}), 'hex') collate "C", s.start)), 0)::text as hash
        from (values ${list}) o (oid, size)
        left join lateral pg_catalog.generate_series(0, o.size - 1, ${sliceBytes}) s (start) on true
       group by o.oid`),
  )
}

function statusOf(ours: State | undefined, theirs: State | undefined) {
  if (!theirs) return 'missing'
  if (!ours) return 'extra'
  if (ours.hash === undefined || theirs.hash === undefined) return 'unknown'
  return ours.size === theirs.size && ours.hash === theirs.hash ? 'same' : 'different'
}

function total(states: ReadonlyMap<number, State>, fast: boolean) {
  const sum = [...states.values()].reduce((all, { hash = 0n }) => all + hash, 0n)
  return { rows: states.size, hash: fast ? null : String(sum) }
}
