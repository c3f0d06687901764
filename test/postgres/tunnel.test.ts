// A program that uses a session of ours gets an error when the session ends.
import { expect, test } from 'bun:test'
import { ConnectionLost } from '../../server/postgres/errors.ts'
import { queryMessage } from '../../server/postgres/messages.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { Tunnel } from '../../server/postgres/tunnel.ts'
import { within } from '../../tools/eventually.ts'
import { cluster } from '../../tools/servers/clusters.ts'

test('after a connection is lost while the program is busy with an answer, its next request fails', async () => {
  const server = await cluster(17)
  const session = await Session.open(resolveSettings({ url: server.url('postgres') }))
  using tunnel = new Tunnel(session)
  await tunnel.exchange(Buffer.from('the start of a session'))
  expect((await tunnel.exchange(queryMessage('select 1'))).length).toBeGreaterThan(0)
  const closed = new Promise((resolve) => session.tap.once('close', resolve))
  await server.sql('postgres', 'select pg_terminate_backend($1)', [session.tap.pid])
  await within('the end of the connection', closed)
  const failure = tunnel.exchange(queryMessage('select 2')).catch((error: unknown) => error)
  expect(await within('the answer', failure)).toBeInstanceOf(ConnectionLost)
})
