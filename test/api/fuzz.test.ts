// Thousands of invalid requests, generated from the description of the API: each gets a typed answer.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cleanEnvironment } from '../../tools/command.ts'
import { within } from '../../tools/eventually.ts'
import { isLong } from '../../tools/long.ts'
import { program } from '../../tools/program.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'

interface Schema {
  type?: string
  anyOf?: Schema[]
  const?: unknown
  enum?: unknown[]
  properties?: Record<string, Schema>
  items?: Schema | Schema[]
  patternProperties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  minimum?: number
  maximum?: number
}

interface Operation {
  parameters?: { name: string; in: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

const seed = Number(process.env.FUZZ_SEED ?? 1)
const requests = isLong ? 60_000 : 4000
const mostGrowth = 200 * 1024
let child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
let base: string
const heard: string[] = []

beforeAll(async () => {
  child = Bun.spawn([...program, 'serve', '--port', '0', '--state-dir', join(scratchDirectory(), 'fuzzed')], {
    cwd: scratchDirectory(),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: cleanEnvironment({ PGPASSWORD: '' }),
  })
  const listening = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) void hear(stream, listening.resolve)
  base = await within('the server to listen', listening.promise, undefined, () => heard)
})

afterAll(async () => {
  child.kill('SIGTERM')
  await within('its end', child.exited)
})

async function hear(stream: ReadableStream<Uint8Array>, onUrl: (url: string) => void) {
  for await (const text of stream.pipeThrough(
    new TextDecoderStream() as never,
  ) as unknown as AsyncIterable<string>) {
    heard.push(text)
    const [, url] = /listens on (\S+)\//.exec(text) ?? []
    if (url) onUrl(url)
  }
}

/** Kilobytes of memory in use by the server. */
function memory(): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1])
}

/** https://en.wikipedia.org/wiki/Linear_congruential_generator: the same sequence for the same seed. */
function dice(start: number) {
  let state = BigInt(start)
  const next = () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn
    return Number(state >> 33n) / 2 ** 31
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return { next, below, oneOf: <Value>(values: readonly Value[]) => values[below(values.length)] as Value }
}

const random = dice(seed)
const texts = [
  ...[
    '',
    ' ',
    '\0',
    '../..',
    '%00',
    '%',
    "'; drop table t; --",
    '\x1b[2J',
    'ｎａｍｅ',
    '\ud800',
    '\u202e',
    '*',
    'a.b',
    '"',
  ],
  ...[
    'postgres://me@127.0.0.1:1/shop',
    'postgres://me:p@127.0.0.1:1/x?sslmode=verify-full',
    'postgres://%zz',
    'host=/nowhere',
  ],
  ...[
    '/nowhere',
    '/dev/zero',
    '127.0.0.1',
    'public',
    '__proto__',
    'constructor',
    '2026-01-01',
    'x'.repeat(5000),
  ],
]
const numbers = [0, -1, 1, 0.5, 1e308, -1e308, 2 ** 53, Number.NaN, 65536, 2 ** 31]

function anything(depth = 0): unknown {
  switch (random.below(depth > 4 ? 5 : 7)) {
    case 0:
      return random.oneOf(texts)
    case 1:
      return random.oneOf(numbers)
    case 2:
      return random.oneOf([true, false])
    case 3:
      return null
    case 4:
      return []
    case 5:
      return Array.from({ length: random.below(4) }, () => anything(depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [random.oneOf(texts), anything(depth + 1)]),
      )
  }
}

/** Mostly valid, so that some requests pass the validation. */
function valueFor(schema: Schema | undefined): unknown {
  if (!schema || random.next() < 0.03) return anything()
  if (schema.anyOf) return valueFor(random.oneOf(schema.anyOf))
  if ('const' in schema) return schema.const
  if (schema.enum) return random.oneOf(schema.enum)
  switch (schema.type) {
    case 'string':
      return random.oneOf(texts)
    case 'integer':
    case 'number':
      return random.next() < 0.5 ? random.oneOf(numbers) : (schema.minimum ?? 0) + random.below(3)
    case 'boolean':
      return random.next() < 0.5
    case 'null':
      return null
    case 'array':
      return Array.from({ length: random.below(4) }, () => valueFor([schema.items].flat()[0]))
    case 'object': {
      const known = Object.entries(schema.properties ?? {}).filter(() => random.next() < 0.6)
      const [others] = Object.values(schema.patternProperties ?? {})
      const free = others ? [[random.oneOf(texts), valueFor(others)]] : []
      return Object.fromEntries([...known.map(([name, inner]) => [name, valueFor(inner)]), ...free])
    }
    default:
      return anything()
  }
}

