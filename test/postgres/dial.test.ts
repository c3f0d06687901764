// Attempts to connect to a program that is not a PostgreSQL server, or to none.
import { describe, expect, test } from 'bun:test'
import { createServer, type Socket } from 'node:net'
import { attemptsFor, dial } from '../../server/postgres/dial.ts'
import { Cancelled, type ConnectFailure } from '../../server/postgres/errors.ts'
import { sslModes } from '../../shared/ssl-modes.ts'
import { within } from '../../tools/eventually.ts'
import { refusal, settingsFor } from './refusal.ts'

describe('what answers at the other end', () => {
  test('with bytes injected after the agreement to TLS is refused', async () => {
    await using server = await pretender((socket) => socket.write('SR\0\0\0\x08\0\0\0\0'))
    const failure = await refusal(dial(settingsFor(`postgres://127.0.0.1:${server.port}/x?sslmode=require`)))
    expect(failure).toMatchObject({ reason: 'tls', message: expect.stringContaining('intercepted') })
  })

  test.each([
    ['answers nonsense', 'tls', (socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['hangs up', 'tls', (socket: Socket) => socket.end()],
    ['hangs up within the handshake', 'tls', (socket: Socket) => socket.end('S')],
    [
      'tears the connection away within the handshake',
      'tls',
      (socket: Socket) => {
        socket.once('data', () => socket.resetAndDestroy())
        socket.write('S')
      },
    ],
    [
      'talks in the clear within the handshake',
      'tls',
      (socket: Socket) => {
        socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
        socket.write('S')
      },
    ],
    ['says nothing', 'timeout', () => {}],
    ['says nothing within the handshake', 'timeout', (socket: Socket) => socket.write('S')],
  ] as [string, ConnectFailure, (socket: Socket) => void][])(
    'and %s fails for %s',
    async (_, reason, answer) => {
      await using server = await pretender(answer)
      const seconds = reason === 'timeout' ? 0.2 : 30
      const settings = settingsFor(
        `postgres://127.0.0.1:${server.port}/x?sslmode=require&connect_timeout=${seconds}`,
      )
      expect(await refusal(dial(settings))).toMatchObject({ reason })
    },
  )

  test('does not have to be waited for', async () => {
    const waiting = new AbortController()
    await using server = await pretender(() => waiting.abort())
    const settings = settingsFor(`postgres://127.0.0.1:${server.port}/x?sslmode=require`)
    const attempt = dial(settings, 'tls', waiting.signal).catch((error: unknown) => error)
    expect(await within('the attempt to end', attempt)).toBeInstanceOf(Cancelled)
  })
})

test.each([
  ['postgres://no-such-host.invalid/x', 'host', 'there is no host named no-such-host.invalid'],
  ['postgres://127.0.0.1:1/x', 'refused', 'nothing listens on 127.0.0.1:1'],
  ['postgres://localhost:1/x', 'refused', 'nothing listens on localhost:1'],
  ['postgres:///x?host=/nowhere', 'refused', 'the server socket /nowhere/.s.PGSQL.5432 does not exist'],
])('%s fails for %s', async (url, reason, message) => {
  const failure = await refusal(dial(settingsFor(url)))
  expect(failure).toMatchObject({ reason, message: expect.stringContaining(message) })
})

test('every sslmode defines the ways to try', () => {
  const ways = sslModes.map((mode) => attemptsFor(settingsFor(`postgres://h/x?sslmode=${mode}`)).join())
  expect(ways).toEqual(['plain', 'plain,tls', 'tls,plain', 'tls', 'tls', 'tls'])
})

/** A server with its own answer to the first bytes that it receives. */
async function pretender(answer: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      server.close()
    },
  }
}
