import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dial } from '../../server/postgres/dial.ts'
import { ConnectionLost } from '../../server/postgres/errors.ts'
import { Session } from '../../server/postgres/session.ts'
import { within } from '../../tools/eventually.ts'
import { type Cluster, cluster, type OwnCluster, startCluster } from '../../tools/servers/clusters.ts'
import { fallAsleep } from './asleep.ts'
import { refusal, settingsFor } from './refusal.ts'

const certificates = join(import.meta.dir, '../support/certificates')
const path = (name: string) => join(certificates, name)
const read = (name: string) => readFileSync(path(name), 'utf8')
const ca = path('ca.crt')

const hba = `
hostssl   all only_encrypted 127.0.0.1/32 trust
hostnossl all only_plain     127.0.0.1/32 trust
hostssl   certified postgres 127.0.0.1/32 trust clientcert=verify-full
local     all postgres                    trust
host      postgres  postgres 127.0.0.1/32 trust
`
const serving = (name: string) => ({
  ssl: { cert: read(`${name}.crt`), key: read(`${name}.key`), ca: read('ca.crt') },
  hba,
})

let encrypting: Cluster
let plain: Cluster
let keys: string
beforeAll(async () => {
  ;[encrypting, plain] = await Promise.all([cluster(15, serving('server')), cluster(15)])
  await encrypting.sql('postgres', 'create role only_encrypted login; create role only_plain login')
  keys = mkdtempSync(join(tmpdir(), 'pgtrek-keys-'))
  copyFileSync(path('client.key'), join(keys, 'client.key'))
  chmodSync(join(keys, 'client.key'), 0o600)
})
afterAll(() => rmSync(keys, { recursive: true, force: true }))

/** Whether the server says that the session is encrypted. */
async function isEncrypted(url: string): Promise<boolean> {
  await using session = await Session.open(settingsFor(url))
  const row = await session.one<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
  expect(session.encrypted).toBe(row.ssl)
  return row.ssl
}

function url(
  server: Cluster,
  query: string,
  { host = '127.0.0.1', user = 'postgres', database = 'postgres' } = {},
) {
  return `postgres://${user}@${host}:${server.port}/${database}?${query}`
}

describe('a server with TLS', () => {
  test.each([
    ['disable', false],
    ['allow', false],
    ['prefer', true],
    ['require', true],
    [`require&sslrootcert=${ca}`, true],
    [`verify-ca&sslrootcert=${ca}`, true],
    [`verify-full&sslrootcert=${ca}`, true],
  ])('sslmode=%s gets in; encrypted: %p', async (mode, encrypted) => {
    expect(await isEncrypted(url(encrypting, `sslmode=${mode}`))).toBe(encrypted)
  })

  test('is trusted under its name as well as under its address', async () => {
    const verified = `sslmode=verify-full&sslrootcert=${ca}`
    expect(await isEncrypted(url(encrypting, verified, { host: 'localhost' }))).toBe(true)
  })

  test.each(['require', 'verify-ca', 'verify-full'])(
    'sslmode=%s refuses it when an unrelated authority is the trusted one',
    async (mode) => {
      const settings = settingsFor(url(encrypting, `sslmode=${mode}&sslrootcert=${path('stranger.crt')}`))
      expect(await refusal(dial(settings))).toMatchObject({
        reason: 'certificate',
        message: expect.stringContaining('is not signed by'),
      })
    },
  )

  test.each(['verify-ca', 'verify-full'])('sslmode=%s requires a root certificate', async (mode) => {
    const failure = await refusal(dial(settingsFor(url(encrypting, `sslmode=${mode}`))))
    expect(failure).toMatchObject({ reason: 'certificate', message: expect.stringContaining('sslrootcert') })
  })

  test('is not trusted by the authorities of the system', async () => {
    const settings = settingsFor(url(encrypting, 'sslrootcert=system', { host: 'localhost' }))
    expect(await refusal(dial(settings))).toMatchObject({ reason: 'certificate' })
  })

  test('a missing root certificate file is named', async () => {
    const settings = settingsFor(url(encrypting, 'sslmode=require&sslrootcert=/nowhere/ca.crt'))
    expect(await refusal(dial(settings))).toMatchObject({
      reason: 'certificate',
      message: 'the root certificate file /nowhere/ca.crt does not exist',
    })
  })

  test('a root certificate file without a certificate is named', async () => {
    const settings = settingsFor(url(encrypting, `sslmode=require&sslrootcert=${path('README.md')}`))
    expect(await refusal(dial(settings))).toMatchObject({
      reason: 'certificate',
      message: expect.stringContaining('README.md'),
    })
  })

  test.each([
    ['only_encrypted', 'allow', true],
    ['only_encrypted', 'prefer', true],
    ['only_plain', 'allow', false],
    ['only_plain', 'prefer', false],
  ])('the user %s gets in with sslmode=%s; encrypted: %p', async (user, mode, encrypted) => {
    expect(await isEncrypted(url(encrypting, `sslmode=${mode}`, { user }))).toBe(encrypted)
  })

  test.each([
    ['only_encrypted', 'disable'],
    ['only_plain', 'require'],
  ])('the user %s does not get in with sslmode=%s', async (user, mode) => {
    const failure = await refusal(isEncrypted(url(encrypting, `sslmode=${mode}`, { user })))
    expect(failure).toMatchObject({ reason: 'login', message: expect.stringContaining('pg_hba.conf') })
  })

  test('transfers megabytes in both directions', async () => {
    await using session = await Session.open(settingsFor(url(encrypting, 'sslmode=require')))
    const text = 'x'.repeat(12_000_000)
    const [row] = await session.query<{ echo: string }>('select $1::text as echo', [text])
    expect(row?.echo === text).toBe(true)
  })

  test('can end the session, and its message is quoted', async () => {
    await using session = await Session.open(settingsFor(url(encrypting, 'sslmode=require')))
    const { outcome } = await fallAsleep(encrypting, session)
    await encrypting.sql('postgres', `select pg_terminate_backend(${session.pid})`)
    const error = await within('the end of the session', outcome)
    expect(error).toBeInstanceOf(ConnectionLost)
    expect(error).toMatchObject({ message: expect.stringContaining('terminating connection') })
  })

  test('accepts a cancel request', async () => {
    await using session = await Session.open(settingsFor(url(encrypting, 'sslmode=require')))
    const { outcome } = await fallAsleep(encrypting, session)
    await session.cancel()
    expect(await within('the end of the cancelled statement', outcome)).toMatchObject({ sqlstate: '57014' })
    expect(await session.query('select 1 as one')).toEqual([{ one: 1 }])
  })

  test('has a Unix socket without TLS', async () => {
    const settings = settingsFor(
      `postgres:///postgres?user=postgres&host=${encrypting.socketDir}&port=${encrypting.port}`,
    )
    await using session = await Session.open({ ...settings, tls: { mode: 'require' } })
    expect(session.encrypted).toBe(false)
  })
})

