// A subscription of the server that is watched while it applies changes.
import { expect, test } from 'bun:test'
import { Session } from '../../server/postgres/session.ts'
import { NativeFollower } from '../../server/replication/native/native-follower.ts'
import { createSubscription, dropSubscription } from '../../server/replication/native/subscription.ts'
import { dropSlot } from '../../server/replication/stream/slot.ts'
import { within } from '../../tools/eventually.ts'
import { settingsOf } from '../../tools/moves/following.ts'
import { cluster } from '../../tools/servers/clusters.ts'

test('a subscription that was dropped has failed, and its watch ends', async () => {
  const logical = { settings: { wal_level: 'logical' } }
  const source = await (await cluster(15, logical)).createDatabase()
  const destination = await (await cluster(17, logical)).createDatabase()
  const table = 'create table t (id int primary key)'
  await source.sql(`${table}; create publication dropped for table t`)
  await destination.sql(table)
  const [from, to] = [settingsOf(source), settingsOf(destination)]
  await using session = await Session.open(to)
  await createSubscription(session, 'dropped', from, ['dropped'], 'dropped')
  const failed = Promise.withResolvers<string>()
  const follower = await NativeFollower.start({
    source: from,
    destination: to,
    subscription: 'dropped',
    onLook: () => follower.status.lastError && failed.resolve(follower.status.phase),
    onCopied: () => {},
  })
  await dropSubscription(session, 'dropped')
  expect(await within('the failure', failed.promise)).toBe('failed')
  await expect(follower.done).rejects.toThrow('the destination no longer has subscription dropped')
  await using other = await Session.open(from)
  await dropSlot(other, 'dropped', { isOurs: true })
})
