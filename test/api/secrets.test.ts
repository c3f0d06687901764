// To which servers of requests the owner's passwords are sent, and how.
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownerOf } from '../../server/cli/owner.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { type Cluster, cluster } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { type Api, startApi } from '../support/api.ts'

const secret = 'only-the-owner-knows'
const ways = { clear: [0, 0, 0, 3], md5: [0, 0, 0, 5, 1, 2, 3, 4] }

/** A server that requests the password in a given way, and keeps everything that is sent. */
class Listener implements Disposable {
  sent = ''
  way: keyof typeof ways = 'clear'
  readonly #server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data: (socket, bytes) => {
        this.sent += Buffer.from(bytes).toString('latin1')
        const isFirst = bytes[0] === 0
        if (isFirst && bytes.length === 8) socket.write('N')
        else if (isFirst) {
          const body = ways[this.way]
          socket.write(Buffer.from(['R'.charCodeAt(0), 0, 0, 0, 4 + body.length, ...body]))
        } else socket.end()
      },
    },
  })

  get port() {
    return this.#server.port
  }

  [Symbol.dispose]() {
    this.#server.stop(true)
  }
}

const variables = [
  'PGHOST',
  'PGPORT',
  'PGUSER',
  'PGPASSWORD',
  'PGPASSFILE',
  'PGSSLMODE',
  'PGOPTIONS',
] as const
const before = variables.map((name) => [name, process.env[name]] as const)
const passfile = join(scratchDirectory(), 'passfile')
let listener: Listener
const opened: Api[] = []

beforeAll(() => {
  listener = new Listener()
})

beforeEach(() => {
  listener.sent = ''
  listener.way = 'clear'
  for (const name of variables) delete process.env[name]
  process.env.PGPASSFILE = passfile
  keep('')
})

afterAll(async () => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  listener[Symbol.dispose]()
  for (const api of opened) await api.server.close()
})

function keep(lines: string) {
  writeFileSync(passfile, lines)
  chmodSync(passfile, 0o600)
}

interface Start {
  source?: string
  allowCleartext?: boolean
}

/** Like `pgtrek serve` in this environment. */
async function serve({ source, allowCleartext }: Start = {}): Promise<Api> {
  const named = source === undefined ? [] : [resolveSettings({ url: source })]
  const api = await startApi({ owner: ownerOf(named, allowCleartext) })
  opened.push(api)
  return api
}

async function tried(api: Api, conn: object) {
  const { status, json, text } = await api.post('/api/test-connection', { conn })
  expect(text).not.toContain(secret)
  return { status, message: json.message as string }
}

const here = () => `127.0.0.1:${listener.port}`

test.each([
  ['PGPASSWORD', () => (process.env.PGPASSWORD = secret), ''],
  ['PGPASSWORD of another user', () => Object.assign(process.env, elsewhere({ PGUSER: 'owner' })), ''],
  ['PGPASSWORD of another port', () => Object.assign(process.env, elsewhere({ PGPORT: '1' })), ''],
  ['a password file with a line for every server', () => keep(`*:*:*:*:${secret}\n`), ''],
  ['a password file with a line for every port', () => keep(`127.0.0.1:*:*:me:${secret}\n`), ''],
  [
    'a password file with a line for every user',
    () => keep(`127.0.0.1:${listener.port}:*:*:${secret}\n`),
    '',
  ],
  [
    'a line for the name, with an address that the request chose',
    () => keep(`old.example.com:${listener.port}:*:me:${secret}\n`),
    '?host=old.example.com&hostaddr=127.0.0.1',
  ],
  [
    'PGPASSWORD for the name, with an address that the request chose',
    () => Object.assign(process.env, elsewhere({ PGHOST: 'old.example.com' })),
    '?host=old.example.com&hostaddr=127.0.0.1',
  ],
])('%s does not go to a server that only the request names', async (_, prepare, query) => {
  prepare()
  const api = await serve({ allowCleartext: true })
  await tried(api, { url: `postgres://me@${query ? `:${listener.port}` : here()}/shop${query}` })
  expect(listener.sent).toContain('me')
  expect(listener.sent).not.toContain(secret)
})

function elsewhere(more: Record<string, string>) {
  return { PGHOST: '127.0.0.1', PGPORT: String(listener.port), PGUSER: 'me', PGPASSWORD: secret, ...more }
}

