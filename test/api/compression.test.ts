// Which answers are compressed, for whom, and what may be kept in a cache.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import type { AnyElysia } from 'elysia'
import { createApp } from '../../server/api/app.ts'
import { createGuard } from '../../server/api/guard.ts'
import { pageRoutes } from '../../server/api/page/page.ts'
import type { Services } from '../../server/api/services.ts'
import { freshPage } from '../../tools/test-run/fresh-page.ts'
import { type Api, startApi } from '../support/api.ts'

let api: Api
/** Serves the built page as the executable does. */
let executable: AnyElysia
let files: Map<string, string>

beforeAll(async () => {
  files = new Map((await freshPage()).map(({ path, file }) => [path, file]))
  const guard = createGuard({ host: 'localhost' })
  executable = createApp({} as Services, guard)
    .use(await pageRoutes(files))
    .listen(0)
  api = await startApi()
})

afterAll(async () => {
  await executable.stop(true)
  await api.server.close()
})

interface Got {
  status: number
  encoding: string | null
  vary: string | null
  type: string | null
  bytes: Uint8Array<ArrayBuffer>
  headers: Headers
}

async function ask(
  base: string,
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<Got> {
  // Not decompressed by fetch, so that the bytes are those of the line.
  const answer = await fetch(new URL(path, base), { method, headers, decompress: false })
  const { headers: got, status } = answer
  return {
    status,
    encoding: got.get('content-encoding'),
    vary: got.get('vary'),
    type: got.get('content-type'),
    bytes: await answer.bytes(),
    headers: got,
  }
}

const ofApi = (path: string, accepted: string, method?: string) =>
  ask(api.server.url, path, { 'accept-encoding': accepted }, method)
const ofPage = (path: string, headers: Record<string, string>, method?: string) =>
  ask(`http://localhost:${executable.server?.port}`, path, headers, method)

/** More than 1.4 kB. */
const large = '/openapi/json'
/** An error of more than 1.4 kB, which repeats the path. */
const largeError = `/api/${'x'.repeat(2000)}`

describe('JSON', () => {
  test.each([
    ['gzip', 'gzip'],
    ['br, gzip', 'gzip'],
    ['gzip;q=0.5, br;q=1', 'gzip'],
    ['*', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip;q=0', null],
    ['gzip; q=0.0, *', null],
    ['*;q=0', null],
    ['br', null],
    ['identity', null],
    ['', null],
  ])('of some size is compressed for %p: %p', async (accepted, encoding) => {
    const got = await ofApi(large, accepted)
    expect({ ...got, bytes: undefined, headers: undefined }).toEqual({
      ...{ status: 200, encoding, vary: 'accept-encoding', type: 'application/json' },
      ...{ bytes: undefined, headers: undefined },
    })
    const text = new TextDecoder().decode(encoding === 'gzip' ? Bun.gunzipSync(got.bytes) : got.bytes)
    expect(JSON.parse(text).openapi).toBe('3.1.0')
    if (encoding === 'gzip') expect(got.bytes.length).toBeLessThan(text.length / 4)
  })

  test('of less than 1.4 kB is sent as it is', async () => {
    const got = await ofApi('/api/named', 'gzip')
    expect([got.status, got.encoding, got.vary]).toEqual([200, null, null])
    expect(new TextDecoder().decode(got.bytes)).toBe('{"source":null,"destination":null}')
  })

  test('of an error keeps its status and its type', async () => {
    for (const [accepted, encoding] of [
      ['gzip', 'gzip'],
      ['identity', null],
    ] as const) {
      const got = await ofApi(largeError, accepted)
      expect([got.status, got.encoding, got.type]).toEqual([404, encoding, 'application/json'])
      const text = new TextDecoder().decode(encoding ? Bun.gunzipSync(got.bytes) : got.bytes)
      expect(JSON.parse(text)).toMatchObject({ error: 'not_found' })
    }
  })

  test('of the API is kept in no cache', async () => {
    const got = await ofApi('/api/migrate/status', 'gzip')
    expect(got.headers.get('cache-control')).toBe('no-store')
  })
})

test('text is compressed too: metrics and the reference', async () => {
  for (const [path, type] of [
    ['/metrics', 'text/plain'],
    ['/openapi', 'text/html'],
  ] as const) {
    const got = await ofApi(path, 'gzip')
    expect([path, got.status, got.encoding, got.vary]).toEqual([path, 200, 'gzip', 'accept-encoding'])
    expect(got.type).toStartWith(type)
    const plain = await ofApi(path, 'identity')
    expect([plain.encoding, plain.type]).toEqual([null, got.type])
  }
})

describe('the page in the executable', () => {
  const script = () => {
    const [path = ''] = [...files.keys()].filter((one) => /^\/assets\/index-.*\.js$/.test(one))
    return { path, content: new Uint8Array(readFileSync(files.get(path) ?? '')) }
  }

  test.each([
    ['br, gzip', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['br;q=0, gzip;q=0', null],
    ['identity', null],
  ] as const)(
    'a script is sent to those who accept %p as %p, the same content',
    async (accepted, encoding) => {
      const { path, content } = script()
      const got = await ofPage(path, { 'accept-encoding': accepted })
      expect([got.status, got.encoding, got.vary]).toEqual([200, encoding, 'accept-encoding'])
      expect(got.type).toStartWith('text/javascript')
      // Its name changes with its content.
      expect(got.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
      const whole = await fetch(new URL(path, `http://localhost:${executable.server?.port}`), {
        headers: { 'accept-encoding': accepted },
      })
      expect(await whole.bytes()).toEqual(content)
      if (encoding) expect(got.bytes.length).toBeLessThan(content.length / 2)
    },
  )

  test('index.html and what has no digest in its name are asked for again', async () => {
    for (const path of ['/', '/help', '/index.html', '/favicon.svg', '/first.js']) {
      const got = await ofPage(path, { 'accept-encoding': 'br' })
      expect([path, got.status, got.headers.get('cache-control')]).toEqual([path, 200, 'no-cache'])
    }
  })

  test('every script and style of some size is there in both encodings, made by the build', () => {
    const texts = [...files].filter(([path]) => /\.(js|css|html|svg)$/.test(path))
    const large = texts.filter(([, file]) => readFileSync(file).length >= 1400).map(([path]) => path)
    expect(large.length).toBeGreaterThan(10)
    const missing = large.flatMap((path) => [`${path}.br`, `${path}.gz`]).filter((path) => !files.has(path))
    expect(missing).toEqual([])
  })

  test('HEAD has the headers of GET, and no body', async () => {
    const { path } = script()
    const headers = { 'accept-encoding': 'gzip' }
    const [got, head] = [await ofPage(path, headers), await ofPage(path, headers, 'HEAD')]
    expect([head.status, head.encoding, head.vary, head.type]).toEqual([200, 'gzip', got.vary, got.type])
    expect(head.bytes.length).toBe(0)
    const json = await ofApi(large, 'gzip', 'HEAD')
    expect([json.status, json.type, json.bytes.length]).toEqual([200, 'application/json', 0])
  })

  test('a request for a part gets that part, or everything', async () => {
    const { path, content } = script()
    for (const accepted of ['identity', 'gzip']) {
      const got = await ofPage(path, { 'accept-encoding': accepted, range: 'bytes=10-19' })
      const stored = got.encoding === 'gzip' ? new Uint8Array(readFileSync(`${files.get(path)}.gz`)) : content
      const expected = got.status === 206 ? stored.slice(10, 20) : stored
      expect([200, 206]).toContain(got.status)
      expect(got.bytes).toEqual(expected)
    }
  })

  test('the compressed files have no address of their own', async () => {
    const { path } = script()
    expect((await ofPage(`${path}.gz`, {})).status).toBe(404)
  })
})
