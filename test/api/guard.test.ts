// Which requests the guard refuses, and how. Needs no database.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { request } from 'node:http'
import { hostname } from 'node:os'
import { type Api, startApi } from '../support/api.ts'

const token = 'a token of the test, long'.replaceAll(' ', '-')
let api: Api
let closed: Api

beforeAll(async () => {
  api = await startApi()
  closed = await startApi({ token, names: ['db.example.com'] })
})

afterAll(async () => {
  await api.server.close()
  await closed.server.close()
})

const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
}

describe('a foreign page', () => {
  test.each([
    ['by its own name pointing here', { host: 'evil.example' }],
    ['by its own name and our port', { host: 'evil.example:8080' }],
    ['by a name that begins with ours', { host: 'localhost.evil.example' }],
    ['by an unreadable name', { host: 'local host@evil' }],
    ['from its origin', { host: 'localhost', origin: 'http://evil.example' }],
    ['from another port of this machine', { host: 'localhost:8080', origin: 'http://localhost:3000' }],
    ['from a sandbox', { host: 'localhost', origin: 'null' }],
    [
      'as its browser says',
      { host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    ],
  ])('%s is refused on HTTP and the WebSocket alike', async (_, headers) => {
    for (const path of ['/', '/api/migrate/status', '/openapi/json']) {
      const answer = await api.raw({ path, headers })
      expect([path, answer.status, answer.json.error]).toEqual([path, 403, 'forbidden'])
    }
    const socket = await api.raw({ path: '/ws/progress', headers: { ...headers, ...upgrade } })
    expect([socket.status, socket.json.error]).toEqual([403, 'forbidden'])
    const start = await api.raw({ method: 'POST', path: '/api/migrate', headers, body: '{}' })
    expect(start.status).toBe(403)
  })

  test('may link to the page', async () => {
    const headers = { host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    expect((await api.raw({ path: '/', headers })).status).toBe(200)
  })
})

test.each(['localhost', 'LOCALHOST:9999', '127.0.0.1:80', '[::1]:8080', '192.168.1.7', hostname()])(
  'the server accepts %s as its name, also through a forwarded port',
  async (host) => {
    const headers = { host, origin: `http://${host}` }
    expect((await api.raw({ path: '/api/migrate/status', headers })).status).toBe(200)
  },
)

test('the server accepts a name that was allowed', async () => {
  const headers = {
    host: 'db.example.com',
    authorization: `Bearer ${token}`,
    origin: 'https://db.example.com',
  }
  expect((await closed.raw({ path: '/api/profiles', headers })).status).toBe(200)
  expect((await api.raw({ path: '/api/profiles', headers: { host: 'db.example.com' } })).status).toBe(403)
})

describe('with a token', () => {
  test('only the login and the health check are available without it', async () => {
    for (const path of ['/', '/api/profiles', '/openapi/json', '/api/nothing']) {
      const answer = await closed.get(path)
      expect([path, answer.status, answer.json?.error]).toEqual([path, 401, 'unauthorized'])
      expect(answer.headers.get('www-authenticate')).toContain('Bearer')
    }
    const socket = await closed.raw({ path: '/ws/progress', headers: { host: 'localhost', ...upgrade } })
    expect(socket.status).toBe(401)
    expect((await closed.get('/health')).json).toEqual({ ok: true })
    const page = await closed.get('/', { accept: 'text/html' })
    expect([page.status, page.headers.get('location')]).toEqual([303, '/login'])
  })

  test.each([
    ['another', 'Bearer another'],
    ['a longer one', `Bearer ${token}x`],
    ['a shorter one', `Bearer ${token.slice(0, -1)}`],
    ['none', 'Bearer '],
    ['another scheme', `Basic ${btoa(token)}`],
  ])('%s is refused', async (_, authorization) => {
    expect((await closed.get('/api/profiles', { authorization })).status).toBe(401)
  })

  test('scripts send it as bearer, to the WebSocket too', async () => {
    const authorization = `Bearer ${token}`
    expect((await closed.get('/api/profiles', { authorization })).json).toEqual([])
    using watched = await closed.watch({ authorization })
    expect((await watched.until(() => true)).id).toBeNull()
  })

  test.each([
    ['the right one', '/ws/progress', token, 101],
    ['a wrong one', '/ws/progress', `${token}x`, 401],
    ['the right one, but for another path', '/api/profiles', token, 401],
  ])('a WebSocket offers it as a protocol: %s', async (_, path, offered, status) => {
    const protocol = `pgtrek, pgtrek-token.${Buffer.from(offered).toString('hex')}`
    const { promise, resolve, reject } = Promise.withResolvers<[number | undefined, unknown]>()
    const sent = request({
      ...{ host: '127.0.0.1', port: closed.server.port, path, agent: false },
      headers: { host: 'localhost', ...upgrade, 'sec-websocket-protocol': protocol },
    })
    sent.on('upgrade', ({ statusCode, headers }, socket) => {
      socket.destroy()
      resolve([statusCode, headers['sec-websocket-protocol']])
    })
    sent.on('response', ({ statusCode }) => resolve([statusCode, undefined]))
    sent.on('error', reject)
    sent.end()
    // The token is not sent back.
    expect(await promise).toEqual([status, status === 101 ? 'pgtrek' : undefined])
    sent.destroy()
  })

  test('browsers log in, and keep a cookie that scripts cannot read and that is not the token', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const wrong = await closed.send('POST', '/login', 'token=wrong', form)
    expect([wrong.status, wrong.headers.get('set-cookie')]).toEqual([401, null])
    expect(wrong.text).toContain('not the token of this pgtrek')
    const right = await closed.send('POST', '/login', `token=${encodeURIComponent(token)}`, form)
    expect([right.status, right.headers.get('location')]).toEqual([303, '/'])
    const set = right.headers.get('set-cookie') ?? ''
    expect(set).toContain('HttpOnly')
    expect(set).toContain('SameSite=Strict')
    expect(set).not.toContain(token)
    const cookie = set.split(';')[0] ?? ''
    expect((await closed.get('/api/profiles', { cookie: `other=1; ${cookie}` })).status).toBe(200)
    expect((await closed.get('/api/profiles', { cookie: `${cookie}0` })).status).toBe(401)
    const out = await closed.send('POST', '/logout', undefined, { cookie })
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0')
  })

  test('the login page has no script and sends nothing elsewhere', async () => {
    const { text, headers } = await closed.get('/login', { accept: 'text/html' })
    expect(text).toContain('<form method="post" action="/login">')
    expect(text).not.toContain('<script')
    expect(headers.get('content-security-policy')).toContain("form-action 'self'")
  })
})

test('every response has the security headers', async () => {
  for (const path of ['/', '/api/profiles', '/api/nothing', '/openapi', '/health', '/pgtrek-plain.css']) {
    const { headers } = await api.get(path)
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
  expect((await api.get('/api/profiles')).headers.get('cache-control')).toBe('no-store')
})

describe('an invalid request gets a typed answer', () => {
  const ends = { source: { url: 'postgres://a:sEcr3t@h/d' }, destination: { url: 'postgres://b@h/d' } }
  test.each([
    ['no JSON', '{"source"', 400, { error: 'usage', message: 'the body is not valid JSON' }],
    ['nothing', '', 400, { error: 'usage' }],
    ['a list', [], 400, { error: 'usage', path: '/source' }],
    ['a wrong type', { ...ends, options: { workers: 'many' } }, 400, { path: '/options/workers' }],
    ['a number out of range', { ...ends, options: { batchSize: 0 } }, 400, { path: '/options/batchSize' }],
    [
      'a mistyped option',
      { ...ends, options: { bathSize: 5 } },
      400,
      { path: '/options/bathSize', message: '/options/bathSize is unknown: did you mean batchSize?' },
    ],
    [
      'a mistyped mode',
      { ...ends, options: { existingTableMode: 'dropp' } },
      400,
      { path: '/options/existingTableMode' },
    ],
    ['a wrong port', { ...ends, source: { host: 'h', port: 'x' } }, 400, { path: '/source/port' }],
    [
      'an unknown field of an end',
      { ...ends, source: { host: 'h', sslmode: 'require' } },
      400,
      { path: '/source/sslmode' },
    ],
    ['a broken URL', { ...ends, source: { url: 'mysql://u:sEcr3t@h/d' } }, 400, { error: 'usage' }],
    [
      'a pattern that is none',
      { ...ends, selection: { schemas: [{ name: 5 }] } },
      400,
      { path: '/selection/schemas/0/name' },
    ],
    [
      'a command',
      { ...ends, hooks: [{ when: 'after', phase: 'run', run: { command: 'touch /tmp/x' } }] },
      403,
      { error: 'forbidden', path: '/hooks/0/run/command' },
    ],
    [
      'a profile that is not there',
      { ...ends, source: { profile: 'none', side: 'source' } },
      404,
      { error: 'not_found' },
    ],
  ])('%s', async (_, body, status, expected) => {
    const answer = await api.post('/api/migrate', body)
    expect(answer.json).toMatchObject(expected)
    expect(answer.status).toBe(status)
    expect(answer.text).not.toContain('sEcr3t')
    expect(answer.text).not.toMatch(/\bat .*:\d+:\d+|node_modules|\.ts\b/)
  })

  test('a form, or anything that is not JSON', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      '',
    ]) {
      const answer = await api.raw({
        method: 'POST',
        path: '/api/migrate',
        headers: { host: 'localhost', ...(type && { 'content-type': type }) },
        body: JSON.stringify(ends),
      })
      expect([answer.status, answer.json.error]).toEqual([400, 'usage'])
    }
  })

  test('one that is too large, with or without a declared length', async () => {
    const large = JSON.stringify({ ...ends, tables: [{ table: 'x'.repeat(5 * 1024 * 1024) }] })
    const said = await api.post('/api/plan', large)
    expect([said.status, said.json.error]).toEqual([413, 'too_large'])
    const streamed = await fetch(`http://127.0.0.1:${api.server.port}/api/plan`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob([large]).stream(),
    })
    expect(streamed.status).toBe(413)
    expect(await streamed.json()).toMatchObject({ error: 'too_large' })
  })

  test.each([
    ['GET', '/api/nothing', 404, 'not_found'],
    ['GET', '/nothing', 404, 'not_found'],
    ['POST', '/', 404, 'not_found'],
    ['GET', '/api/migrate', 405, 'method'],
    ['DELETE', '/api/migrations/abc', 405, 'method'],
    ['PATCH', '/api/profiles/x', 405, 'method'],
    ['GET', '/api/migrations/none', 404, 'not_found'],
    ['GET', '/api/migrations/none/log', 404, 'not_found'],
    ['GET', '/api/profiles/none', 404, 'not_found'],
    ['DELETE', '/api/profiles/none', 404, 'not_found'],
    ['GET', '/api/migrations?limit=0', 400, 'usage'],
    ['GET', '/api/migrations?limit=abc', 400, 'usage'],
    ['GET', "/api/migrations/';drop%20table%20run;--", 404, 'not_found'],
    ['GET', '/api/profiles/%2e%2e%2f%00', 400, 'usage'],
    ['GET', '/%2e%2e/%2e%2e/etc/passwd', 404, 'not_found'],
    ['GET', '/..%2f..%2fpackage.json', 404, 'not_found'],
    ['GET', '/../../package.json', 404, 'not_found'],
    ['GET', '/%', 404, 'not_found'],
  ])('%s %s: %d', async (method, path, status, error) => {
    const answer = await api.raw({ method, path, headers: { host: 'localhost' } })
    expect([answer.status, answer.json?.error]).toEqual([status, error])
    expect(typeof answer.json.message).toBe('string')
  })
})

