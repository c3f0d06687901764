// The client that `pgtrek client` writes, in a directory with nothing else: it compiles, runs a migration, watches it,
// and reports errors as they are.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, within } from '../../tools/eventually.ts'
import { program } from '../../tools/program.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { type Api, startApi } from '../support/api.ts'

const token = 'sixteen-letters/or+more=='
const rows = 5_000
const root = join(import.meta.dir, '../..')
const directory = join(scratchDirectory(), `client-${process.pid}`)
const file = join(directory, 'pgtrek.ts')
let api: Api
let from: Cluster
let to: Cluster
let source: TestDatabase

beforeAll(async () => {
  mkdirSync(directory)
  ;[api, from, to] = await Promise.all([startApi({ token }), cluster(14), cluster(17)])
  source = await from.createDatabase()
  await source.sql(`
    create table t (id int primary key, v text);
    insert into t select n, repeat('v', 100) from generate_series(1, ${rows}) n; analyze`)
  expect(await run([...program, 'client', '--output', file])).toEqual({
    code: 0,
    stdout: `The client is in ${file}.\n`,
    stderr: '',
  })
})

afterAll(() => api.server.close())

async function run(command: string[]) {
  const child = Bun.spawn(command, { cwd: directory, stdout: 'pipe', stderr: 'pipe' })
  const text = (stream: ReadableStream) => new Response(stream).text()
  const [stdout, stderr, code] = await within(
    command.join(' ').slice(0, 200),
    Promise.all([text(child.stdout), text(child.stderr), child.exited]),
  )
  return { code, stdout, stderr }
}

const compile = (...flags: string[]) =>
  run([join(root, 'node_modules/.bin/tsc'), '--strict', '--types', '', ...flags])

