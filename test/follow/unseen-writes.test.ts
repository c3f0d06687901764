// --verify is a proof: what others write to the destination after a table was compared is found, also when the server
// has not counted it yet.
import { describe, expect, test } from 'bun:test'
import { awaitCounted } from '../../server/follow/comparison/unseen-writes.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { type Moving, move } from '../../tools/moves/follow-run.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'

const logical = { settings: { wal_level: 'logical' } }

async function databases(from: Major, to: Major) {
  const source = await (await cluster(from, logical)).createDatabase()
  const destination = await (await cluster(to, logical)).createDatabase()
  await source.sql(`
    create table t (id int primary key, v text not null); insert into t select g, 'v' from generate_series(1, 100) g;
    create table quiet (id int primary key, v text); insert into quiet select g, 'v' from generate_series(1, 100) g;
    create table hot (id int primary key, n int not null); insert into hot select g, 0 from generate_series(1, 10) g`)
  return { source, destination }
}

const compared = (moving: Moving) =>
  moving.until('all tables compared', ({ verification }) => verification?.checked === 3)

describe.each([
  [17, 14],
  [12, 15],
  [15, 18],
] as const)('a move from %d to %d', (from, to) => {
  test('finds with --verify what others have written just before the switchover', async () => {
    const { source, destination } = await databases(from, to)
    await using moving = move({ source, destination })
    const client = destination.connect()
    await using _ = { [Symbol.asyncDispose]: () => client.end() }
    await client`select 1`
    await compared(moving)
    // The second write within a second is counted late, and from 14 on downwards perhaps never.
    await client.unsafe('update t set v = v where id = 8')
    await client.unsafe("update t set v = v || '!' where id = 7")
    const { error } = await moving.switchover({ verify: true })
    expect(error?.message).toContain('public.t (100 rows here, 100 there')
    await client.unsafe("update t set v = 'v' where id = 7")
    const { report, error: other } = await moving.switchover({ verify: true })
    expect(other).toBeUndefined()
    expect(report?.tables.map(({ name, equal }) => [name, equal])).toEqual([
      ['hot', true],
      ['quiet', true],
      ['t', true],
    ])
  })
})

test('tables that only the move writes to are not compared whole again', async () => {
  const { source, destination } = await databases(15, 18)
  await using moving = move({ source, destination })
  await compared(moving)
  for (let round = 0; round < 20; round++) {
    await source.sql(`update hot set n = ${round}; insert into t values (${1000 + round}, 'new')`)
  }
  const { report, error } = await moving.switchover({ verify: true })
  expect(error).toBeUndefined()
  expect(report?.tables.filter(({ before }) => before === undefined).map(({ name }) => name)).toEqual([])
})

describe('sessions of others', () => {
  const never = new AbortController().signal
  const who = (found: { who: string }[]) => found.map((one) => /^\S+/.exec(one.who)?.[0])

  async function sessions(major: Major) {
    const server = await cluster(major, logical)
    const database = await server.createDatabase()
    await database.sql('create table t (id int)')
    const [row] = await database.sql<{ oid: number }>("select 't'::regclass::oid::int as oid")
    const named = async (name: string, options: { user?: string } = {}) => {
      const client = database.connect(options)
      await client.unsafe(`set application_name = '${name}'`)
      return client
    }
    const own = await Session.open(resolveSettings({ url: database.url }))
    return { database, named, own, oids: [row?.oid ?? 0] }
  }

  test('in a transaction count until it began; of those that are idle it is waited for', async () => {
    const { named, own, oids } = await sessions(18)
    await using session = own
    const [busy, idle] = [await named('busy'), await named('idle')]
    await using _ = { [Symbol.asyncDispose]: async () => void (await Promise.all([busy.end(), idle.end()])) }
    await busy.unsafe('begin; select 1')
    const waits: (readonly string[])[] = []
    const wait = { oids, signal: never, onWait: (sessions: readonly string[]) => void waits.push(sessions) }
    const at = await awaitCounted(session, { ...wait, matters: () => false })
    expect(
      who(at)
        .filter((name) => name === 'busy' || name === 'idle')
        .sort(),
    ).toEqual(['busy', 'idle'])
    const later = await awaitCounted(session, { ...wait, matters: () => true })
    expect(who(later)).toContain('busy')
    expect(who(later)).not.toContain('idle')
    expect(waits).toHaveLength(1)
    expect(waits.join()).toContain('idle')
  })

  test('are not waited for before 15, which does not count when a session is idle', async () => {
    const { named, own, oids } = await sessions(14)
    await using session = own
    const idle = await named('idle')
    await using _ = { [Symbol.asyncDispose]: () => idle.end() }
    const found = await awaitCounted(session, { oids, signal: never, matters: () => true, onWait: () => {} })
    expect(who(found)).toContain('idle')
  })

  test('of roles that may not write to the tables do not matter', async () => {
    const { database, named, own, oids } = await sessions(17)
    await using session = own
    await database.sql(
      'drop role if exists only_reads; create role only_reads login; grant select on t to only_reads',
    )
    const reader = await named('reader', { user: 'only_reads' })
    await using _ = { [Symbol.asyncDispose]: () => reader.end() }
    const found = await awaitCounted(session, { oids, signal: never, matters: () => false, onWait: () => {} })
    expect(who(found)).not.toContain('reader')
  })

  test('of which our role may not see the activity may have written at any time', async () => {
    const { database, named, own, oids } = await sessions(17)
    await using _own = own
    await database.sql(`
      drop role if exists sees_little; create role sees_little login; grant pg_read_all_data to sees_little`)
    const client = await named('hidden')
    await using _ = { [Symbol.asyncDispose]: () => client.end() }
    const url = new URL(database.url)
    url.username = 'sees_little'
    await using session = await Session.open(resolveSettings({ url: url.href }))
    const found = await awaitCounted(session, { oids, signal: never, matters: () => false, onWait: () => {} })
    expect(found.some(({ until }) => until === Number.POSITIVE_INFINITY)).toBe(true)
  })
})