test('the API describes all of its routes, and its page needs no other host', async () => {
  const { json } = await api.get('/openapi/json')
  expect(Object.keys(json.paths).sort()).toEqual([
    '/api/browse',
    '/api/compare',
    '/api/compare/{id}',
    '/api/compare/{id}/apply',
    '/api/compare/{id}/cancel',
    '/api/compare/{id}/result',
    '/api/create-database',
    '/api/fleet',
    '/api/fleet/complete',
    '/api/fleet/pause',
    '/api/fleet/resume',
    '/api/fleet/retry',
    '/api/fleet/switchover',
    '/api/fleet/{mapping}/{database}',
    '/api/follow',
    '/api/follow/apply-schema',
    '/api/follow/cleanup',
    '/api/follow/continue',
    '/api/follow/pause',
    '/api/follow/recopy',
    '/api/follow/resume',
    '/api/follow/retry',
    '/api/follow/servers',
    '/api/follow/skip',
    '/api/follow/stop',
    '/api/follow/{name}',
    '/api/migrate',
    '/api/migrate/cancel',
    '/api/migrate/status',
    '/api/migrations',
    '/api/migrations/{id}',
    '/api/migrations/{id}/log',
    '/api/migrations/{id}/repair',
    '/api/migrations/{id}/repairs',
    '/api/migrations/{id}/retry',
    '/api/named',
    '/api/orphans',
    '/api/plan',
    '/api/plan/sample',
    '/api/plan/sql',
    '/api/preflight',
    '/api/profiles',
    '/api/profiles/{name}',
    '/api/schedules',
    '/api/schedules/preview',
    '/api/schedules/{name}',
    '/api/schedules/{name}/disable',
    '/api/schedules/{name}/enable',
    '/api/schedules/{name}/run',
    '/api/switchover',
    '/api/table-info',
    '/api/table-rows',
    '/api/test-connection',
  ])
  const start = json.paths['/api/migrate'].post
  expect(
    start.requestBody.content['application/json'].schema.properties.options.properties.batchSize,
  ).toMatchObject({
    type: 'integer',
    default: 1000,
  })
  expect(start.requestBody.required).toBe(true)
  expect(json.paths['/api/follow/pause'].post.requestBody.required).toBe(false)
  expect(Object.keys(start.responses)).toEqual(expect.arrayContaining(['200', '400', '409', '413']))
  const { text } = await api.get('/openapi')
  expect(text).toContain('POST /api/migrate')
  expect(text).toContain('batchSize')
  // The examples have addresses; what is loaded is from here.
  expect(text).not.toMatch(/(?:src|href)="(?!\/|#)/)
  expect(text.match(/<script[^>]*>/g)).toEqual(['<script src="/openapi/reference.js">'])
})

test('before the first migration there is nothing to cancel, and the status says so', async () => {
  expect((await api.post('/api/migrate/cancel')).json).toEqual({ ok: false })
  expect((await api.get('/api/migrate/status')).json).toMatchObject({
    running: false,
    id: null,
    tables: [],
    log: [],
  })
})
