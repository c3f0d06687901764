// A listener in place of a PostgreSQL server. By default it accepts every login and answers the first queries of a
// session.
import { message } from '../../server/postgres/messages.ts'

export type Fake = {
  /** One connection; its messages are not read. */
  say(...bytes: (Uint8Array | string)[]): void
  /** Sends the same again and again, as fast as it is read, until the connection ends. */
  sayForEver(bytes: Uint8Array): void
  hangUp(): void
  /** The number of earlier connections. */
  readonly place: number
}

export interface Behaviour {
  /** Instead of the answer to a request for TLS. */
  onTls?: (fake: Fake) => void
  /** Instead of accepting every login. */
  onStart?: (fake: Fake) => void
  /** A password, or a step of SASL. */
  onPassword?: (fake: Fake, body: Buffer) => void
  /** True when it has answered; a Sync of the extended protocol counts as the query `sync`. */
  onQuery?: (fake: Fake, sql: string) => boolean
}

export interface FakeServer extends Disposable {
  port: number
  /** Open connections. */
  readonly open: number
}

export const text = (value: string) => Buffer.from(`${value}\0`)
export const int16 = (value: number) => Buffer.from([value >> 8, value])
export const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value | 0)
  return bytes
}

export function say(type: string, ...parts: Uint8Array[]): Buffer {
  return message(type.charCodeAt(0), Buffer.concat(parts))
}

/** A message with this length in its header. */
export function lying(type: string, length: number): Buffer {
  return Buffer.concat([Buffer.from(type), int32(length), Buffer.alloc(64, 'x')])
}

export const ready = say('Z', Buffer.from('I'))
export const done = (tag: string) => say('C', text(tag))
export const authentication = (kind: number, content: Uint8Array = Buffer.alloc(0)) =>
  say('R', int32(kind), content)
export const parameter = (name: string, value: string) => say('S', text(name), text(value))
export const notice = (words = 'a word') => say('N', Buffer.from(`SNOTICE\0VNOTICE\0C00000\0M${words}\0\0`))

/** OIDs of types (default: text). */
export const columns = (...names: (string | [string, number])[]) =>
  say(
    'T',
    int16(names.length),
    ...names.map((one) => {
      const [name, type] = typeof one === 'string' ? [one, 25] : one
      return Buffer.concat([text(name), int32(0), int16(0), int32(type), int16(-1), int32(-1), int16(0)])
    }),
  )

export const row = (...values: string[]) =>
  say(
    'D',
    int16(values.length),
    ...values.map((value) => Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)])),
  )

export const welcome = [
  authentication(0),
  parameter('server_version', '17.0'),
  parameter('server_encoding', 'UTF8'),
  say('K', int32(4711), int32(1)),
  ready,
]

const sslRequest = 80877103
const cancelRequest = 80877102

interface Connection {
  unread: Buffer
  hasStarted: boolean
  fake: Fake
  refill: () => void
}

export function startFake(behaviour: Behaviour = {}): FakeServer {
  const open = new Set<Bun.Socket<Connection>>()
  let taken = 0
  const server = Bun.listen<Connection>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open(socket) {
        open.add(socket)
        socket.data = {
          unread: Buffer.alloc(0),
          hasStarted: false,
          fake: fakeOf(socket, taken++),
          refill: () => {},
        }
      },
      data: (socket, bytes) => hear(socket, bytes, behaviour),
      drain: (socket) => socket.data.refill(),
      close: (socket) => {
        open.delete(socket)
      },
      error() {},
    },
  })
  return {
    port: server.port,
    get open() {
      return open.size
    },
    [Symbol.dispose]() {
      for (const socket of open) socket.terminate()
      server.stop(true)
    },
  }
}

function fakeOf(socket: Bun.Socket<Connection>, place: number): Fake {
  /** Written, and not read yet. */
  let waiting: Buffer = Buffer.alloc(0)
  const send = (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes])
    const taken = Math.max(0, socket.write(waiting))
    waiting = waiting.subarray(taken)
  }
  return {
    place,
    say(...bytes) {
      send(Buffer.concat(bytes.map((one) => Buffer.from(one as Uint8Array))))
      socket.data.refill = () => send(Buffer.alloc(0))
    },
    sayForEver(bytes) {
      const times = Math.ceil(65_536 / bytes.length)
      const piece = Buffer.concat(Array.from({ length: times }, () => bytes))
      const fill = () => {
        send(Buffer.alloc(0))
        while (waiting.length === 0 && socket.readyState === 1) send(piece)
      }
      socket.data.refill = fill
      fill()
    },
    hangUp: () => void socket.end(),
  }
}

function hear(socket: Bun.Socket<Connection>, bytes: Buffer, behaviour: Behaviour) {
  const { data } = socket
  const { fake } = data
  data.unread = Buffer.concat([data.unread, bytes])
  for (;;) {
    const head = data.hasStarted ? 5 : 4
    if (data.unread.length < head) return
    const size = data.unread.readUInt32BE(head - 4) + head - 4
    if (data.unread.length < size) return
    const body = data.unread.subarray(head, size)
    const type = data.hasStarted ? String.fromCharCode(data.unread[0] as number) : ''
    data.unread = data.unread.subarray(size)
    if (type === 'Q') answer(fake, body.toString('utf8', 0, body.length - 1), behaviour)
    else if (type === 'S') answer(fake, 'sync', behaviour)
    else if (type === 'p') behaviour.onPassword?.(fake, Buffer.from(body))
    else if (type === '') start(data, body, behaviour)
  }
}

function start(data: Connection, body: Buffer, { onTls, onStart }: Behaviour) {
  const { fake } = data
  const code = body.readInt32BE(0)
  if (code === cancelRequest) return fake.hangUp()
  if (code === sslRequest) return onTls ? onTls(fake) : fake.say('N')
  data.hasStarted = true
  if (onStart) onStart(fake)
  else fake.say(...welcome)
}

function answer(fake: Fake, sql: string, { onQuery }: Behaviour) {
  if (onQuery?.(fake, sql)) return
  const [, echo] = /'([^']*)'::text as echo/.exec(sql) ?? []
  if (echo) {
    fake.say(
      columns(['pid', 23], 'start', 'echo'),
      row('4711', '1700000000.5', echo),
      done('SELECT 1'),
      ready,
    )
  } else fake.say(done('SET'), ready)
}