describe('a server without TLS', () => {
  test.each(['disable', 'allow', 'prefer'])('sslmode=%s connects', async (mode) => {
    expect(await isEncrypted(url(plain, `sslmode=${mode}`))).toBe(false)
  })

  test.each(['require', 'verify-ca', 'verify-full'])('sslmode=%s refuses it', async (mode) => {
    expect(await refusal(dial(settingsFor(url(plain, `sslmode=${mode}&sslrootcert=${ca}`))))).toMatchObject({
      reason: 'tls',
      message: expect.stringContaining(`sslmode=${mode} requires it`),
    })
  })
})

describe('a certificate for another name', () => {
  let otherName: OwnCluster
  beforeAll(async () => {
    otherName = await startCluster({ major: 15, ...serving('other-name') })
  })
  afterAll(() => otherName.stop())

  test.each(['127.0.0.1', 'localhost'])('is refused for %s by verify-full alone', async (host) => {
    const refused = url(otherName, `sslmode=verify-full&sslrootcert=${ca}`, { host })
    expect(await refusal(dial(settingsFor(refused)))).toMatchObject({
      reason: 'certificate',
      message: expect.stringContaining('is for a different name (elsewhere.example)'),
    })
    expect(await isEncrypted(url(otherName, `sslmode=verify-ca&sslrootcert=${ca}`, { host }))).toBe(true)
  })

  test('does not excuse a signature that is not trusted', async () => {
    const refused = url(otherName, `sslmode=verify-ca&sslrootcert=${path('stranger.crt')}`)
    expect(await refusal(dial(settingsFor(refused)))).toMatchObject({
      reason: 'certificate',
      message: expect.stringContaining('is not signed by'),
    })
  })

  test('is accepted when it is for the given name, and the address is given separately', async () => {
    const query = `sslmode=verify-full&sslrootcert=${ca}&hostaddr=127.0.0.1`
    expect(await isEncrypted(url(otherName, query, { host: 'elsewhere.example' }))).toBe(true)
  })
})

test('an expired certificate is refused by the modes that verify', async () => {
  await using expired = await startCluster({ major: 15, ...serving('expired') })
  expect(await refusal(dial(settingsFor(url(expired, `sslmode=verify-ca&sslrootcert=${ca}`))))).toMatchObject(
    {
      reason: 'certificate',
      message: expect.stringContaining('has expired'),
    },
  )
  expect(await isEncrypted(url(expired, 'sslmode=require'))).toBe(true)
})

describe('a client certificate', () => {
  const certified = (query: string) => url(encrypting, `sslmode=require&${query}`, { database: 'certified' })
  beforeAll(async () => {
    await encrypting.createDatabase('certified')
  })

  test('logs its user in', async () => {
    const query = `sslcert=${path('client.crt')}&sslkey=${join(keys, 'client.key')}`
    expect(await isEncrypted(certified(query))).toBe(true)
  })

  test('is reported as missing when the server requires one', async () => {
    expect(await refusal(isEncrypted(certified('')))).toMatchObject({
      reason: 'login',
      message: expect.stringContaining('client certificate'),
    })
  })

  test('needs its key', async () => {
    const settings = settingsFor(certified(`sslcert=${path('client.crt')}`))
    expect(await refusal(dial(settings))).toMatchObject({ message: expect.stringContaining('sslkey') })
  })

  test('does not work with the key of another certificate', async () => {
    const settings = settingsFor(certified(`sslcert=${ca}&sslkey=${join(keys, 'client.key')}`))
    expect(await refusal(dial(settings))).toMatchObject({
      reason: 'certificate',
      message: expect.stringContaining('client.key'),
    })
  })

  test.skipIf(process.platform === 'win32')('with a key that others may read, is refused', async () => {
    const open = join(keys, 'open.key')
    copyFileSync(path('client.key'), open)
    chmodSync(open, 0o644)
    const settings = settingsFor(certified(`sslcert=${path('client.crt')}&sslkey=${open}`))
    expect(await refusal(dial(settings))).toMatchObject({ message: expect.stringContaining('chmod 600') })
  })
})

test('direct TLS works with a server of 17', async () => {
  await using newer = await startCluster({ major: 17, ...serving('server') })
  const query = `sslmode=verify-full&sslrootcert=${ca}&sslnegotiation=direct`
  expect(await isEncrypted(url(newer, query))).toBe(true)
  const old = await refusal(dial(settingsFor(url(encrypting, query))))
  expect(old).toMatchObject({ reason: 'tls', message: expect.stringContaining('version 17') })
})
