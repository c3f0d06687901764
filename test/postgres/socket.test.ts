// A connection delivers all bytes in order, and reports its end once.
import { afterEach, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, ServerSocket } from '../../server/postgres/socket.ts'
import { within } from '../../tools/eventually.ts'

const open: (Server | Socket | ServerSocket)[] = []
afterEach(() => {
  for (const end of open.splice(0)) 'close' in end ? end.close() : end.destroy()
})

type Place = { path: string } | { port: 0; host: string }
const somewhere: Place = { port: 0, host: '127.0.0.1' }

/** A server, its address, and its first connection. */
async function serve(place: Place = somewhere) {
  const arrival = Promise.withResolvers<Socket>()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    // Errors of the other end are caused by the test.
    socket.on('error', () => {})
    open.push(socket)
    arrival.resolve(socket)
  })
  open.push(server)
  const listening = Promise.withResolvers<void>()
  server.listen(place, listening.resolve)
  await listening.promise
  const address = server.address()
  if (address === null) throw new Error('no address')
  const target: Address =
    typeof address === 'string' ? { unix: address } : { hostname: address.address, port: address.port }
  return { target, arrived: () => within('a connection to arrive', arrival.promise) }
}

/** Both ends of a connection. */
async function connected(place?: Place) {
  const { target, arrived } = await serve(place)
  const here = ServerSocket.connect(target)
  open.push(here)
  const seen = listen(here)
  const there = await arrived()
  await seen.until('connect')
  return { here, there, seen }
}

/** The events of a socket, in order. */
function listen(socket: ServerSocket) {
  const events: string[] = []
  const waiting = new Map<string, () => void>()
  for (const name of ['connect', 'drain', 'error', 'close'] as const) {
    socket.on(name, (detail?: unknown) => {
      events.push(name === 'close' ? `close ${detail}` : name)
      waiting.get(name)?.()
    })
  }
  const until = async (name: string) => {
    if (events.some((event) => event.startsWith(name))) return
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.set(name, resolve)
    await within(`the event ${name}`, promise, undefined, () => events)
  }
  return { events, until }
}

/** Resolves when the other end has read everything. */
async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk))
  socket.on('end', resolve)
  socket.on('close', resolve)
  socket.resume()
  await within('the end of what is sent', promise, undefined, () => `${chunks.length} chunks`)
  return Buffer.concat(chunks)
}