const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const whole = [
  () => deep(20_000),
  () => deep(2_000_000),
  () => `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
  () => `{"source":${deep(20_000)},"destination":${deep(100)}}`,
  () => `[${'[],'.repeat(300_000)}[]]`,
  () => `{"source":{"url":"${'x'.repeat(3_000_000)}"}}`,
  () => `{${Array.from({ length: 50_000 }, (_, index) => `"k${index}":${index}`).join()}}`,
  () => `{"selection":{"rules":[${'{"include":"*"},'.repeat(100_000)}{}]}}`,
  () => '{"a":1',
  () => '',
]

function bodyFor(schema: Schema | undefined): string | undefined {
  if (!schema) return random.next() < 0.9 ? undefined : JSON.stringify(anything())
  if (random.next() < 0.01) return random.oneOf(whole)()
  return JSON.stringify(valueFor(schema)) ?? 'null'
}

test(`of ${requests} requests generated with seed ${seed} none is answered with 5xx, hangs, or leaks memory`, async () => {
  const { paths } = (await (await fetch(`${base}/openapi/json`)).json()) as {
    paths: Record<string, Record<string, Operation>>
  }
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  expect(operations.length).toBeGreaterThan(20)
  const answers = new Map<number, number>()
  const ask = async (number: number) => {
    const { path, method, operation } = random.oneOf(operations)
    const place = path.replaceAll(
      /\{\w+\}/g,
      () => encodeURIComponent(wellFormed(random.oneOf(texts))) || 'x',
    )
    const query = (operation.parameters ?? [])
      .filter((one) => one.in === 'query' && random.next() < 0.7)
      .map(({ name, schema }) => `${name}=${encodeURIComponent(wellFormed(String(valueFor(schema))))}`)
    const schema = operation.requestBody?.content['application/json']?.schema
    const body = method === 'get' ? undefined : bodyFor(schema)
    const said = `number ${number}: ${method.toUpperCase()} ${place}?${query.join('&')} ${body?.slice(0, 300)}`
    const answer = await within(
      said,
      fetch(`${base}${place}${query.length > 0 ? `?${query.join('&')}` : ''}`, {
        method: method.toUpperCase(),
        redirect: 'manual',
        ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
      }).then(async (response) => ({ status: response.status, text: await response.text() })),
    )
    if (answer.status >= 500) throw new Error(`${said} was answered with ${answer.status} ${answer.text}`)
    answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1)
  }
  // The first few hundred load what is loaded once.
  for (let number = 0; number < 300; number++) await ask(number)
  const before = memory()
  for (let number = 300; number < requests; number++) await ask(number)
  expect(answers.get(200)).toBeGreaterThan(0)
  expect(answers.get(400)).toBeGreaterThan(requests / 4)
  expect(memory() - before).toBeLessThan(mostGrowth)
  expect(heard.join('')).not.toContain('    at ')
}, 600_000)

function wellFormed(text: string): string {
  return text.toWellFormed()
}

test('deeply nested bodies, or those with very many parts, are refused before they are parsed', async () => {
  for (const body of whole.slice(0, 5)) {
    const answer = await fetch(`${base}/api/migrate`, {
      method: 'POST',
      body: body(),
      headers: { 'content-type': 'application/json' },
    })
    expect([400, 413]).toContain(answer.status)
    expect(['usage', 'too_large']).toContain(((await answer.json()) as { error: string }).error)
  }
})

test.each(['%20', '%0a', '1e3', '', '0x10', '%2B1', '-1', 'NaN', '1e308', '9007199254740993'])(
  'an invalid or too large number in a query (%s) is refused with a message',
  async (number) => {
    for (const place of [
      'migrations?limit=',
      'migrations?offset=',
      'migrations/x/log?limit=',
      'migrations/x/log?after=',
    ]) {
      const answer = await fetch(`${base}/api/${place}${number}`)
      const { error, message } = (await answer.json()) as { error: string; message: string }
      expect([place, answer.status, error, message]).toEqual([
        ...[place, 400, 'usage'],
        expect.stringMatching(/^\/(limit|offset|after) must be a whole number from [01] to \d+$/),
      ])
    }
  },
)
