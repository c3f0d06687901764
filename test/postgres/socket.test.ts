// What a connection's bytes are promised: they arrive whole and in order, and its end is told once.
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

/** A server, how to get there, and the first connection that arrives. */
async function serve(place: Place = somewhere) {
  const arrival = Promise.withResolvers<Socket>()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    // What goes wrong over there is the doing of the test.
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
  const told = listen(here)
  const there = await arrived()
  await told.until('connect')
  return { here, there, told }
}

/** What a socket tells, in order. */
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

/** Resolves when the other end has read everything there is. */
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

/** Megabytes that differ from each other. */
function megabyte(index: number): Buffer {
  const bytes = Buffer.alloc(1 << 20)
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE((index << 20) + at, at)
  return bytes
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('a reader that takes its time gets every byte in order, and the writer is told when to go on', async () => {
  const { here, there, told } = await connected()
  const pieces = Array.from({ length: 24 }, (_, index) => megabyte(index))
  const reading = readAll(there)
  there.pause()
  const sent: number[] = []
  let refused = 0
  for (const [index, piece] of pieces.entries()) {
    if (!here.write(piece, () => sent.push(index))) refused++
  }
  expect(refused).toBeGreaterThan(0)
  expect(told.events).toEqual(['connect'])
  expect(sent.length).toBeLessThan(pieces.length)
  there.resume()
  await told.until('drain')
  expect(sent).toEqual(pieces.map((_, index) => index))
  // Once the queue is empty, bytes go out at once again.
  expect(here.write(Buffer.from('more'))).toBe(true)
  here.end()
  expect(digest(await reading)).toBe(digest(Buffer.concat([...pieces, Buffer.from('more')])))
  expect(told.events.filter((event) => event === 'drain')).toHaveLength(1)
})

test('end sends what is waiting before it says that nothing more will come', async () => {
  const { here, there, told } = await connected()
  const bytes = Buffer.concat([megabyte(0), megabyte(1), megabyte(2), megabyte(3), megabyte(4), megabyte(5)])
  here.write(bytes)
  here.end(Buffer.from('the last word'))
  expect(here.readyState).toBe('readOnly')
  expect(here.write(Buffer.from('too late'))).toBe(false)
  const received = await readAll(there)
  expect(received.subarray(-13).toString()).toBe('the last word')
  expect(digest(received)).toBe(digest(Buffer.concat([bytes, Buffer.from('the last word')])))
  there.end()
  await told.until('close')
  expect(told.events.at(-1)).toBe('close false')
})

test('after its end the other one may still speak', async () => {
  const { here, there, told } = await connected()
  const heard: string[] = []
  here.on('data', (chunk) => void heard.push(chunk.toString()))
  here.end(Buffer.from('question'))
  expect((await readAll(there)).toString()).toBe('question')
  there.end('answer')
  await told.until('close')
  expect(heard).toEqual(['answer'])
})

test('while it is paused nothing comes, and nothing is lost', async () => {
  const { here, there, told } = await connected()
  const chunks: Buffer[] = []
  here.on('data', (chunk) => void chunks.push(chunk))
  here.pause()
  here.pause()
  const bytes = Buffer.concat(Array.from({ length: 16 }, (_, index) => megabyte(index)))
  there.end(bytes)
  // What is sent later over another connection comes.
  for (let round = 1; round <= 3; round++) {
    const other = await connected()
    const heard = Promise.withResolvers<Buffer>()
    other.here.once('data', heard.resolve)
    other.there.write('later')
    await within('what is sent over another connection', heard.promise)
  }
  expect(chunks).toEqual([])
  here.resume()
  await told.until('close')
  expect(digest(Buffer.concat(chunks))).toBe(digest(bytes))
})

test('a chunk stays as it was when the next ones have come', async () => {
  const { here, there, told } = await connected()
  const chunks: Buffer[] = []
  const digests: string[] = []
  here.on('data', (chunk) => {
    chunks.push(chunk)
    digests.push(digest(chunk))
  })
  there.end(Buffer.concat(Array.from({ length: 16 }, (_, index) => megabyte(index))))
  await told.until('close')
  expect(chunks.length).toBeGreaterThan(1)
  expect(chunks.map(digest)).toEqual(digests)
})

describe('the end of a connection is told once', () => {
  test('when the other end hangs up', async () => {
    const { there, told } = await connected()
    there.destroy()
    await told.until('close')
    expect(told.events).toEqual(['connect', 'close false'])
  })

  test('when the other end is torn away, with the reason', async () => {
    const { here, there, told } = await connected()
    here.once('error', (error) => expect(error).toMatchObject({ code: 'ECONNRESET' }))
    there.resetAndDestroy()
    await told.until('close')
    expect(told.events).toEqual(['connect', 'error', 'close true'])
    expect(here.destroyed).toBe(true)
  })

  test('when it is destroyed, not before whoever does so is done', async () => {
    const { here, there, told } = await connected()
    here.on('data', () => told.events.push('data'))
    const unsent = Promise.withResolvers<Error | undefined>()
    let written = 0
    while (here.write(megabyte(0))) expect(++written).toBeLessThan(100)
    here.write(Buffer.from('x'), unsent.resolve)
    here.destroy()
    here.destroy()
    there.write('nobody hears this')
    expect(told.events).toEqual(['connect'])
    await told.until('close')
    expect(await within('what becomes of the bytes', unsent.promise)).toBeInstanceOf(Error)
    expect(told.events).toEqual(['connect', 'close false'])
    expect(here.write(Buffer.from('x'))).toBe(false)
  })

  test('when a listener cannot cope with what it heard', async () => {
    const { here, there, told } = await connected()
    const failure = new Error('cannot cope')
    here.once('data', () => {
      throw failure
    })
    here.once('error', (error) => expect(error).toBe(failure))
    there.write('something')
    await told.until('close')
    expect(told.events).toEqual(['connect', 'error', 'close true'])
  })
})

describe('an attempt', () => {
  test('that is given up before it is through never connects', async () => {
    const { target, arrived } = await serve()
    const here = ServerSocket.connect(target)
    const told = listen(here)
    open.push(here)
    here.destroy()
    // The system had begun already; what comes of it is dropped.
    const there = await arrived()
    await readAll(there)
    expect(told.events).toEqual(['close false'])
  })

  test('takes what is written early and sends it when it is through', async () => {
    const { target, arrived } = await serve()
    const here = ServerSocket.connect(target)
    open.push(here)
    expect(here.write(Buffer.from('early'))).toBe(false)
    here.end(Buffer.from(' bird'))
    const there = await arrived()
    expect((await readAll(there)).toString()).toBe('early bird')
  })

  test.each([
    ['where nobody listens', { hostname: '127.0.0.1', port: 1 }, 'ECONNREFUSED'],
    ['at a name with several addresses', { hostname: 'localhost', port: 1 }, 'ECONNREFUSED'],
    ['at a name that nobody has', { hostname: 'no-such-host.invalid', port: 1 }, 'ENOTFOUND'],
    ['at a path where nothing is', { unix: '/nowhere/.s.PGSQL.5432' }, 'ENOENT'],
    ['at a path that is too long', { unix: `/tmp/${'long/'.repeat(40)}` }, 'EINVAL'],
    ['at a port that cannot be', { hostname: '127.0.0.1', port: 70000 }, 'ERR_OUT_OF_RANGE'],
  ])('%s fails with its code', async (_, address: Address, code) => {
    const here = ServerSocket.connect(address)
    const told = listen(here)
    here.once('error', (error) => expect(error).toMatchObject({ code }))
    await told.until('close')
    expect(told.events).toEqual(['error', 'close true'])
  })
})

const hasLoopback6 = Object.values(networkInterfaces()).some((all) =>
  all?.some((one) => one.address === '::1'),
)

describe('a connection goes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pgtrek-socket-'))
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  test.each([
    ['over a Unix socket', true, { path: join(directory, 'listener') }],
    ['to an address of IPv6', hasLoopback6, { port: 0, host: '::1' }],
    ['over a name that is no file', process.platform === 'linux', { path: `\0${directory}` }],
  ] as [string, boolean, Place][])('%s', async (_, possible, place) => {
    if (!possible) return
    const { here, there, told } = await connected(place)
    here.setNoDelay()
    here.setKeepAlive(30_000)
    here.end(Buffer.from('hello'))
    expect((await readAll(there)).toString()).toBe('hello')
    there.end()
    await told.until('close')
  })
})