describe('the file', () => {
  test.each([
    ['alone', []],
    ['in the strictest project', strictest()],
  ])('compiles %s', async (_, flags) => {
    expect(await compile('--noEmit', ...flags, file)).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('imports nothing', async () => {
    expect(await Bun.file(file).text()).not.toMatch(/^\s*import\b|\bimport\(|\brequire\(/m)
  })

  test('has a function for every route of the OpenAPI document, and is served with it', async () => {
    const authorization = `Bearer ${token}`
    const text = await Bun.file(file).text()
    const { json } = await api.get('/openapi/json', { authorization })
    const routes = Object.entries(json.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map(
        (method) => `\`${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}\``,
      ),
    )
    expect(routes.length).toBeGreaterThan(30)
    expect(routes.filter((route) => !text.includes(route))).toEqual([])
    expect((await api.get('/openapi/client.ts', { authorization })).text).toBe(text)
  })

  test('is written to standard output, if no file is given', async () => {
    const { code, stdout } = await run([...program, 'client'])
    expect(code).toBe(0)
    expect(stdout).toBe(await Bun.file(file).text())
  })

  test('a file that cannot be written is named', async () => {
    const { code, stderr } = await run([...program, 'client', '--output', join(file, 'below')])
    expect(code).toBe(2)
    expect(stderr).toContain(`${join(file, 'below')} cannot be written`)
  })
})

function strictest(): string[] {
  const flags = ['noUncheckedIndexedAccess', 'exactOptionalPropertyTypes', 'verbatimModuleSyntax']
  const more = ['erasableSyntaxOnly', 'isolatedModules', 'noImplicitReturns', 'noUnusedLocals']
  return [...[...flags, ...more].map((flag) => `--${flag}`), '--target', 'es2022', '--lib', 'es2022,dom']
}

test('mistakes do not compile', async () => {
  await Bun.write(
    join(directory, 'mistakes.ts'),
    `import { pgtrek } from './pgtrek.ts'
const api = pgtrek()
const ends = { source: { url: 'a' }, destination: { url: 'b' } }
export const right = [
  api.migrate({ ...ends, options: { existingDataMode: 'upsert', workers: 2 } }),
  api.getMigrationsLogById('id', { level: 'warn', after: 5 }),
  api.plan(ends, { sql: true }, { signal: AbortSignal.timeout(5) }),
]
export const wrong = [
  // @ts-expect-error a field that is not there
  api.migrate({ ...ends, optoins: {} }),
  // @ts-expect-error a mode that is none
  api.migrate({ ...ends, options: { existingDataMode: 'replace' } }),
  // @ts-expect-error a number is needed
  api.migrate({ ...ends, options: { workers: '4' } }),
  // @ts-expect-error the destination is missing
  api.migrate({ source: { url: 'a' } }),
  // @ts-expect-error a level that is none
  api.getMigrationsLogById('id', { level: 'loud' }),
  // @ts-expect-error an answer without this field
  api.getMigrateStatus().then(({ percentage }) => percentage),
]
`,
  )
  const flags = ['--noEmit', '--allowImportingTsExtensions']
  expect(await compile(...flags, 'mistakes.ts')).toEqual({ code: 0, stdout: '', stderr: '' })
})

/** Runs a migration, and prints what it sees. */
const script = `import { pgtrek, PgtrekError } from './pgtrek.js'

const [, , url = '', token = '', source = '', destination = ''] = process.argv
const api = pgtrek(url, { token })
const request = { source: { url: source }, destination: { url: destination } }
const plan = await api.plan(request)
console.log('tables', plan.tables.map(({ name }) => name).join())
const { id } = await api.migrate(request)
let last = -1
for await (const message of api.progress()) {
  if (message.type !== 'progress' || message.data.id !== id) continue
  if (message.data.overall_percent < last) throw new Error('the percentage falls')
  last = message.data.overall_percent
  if (!message.data.running) break
}
const past = await api.getMigrationsById(id)
console.log('end', last, past.status, past.summary?.tables[0]?.rows)
try {
  await api.getMigrationsById('no such id')
} catch (error) {
  if (!(error instanceof PgtrekError)) throw error
  console.log('error', error.status, error.info.error)
}
const other = pgtrek(url, { token: 'wrong' })
for (const attempt of [() => other.getNamed(), () => other.progress().next()]) {
  try {
    await attempt()
  } catch (error) {
    console.log('refused', error instanceof PgtrekError ? error.info.error : error)
  }
}
`

const node = Bun.which('node')
const runtimes = [['Bun', process.execPath], ...(node === null ? [] : [['Node', node]])] as [string, string][]

test.each(runtimes)('a script in %s runs a migration and watches it', async (name, executable) => {
  const place = join(directory, name)
  mkdirSync(place)
  await Bun.write(join(place, 'run.ts'), `declare const process: { argv: string[] }\n${script}`)
  await Bun.write(join(place, 'pgtrek.ts'), Bun.file(file))
  await Bun.write(join(place, 'package.json'), '{ "type": "module" }')
  const target = ['--target', 'es2022', '--module', 'nodenext']
  expect(await compile(...target, join(place, 'run.ts'))).toEqual({ code: 0, stdout: '', stderr: '' })
  const destination = await to.createDatabase()
  const ends = [source.url, destination.url]
  const { code, stdout, stderr } = await run([
    executable,
    join(place, 'run.js'),
    api.server.url,
    token,
    ...ends,
  ])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.trim().split('\n')).toEqual([
    'tables t',
    `end 100 completed ${rows}`,
    'error 404 not_found',
    'refused unauthorized',
    'refused unauthorized',
  ])
  expect(await destination.sql('select count(*)::int as n from t')).toEqual([{ n: rows }])
})

/** The part of the file that the next test uses; its types are those of the file, checked above. */
interface Written {
  pgtrek(
    url: string,
    options: { token: string },
  ): { progress(options: object): AsyncGenerator<{ type: string; data: { partial?: boolean } }, void> }
}

test('the progress goes on when the server is away for a while, and ends when it is aborted', async () => {
  const { pgtrek } = (await import(file)) as Written
  const first = await startApi({ token })
  const { port, url } = first.server
  const states: string[] = []
  const stop = new AbortController()
  const messages = pgtrek(url, { token }).progress({
    signal: stop.signal,
    partial: true,
    onState: (state: string) => states.push(state),
  })
  expect((await messages.next()).value).toMatchObject({ type: 'progress', data: { running: false } })
  const next = messages.next()
  await first.server.close()
  await eventually('the client to notice', () => states.includes('lost'))
  await using second = await startApi({ token, port })
  expect(second.server.port).toBe(port)
  const { value } = await within('a message of the second server', next)
  expect(value).toMatchObject({ type: 'progress' })
  expect(value?.data.partial).toBeUndefined()
  expect(states.filter((state) => state === 'open').length).toBe(2)
  const end = messages.next()
  stop.abort()
  expect(await within('the end after the abort', end)).toEqual({ done: true, value: undefined })
})
