// Two databases whose source tables are altered while they are followed.
import { expect } from 'bun:test'
import { Follower } from '../../server/replication/apply/follower.ts'
import { type SchemaChanges, schemaChangesFor } from '../../server/replication/tables/schema-changes.ts'
import type { FollowConflict, FollowEvent } from '../../shared/follow.ts'
import { inSession, link, type Pair } from '../../tools/moves/following.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'

export async function pairWith(
  from: Major,
  to: Major,
  tables: string,
  onDestination = tables,
): Promise<Pair> {
  const source = await (await cluster(from)).createDatabase()
  const destination = await (await cluster(to)).createDatabase()
  await source.sql(tables)
  await destination.sql(onDestination)
  return { source, destination }
}

export async function followed(pair: Pair, viaRoot = false) {
  const events: FollowEvent[] = []
  const arrived = Promise.withResolvers<FollowConflict>()
  const options = await link(pair, { viaRoot })
  const follower = await Follower.start({
    ...options,
    onEvent(event) {
      events.push(event)
      if (event.type === 'follow_conflict') arrived.resolve(event.conflict)
    },
  })
  follower.done.catch(arrived.reject)
  return { follower, options, events, conflict: arrived.promise }
}

export function propose({ source, destination }: Pair, name = 't'): Promise<SchemaChanges> {
  return inSession(source, (there) =>
    inSession(destination, (here) => schemaChangesFor(there, here, { schema: 'public', name })),
  )
}

export function expectLines(found: readonly string[], wanted: readonly (string | RegExp)[]) {
  const fits = (line: string, one: string | RegExp | undefined) =>
    one === undefined ? false : typeof one === 'string' ? line === one : one.test(line)
  const same = found.length === wanted.length && found.every((line, index) => fits(line, wanted[index]))
  if (!same) expect(found.join('\n')).toBe(wanted.map(String).join('\n'))
}