test('a password file of the request and other settings of the owner are not used either', async () => {
  const other = join(scratchDirectory(), 'other-passfile')
  writeFileSync(other, `*:*:*:*:${secret}\n`, { mode: 0o600 })
  process.env.PGOPTIONS = `-c my.setting=${secret}`
  const api = await serve({ allowCleartext: true })
  await tried(api, { url: `postgres://me@${here()}/shop?passfile=${other}` })
  expect(listener.sent).toContain('shop')
  expect(listener.sent).not.toContain(secret)
})

test('the owner names servers by PGHOST, PGPORT and PGUSER, by a flag, and by a complete line of the password file', async () => {
  const sent = async (start: Start, conn: object) => {
    listener.sent = ''
    await tried(await serve({ ...start, allowCleartext: true }), conn)
    return listener.sent.includes(secret)
  }
  const fields = { host: '127.0.0.1', port: listener.port, user: 'me', database: 'shop' }
  Object.assign(process.env, elsewhere({}))
  expect(await sent({}, fields)).toBe(true)
  expect(await sent({}, { database: 'another' })).toBe(true)
  for (const name of variables) delete process.env[name]
  expect(await sent({}, fields)).toBe(false)
  const source = `postgres://me:${secret}@${here()}/shop`
  expect(await sent({ source }, fields)).toBe(true)
  expect(await sent({ source }, { ...fields, user: 'you' })).toBe(false)
  // An attacker on the network could disable encryption or present another certificate.
  expect(await sent({ source: `${source}?sslmode=require` }, { ...fields, sslMode: 'prefer' })).toBe(false)
  process.env.PGPASSFILE = passfile
  keep(`127.0.0.1:${listener.port}:*:me:${secret}\n`)
  expect(await sent({}, fields)).toBe(true)
})

test.each(['clear', 'md5'] as const)(
  'a server of the owner gets a password (%s) in this form only if it was typed or if that is allowed',
  async (way) => {
    listener.way = way
    const source = `postgres://me:${secret}@${here()}/shop`
    const conn = { url: `postgres://me@${here()}/shop` }
    const answered = () => listener.sent.includes(way === 'clear' ? secret : 'md5')
    const refused = await tried(await serve({ source }), conn)
    expect(refused.message).toMatch(/asks for the password (in clear text|as an MD5 hash).*--allow-cleartext/)
    expect(answered()).toBe(false)
    const api = await serve()
    const typed = { source: { url: source }, destination: { url: source } }
    await api.send('PUT', '/api/profiles/mine', { request: typed, passwords: true })
    expect((await tried(api, { profile: 'mine', side: 'source' })).message).toContain('asks for the password')
    expect(answered()).toBe(false)
    await tried(api, { url: source })
    expect(answered()).toBe(true)
    listener.sent = ''
    await tried(await serve({ source, allowCleartext: true }), conn)
    expect(answered()).toBe(true)
  },
)

test('the answer says why a password of the environment was not used', async () => {
  const server: Cluster = await cluster(18, { hba: 'host all all 127.0.0.1/32 scram-sha-256\n' })
  const database = await server.createDatabase()
  await server.sql('postgres', `create role named_role login password '${secret}'`)
  const { hostname, port, pathname } = new URL(database.url)
  process.env.PGPASSWORD = secret
  const conn = { url: `postgres://named_role@${hostname}:${port}${pathname}` }
  const strange = await tried(await serve(), conn)
  expect(strange.message).toContain('PGPASSWORD was not used: it is only sent to the servers that')
  delete process.env.PGPASSWORD
  keep(`*:*:*:*:${secret}\n`)
  expect((await tried(await serve(), conn)).message).toContain('its line must name host, port and user')
  // SCRAM proves the password without sending it.
  expect(await tried(await serve({ source: conn.url }), conn)).toMatchObject({ status: 200 })
  chmodSync(passfile, 0o640)
  expect((await tried(await serve({ source: conn.url }), conn)).message).toMatch(
    /other users can read it. Run: chmod 600/,
  )
  await server.sql('postgres', 'drop role named_role')
})

test('a passphrase of a private key is not kept as a part of the address', async () => {
  const api = await serve()
  const url = `postgres://me@${here()}/shop?sslkey=/a&sslpassword=${secret}`
  const end = { url: `postgres://me@${here()}/shop` }
  const answer = await api.send('PUT', '/api/profiles/with-key', {
    request: { source: { url }, destination: end },
  })
  expect([answer.status, answer.json.error]).toEqual([400, 'usage'])
  expect(answer.text).not.toContain(secret)
  expect((await api.get('/api/profiles')).json).toEqual([])
})