/** Megabytes with different content. */
function megabyte(index: number): Buffer {
  const bytes = Buffer.alloc(1 << 20)
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE((index << 20) + at, at)
  return bytes
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('a slow reader gets every byte in order, and the writer is notified when to continue', async () => {
  const { here, there, seen } = await connected()
  const pieces = Array.from({ length: 24 }, (_, index) => megabyte(index))
  const reading = readAll(there)
  there.pause()
  const sent: number[] = []
  let refused = 0
  for (const [index, piece] of pieces.entries()) {
    if (!here.write(piece, () => sent.push(index))) refused++
  }
  expect(refused).toBeGreaterThan(0)
  expect(seen.events).toEqual(['connect'])
  expect(sent.length).toBeLessThan(pieces.length)
  there.resume()
  await seen.until('drain')
  expect(sent).toEqual(pieces.map((_, index) => index))
  // With an empty queue, bytes are sent at once again.
  expect(here.write(Buffer.from('more'))).toBe(true)
  here.end()
  expect(digest(await reading)).toBe(digest(Buffer.concat([...pieces, Buffer.from('more')])))
  expect(seen.events.filter((event) => event === 'drain')).toHaveLength(1)
})

test('end sends the waiting data before it ends the connection', async () => {
  const { here, there, seen } = await connected()
  const bytes = Buffer.concat([megabyte(0), megabyte(1), megabyte(2), megabyte(3), megabyte(4), megabyte(5)])
  here.write(bytes)
  here.end(Buffer.from('the last word'))
  expect(here.readyState).toBe('readOnly')
  expect(here.write(Buffer.from('too late'))).toBe(false)
  const received = await readAll(there)
  expect(received.subarray(-13).toString()).toBe('the last word')
  expect(digest(received)).toBe(digest(Buffer.concat([bytes, Buffer.from('the last word')])))
  there.end()
  await seen.until('close')
  expect(seen.events.at(-1)).toBe('close false')
})

test('after end, data is still received', async () => {
  const { here, there, seen } = await connected()
  const received: string[] = []
  here.on('data', (chunk) => void received.push(chunk.toString()))
  here.end(Buffer.from('question'))
  expect((await readAll(there)).toString()).toBe('question')
  there.end('answer')
  await seen.until('close')
  expect(received).toEqual(['answer'])
})

test('while it is paused no data arrives, and none is lost', async () => {
  const { here, there, seen } = await connected()
  const chunks: Buffer[] = []
  here.on('data', (chunk) => void chunks.push(chunk))
  here.pause()
  here.pause()
  const bytes = Buffer.concat(Array.from({ length: 16 }, (_, index) => megabyte(index)))
  there.end(bytes)
  // Data that is sent later over another connection arrives.
  for (let round = 1; round <= 3; round++) {
    const other = await connected()
    const seen = Promise.withResolvers<Buffer>()
    other.here.once('data', seen.resolve)
    other.there.write('later')
    await within('what is sent over another connection', seen.promise)
  }
  expect(chunks).toEqual([])
  here.resume()
  await seen.until('close')
  expect(digest(Buffer.concat(chunks))).toBe(digest(bytes))
})

test('a chunk is not changed by later chunks', async () => {
  const { here, there, seen } = await connected()
  const chunks: Buffer[] = []
  const digests: string[] = []
  here.on('data', (chunk) => {
    chunks.push(chunk)
    digests.push(digest(chunk))
  })
  there.end(Buffer.concat(Array.from({ length: 16 }, (_, index) => megabyte(index))))
  await seen.until('close')
  expect(chunks.length).toBeGreaterThan(1)
  expect(chunks.map(digest)).toEqual(digests)
})

describe('the end of a connection is reported once', () => {
  test('when the other end closes it', async () => {
    const { there, seen } = await connected()
    there.destroy()
    await seen.until('close')
    expect(seen.events).toEqual(['connect', 'close false'])
  })

  test('when the other end resets it, with the reason', async () => {
    const { here, there, seen } = await connected()
    here.once('error', (error) => expect(error).toMatchObject({ code: 'ECONNRESET' }))
    there.resetAndDestroy()
    await seen.until('close')
    expect(seen.events).toEqual(['connect', 'error', 'close true'])
    expect(here.destroyed).toBe(true)
  })

  test('when it is destroyed, after the caller has returned', async () => {
    const { here, there, seen } = await connected()
    here.on('data', () => seen.events.push('data'))
    const unsent = Promise.withResolvers<Error | undefined>()
    let written = 0
    while (here.write(megabyte(0))) expect(++written).toBeLessThan(100)
    here.write(Buffer.from('x'), unsent.resolve)
    here.destroy()
    here.destroy()
    there.write('never sent')
    expect(seen.events).toEqual(['connect'])
    await seen.until('close')
    expect(await within('what becomes of the bytes', unsent.promise)).toBeInstanceOf(Error)
    expect(seen.events).toEqual(['connect', 'close false'])
    expect(here.write(Buffer.from('x'))).toBe(false)
  })

  test('when a listener throws', async () => {
    const { here, there, seen } = await connected()
    const failure = new Error('cannot cope')
    here.once('data', () => {
      throw failure
    })
    here.once('error', (error) => expect(error).toBe(failure))
    there.write('something')
    await seen.until('close')
    expect(seen.events).toEqual(['connect', 'error', 'close true'])
  })
})

describe('an attempt', () => {
  test('that is abandoned before it is complete never connects', async () => {
    const { target, arrived } = await serve()
    const here = ServerSocket.connect(target)
    const seen = listen(here)
    open.push(here)
    here.destroy()
    // The system had started already. Its result is discarded.
    const there = await arrived()
    await readAll(there)
    expect(seen.events).toEqual(['close false'])
  })

  test('keeps data that is written early, and sends it when it is connected', async () => {
    const { target, arrived } = await serve()
    const here = ServerSocket.connect(target)
    open.push(here)
    expect(here.write(Buffer.from('early'))).toBe(false)
    here.end(Buffer.from(' bird'))
    const there = await arrived()
    expect((await readAll(there)).toString()).toBe('early bird')
  })

  test.each([
    ['where no server listens', { hostname: '127.0.0.1', port: 1 }, 'ECONNREFUSED'],
    ['at a name with several addresses', { hostname: 'localhost', port: 1 }, 'ECONNREFUSED'],
    ['at an unknown name', { hostname: 'no-such-host.invalid', port: 1 }, 'ENOTFOUND'],
    ['at a path where nothing is', { unix: '/nowhere/.s.PGSQL.5432' }, 'ENOENT'],
    ['at a path that is too long', { unix: `/tmp/${'long/'.repeat(40)}` }, 'EINVAL'],
    ['at a port that cannot be', { hostname: '127.0.0.1', port: 70000 }, 'ERR_OUT_OF_RANGE'],
  ])('%s fails with its code', async (_, address: Address, code) => {
    const here = ServerSocket.connect(address)
    const seen = listen(here)
    here.once('error', (error) => expect(error).toMatchObject({ code }))
    await seen.until('close')
    expect(seen.events).toEqual(['error', 'close true'])
  })
})

const hasLoopback6 = Object.values(networkInterfaces()).some((all) =>
  all?.some((one) => one.address === '::1'),
)

describe('a connection is possible', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pgtrek-socket-'))
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  test.each([
    ['over a Unix socket', true, { path: join(directory, 'listener') }],
    ['to an address of IPv6', hasLoopback6, { port: 0, host: '::1' }],
    ['over a name that is no file', process.platform === 'linux', { path: `\0${directory}` }],
  ] as [string, boolean, Place][])('%s', async (_, possible, place) => {
    if (!possible) return
    const { here, there, seen } = await connected(place)
    here.setNoDelay()
    here.setKeepAlive(30_000)
    here.end(Buffer.from('hello'))
    expect((await readAll(there)).toString()).toBe('hello')
    there.end()
    await seen.until('close')
  })
})
