// A new slot waits for prepared transactions of every database, names them, and can be cancelled.
import { expect, test } from 'bun:test'
import { makeSlot } from '../../server/follow/link.ts'
import { settingsOf } from '../../tools/moves/following.ts'
import { cluster } from '../../tools/servers/clusters.ts'

test('a prepared transaction of another database is named while the slot waits for it', async () => {
  const server = await cluster(15)
  const [source, other, destination] = [
    await server.createDatabase(),
    await server.createDatabase(),
    await server.createDatabase(),
  ]
  await other.sql("create table t (id int); begin; insert into t values (1); prepare transaction 'slot''s'")
  try {
    const stop = new AbortController()
    const reported = Promise.withResolvers<string>()
    const made = makeSlot({
      direction: 'forward',
      from: settingsOf(source),
      to: settingsOf(destination),
      names: {
        slot: 'prepared_wait',
        publication: 'prepared_wait',
        ownPublication: true,
        position: 'prepared_wait',
      },
      move: 'prepared_wait',
      tables: [],
      insertsOnly: [],
      signal: stop.signal,
      say: reported.resolve,
    })
    made.catch(reported.reject)
    expect(await reported.promise).toContain(
      `in ${other.name}, commit prepared 'slot''s' or rollback prepared`,
    )
    stop.abort()
    await expect(made).rejects.toThrow()
  } finally {
    await other.sql("rollback prepared 'slot''s'")
  }
})
