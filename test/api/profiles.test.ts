// Saved requests and their passwords: kept only on request, encrypted, and never returned.
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { sealIn } from '../../server/store/seal.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { type Api, startApi } from '../support/api.ts'

const secret = 'sEcr3t/of the profile'
let api: Api
let strict: Cluster
let database: TestDatabase

beforeAll(async () => {
  ;[api, strict] = await Promise.all([
    startApi(),
    cluster(15, { hba: 'host all all 127.0.0.1/32 scram-sha-256\n' }),
  ])
  database = await strict.createDatabase()
  await database.sql(`create role keeper login superuser password '${secret}'`)
})

afterAll(() => api.server.close())

const url = (password = secret) => strict.url(database.name, 'keeper', password)
const request = (password?: string) => ({
  source: { url: url(password) },
  destination: {
    host: '127.0.0.1',
    port: strict.port,
    user: 'keeper',
    database: 'postgres',
    password: secret,
  },
  options: { workers: 3 },
})
const put = (name: string, body: object) => api.send('PUT', `/api/profiles/${encodeURIComponent(name)}`, body)
const login = (conn: object) => api.post('/api/test-connection', { conn })

test('a profile is saved, listed, replaced and deleted; by default no password is kept', async () => {
  const saved = await put('from old to new', { request: request() })
  expect(saved.status).toBe(200)
  expect(saved.json).toMatchObject({
    name: 'from old to new',
    passwords: false,
    kept: { source: false, destination: false },
    request: { options: { workers: 3 }, destination: { host: '127.0.0.1', user: 'keeper' } },
  })
  expect(saved.json.request.source.url).toBe(`postgres://keeper@127.0.0.1:${strict.port}/${database.name}`)
  expect(saved.json.request.destination.password).toBeUndefined()
  await put('another', { request: { ...request(), options: { workers: 4 } } })
  await put('another', { request: { ...request(), options: { workers: 5 } } })
  const list = await api.get('/api/profiles')
  expect(list.json.map((one: { name: string }) => one.name)).toEqual(['another', 'from old to new'])
  expect((await api.get('/api/profiles/another')).json.request.options.workers).toBe(5)
  expect((await login({ profile: 'another', side: 'source' })).json.error).toBe('login')
  expect((await api.send('DELETE', '/api/profiles/another')).json).toEqual({ ok: true })
  expect((await api.get('/api/profiles/another')).status).toBe(404)
})

describe('a kept password', () => {
  test('opens its connection, and is in no answer and not readable in the store', async () => {
    const saved = await put('kept', { request: request(), passwords: true })
    expect(saved.json).toMatchObject({ passwords: true, kept: { source: true, destination: true } })
    expect((await login({ profile: 'kept', side: 'source' })).json).toMatchObject({
      ok: true,
      user: 'keeper',
    })
    expect((await login({ profile: 'kept', side: 'destination' })).json).toMatchObject({
      database: 'postgres',
    })
    const plan = await api.post('/api/plan', {
      source: { profile: 'kept', side: 'source' },
      destination: { profile: 'kept', side: 'destination' },
    })
    expect(plan.status).toBe(200)
    const stored = Buffer.from(await Bun.file(join(api.stateDirectory, 'pgtrek.sqlite')).bytes()).toString(
      'latin1',
    )
    const log = Buffer.from(await Bun.file(join(api.stateDirectory, 'pgtrek.sqlite-wal')).bytes()).toString(
      'latin1',
    )
    const answers = [saved, await api.get('/api/profiles'), await api.get('/api/profiles/kept'), plan]
    for (const text of [stored, log, ...answers.map((answer) => answer.text)]) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain(encodeURIComponent(secret))
    }
    expect(statSync(join(api.stateDirectory, 'key')).mode & 0o777).toBe(0o600)
  })

  test('cannot be sent elsewhere: a request cannot change any part of the connection', async () => {
    await put('kept', { request: request(), passwords: true })
    const elsewhere = await login({ profile: 'kept', side: 'source', host: '127.0.0.2' })
    expect([elsewhere.status, elsewhere.json.error]).toEqual([400, 'usage'])
  })

  test('stays if the profile is saved without it, and is deleted with another server or on request', async () => {
    await put('kept', { request: request(), passwords: true })
    const bare = request('')
    const again = await put('kept', { request: { ...bare, options: { workers: 9 } }, passwords: true })
    expect(again.json.kept).toEqual({ source: true, destination: true })
    expect((await login({ profile: 'kept', side: 'source' })).json.ok).toBe(true)
    const moved = { ...bare, source: { url: bare.source.url.replace('127.0.0.1', 'localhost') } }
    expect((await put('kept', { request: moved, passwords: true })).json.kept.source).toBe(false)
    await put('kept', { request: request(), passwords: true })
    expect((await put('kept', { request: bare })).json.passwords).toBe(false)
    expect((await login({ profile: 'kept', side: 'source' })).json.error).toBe('login')
  })

  test('is not used for a connection that was changed in the store', async () => {
    await put('kept', { request: request(), passwords: true })
    using store = new Database(join(api.stateDirectory, 'pgtrek.sqlite'))
    store.exec(`update profile set request = replace(request, '127.0.0.1', 'localhost') where name = 'kept'`)
    const answer = await login({ profile: 'kept', side: 'source' })
    expect([answer.status, answer.json.message]).toEqual([400, expect.stringContaining('enter it again')])
  })

  test('is not encrypted with a key that others can read', async () => {
    const directory = scratchDirectory()
    const seal = sealIn(directory, { keychain: false })
    const sealed = await seal.close('name', secret, 'bond')
    expect(await seal.open(sealed, 'bond')).toBe(secret)
    expect(JSON.stringify(sealed)).not.toContain(secret)
    expect(seal.open(sealed, 'another bond')).rejects.toThrow('enter it again')
    chmodSync(join(directory, 'key'), 0o644)
    expect(seal.open(sealed, 'bond')).rejects.toThrow('can be read by other users')
  })

  test('is encrypted with the key file if no keychain answers', async () => {
    const directory = join(scratchDirectory(), crypto.randomUUID())
    await using own = await startApi({ stateDirectory: directory, keychain: true })
    const saved = await own.send('PUT', '/api/profiles/x', { request: request(), passwords: true })
    expect(saved.json.passwords).toBe(true)
    expect((await own.post('/api/test-connection', { conn: { profile: 'x', side: 'source' } })).json.ok).toBe(
      true,
    )
    await own.send('DELETE', '/api/profiles/x')
  })
})

test.each([
  ['an empty request', { request: {} }, '/request/source'],
  [
    'a password that is none',
    { request: { source: { password: 5 }, destination: {} } },
    '/request/source/password',
  ],
  [
    'an end of another profile',
    { request: { source: { profile: 'kept', side: 'source' }, destination: {} } },
    '/request/source/profile',
  ],
  ['something unknown', { request: { source: {}, destination: {} }, password: true }, '/password'],
])('%s is refused', async (_, body, path) => {
  const { status, json } = await put('wrong', body)
  expect([status, json.path]).toEqual([400, path])
})
