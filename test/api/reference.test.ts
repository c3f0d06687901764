// The examples of the API reference work as printed: each command reaches its route with a valid request, and each script
// compiles with the client.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { writtenClient } from '../../server/api/typescript/written-client.ts'
import { within } from '../../tools/eventually.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { type Api, startApi } from '../support/api.ts'

const token = 'sixteen-letters-and-more'
let api: Api
let html: string

beforeAll(async () => {
  api = await startApi({ token })
  html = (await api.get('/openapi', { authorization: `Bearer ${token}` })).text
})

afterAll(() => api.server.close())

function examples(kind: string): { name: string; text: string }[] {
  return [...html.matchAll(new RegExp(`<pre id="(\\w+)-${kind}"[^>]*>(.*?)</pre>`, 'gs'))].map(
    ([, name = '', code = '']) => ({ name, text: plain(code) }),
  )
}

function plain(code: string): string {
  return code.replace(/<[^>]+>/g, '').replace(/&#(\d+);/g, (_, number) => String.fromCharCode(Number(number)))
}

async function run(command: string[], cwd: string) {
  const child = Bun.spawn(command, {
    ...{ cwd, stdout: 'pipe', stderr: 'pipe' },
    env: { ...process.env, PGTREK_TOKEN: token },
  })
  const text = (stream: ReadableStream) => new Response(stream).text()
  const [stdout, code] = await within(command[0] ?? '', Promise.all([text(child.stdout), child.exited]))
  return { stdout, code }
}

test('there is one of each kind for every route', async () => {
  const { json } = await api.get('/openapi/json', { authorization: `Bearer ${token}` })
  const count = Object.values(json.paths as Record<string, object>).flatMap(Object.keys).length
  expect(count).toBeGreaterThan(30)
  expect(examples('curl').length).toBe(count)
  // And one for the WebSocket, and one for the beginning.
  expect(examples('typescript').length).toBe(count + 1)
})

test.skipIf(!Bun.which('curl'))('every command in curl is a valid request', async () => {
  const wrong: unknown[] = []
  for (const { name, text } of examples('curl')) {
    // There is nothing at this address, and the error says so: the request itself is valid.
    const script = text.replaceAll(/@(old|new)\/shop/g, '@127.0.0.1:1/$1')
    const { stdout, code } = await run(['bash', '-c', script.replace(/^curl /, 'curl --silent ')], '/')
    const { error, message } = JSON.parse(stdout) as { error?: string; message?: string }
    // Nothing with these names is there: the message names it, and not the route.
    const isAboutRequest = ['usage', 'method', 'unauthorized', 'forbidden', 'internal'].includes(error ?? '')
    const isAboutRoute = message?.startsWith('not found: /') ?? false
    if (code !== 0 || isAboutRequest || isAboutRoute) wrong.push({ name, text, stdout })
  }
  expect(wrong).toEqual([])
})

test('every script in TypeScript compiles with the client, and one is run', async () => {
  const directory = join(scratchDirectory(), `reference-${process.pid}`)
  await Bun.write(join(directory, 'pgtrek.ts'), writtenClient())
  const files: string[] = []
  for (const { name, text } of examples('typescript')) {
    const file = join(directory, `${name}.ts`)
    await Bun.write(file, `${text}\ndeclare const process: { env: { PGTREK_TOKEN: string } }\n`)
    files.push(file)
  }
  const flags = ['--strict', '--noEmit', '--allowImportingTsExtensions', '--target', 'es2022', '--types', '']
  const tsc = join(import.meta.dir, '../../node_modules/.bin/tsc')
  const compiled = await run([tsc, ...flags, '--module', 'esnext', ...files], directory)
  expect(compiled).toEqual({ stdout: '', code: 0 })
  const ran = await run([process.execPath, join(directory, 'getMigrateStatus.ts')], directory)
  expect(ran.code).toBe(0)
  expect(ran.stdout).toContain('overall_percent: 0')
})

test('every link leads to something on the page', () => {
  const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
  const links = [...html.matchAll(/href="#([^"]+)"/g)].flatMap(([, target]) => target ?? [])
  expect(links.length).toBeGreaterThan(100)
  expect(links.filter((target) => !ids.has(target))).toEqual([])
})

test('nothing is loaded from another host', () => {
  expect(html).not.toMatch(/(?:src|href)="(?!\/|#)/)
})
