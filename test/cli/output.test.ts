// Output of servers cannot control a terminal.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { harmless, jsonText } from '../../server/system/output.ts'
import { type Home, makeHome } from '../../tools/command.ts'

const evil = 'evil\x1b[2J\x1b]0;title\x07\r\x9b31m\u202ename\nsecond line'
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
const command = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/
let home: Home
let server: Bun.TCPSocketListener

beforeAll(() => {
  home = makeHome()
  server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(socket, bytes) {
        if (bytes.length === 8) return void socket.write('N')
        const fields = Buffer.from(`SFATAL\0VFATAL\0C3D000\0M${evil}\0\0`)
        const head = Buffer.alloc(5)
        head.write('E')
        head.writeInt32BE(fields.length + 4, 1)
        socket.end(Buffer.concat([head, fields]))
      },
    },
  })
})

afterAll(() => {
  server.stop(true)
  home[Symbol.dispose]()
})

const ends = ['--source', 'S', '--dest', 'S']
test.each([
  ['list', '--source', 'S'],
  ['list', '--source', 'S', '--json'],
  ['clone', ...ends, '--yes'],
  ['clone', ...ends, '--dry-run'],
  ['clone', '--follow', ...ends, '--yes'],
  ['copy', ...ends, '--yes'],
  ['compare', ...ends],
  ['compare', ...ends, '--json'],
  ['doctor', ...ends],
  ['roles', ...ends],
  ['repair', '--dest', 'S'],
  ['follow', ...ends],
  ['status', ...ends],
  ['switchover', ...ends, '--yes'],
  ['cleanup', ...ends],
  ['no\x1b[2J such command'],
])('pgtrek %s %s %s %s %s %s', async (...args) => {
  const url = `postgres://me:secret@127.0.0.1:${server.port}/shop`
  const { code, output, said } = await home.run(args.map((word) => (word === 'S' ? url : word)))
  expect(code).not.toBe(0)
  expect(output + said).toMatch(/evil|no such|unknown|nothing/)
  expect(command.exec(output + said)).toBeNull()
})

test("line breaks and pgtrek's own colours are kept", () => {
  expect(harmless('one\n\x1b[31mtwo\x1b[39m\x1b[2J')).toBe('one\n\x1b[31mtwo\x1b[39m\\x1b[2J')
})

test('JSON contains the same without control characters', () => {
  const value = { evil, half: '\ud800', emoji: '👩‍💻' }
  expect(command.test(jsonText(value))).toBe(false)
  expect(JSON.parse(jsonText(value))).toEqual(value)
})

/** Files with examples for users, whose code prints. */
const examples = new Set(['api/typescript/examples.ts', 'api/page/reference-page.ts'])

test('all output goes through one module', async () => {
  const root = join(import.meta.dir, '../../server')
  const others: string[] = []
  for await (const path of new Bun.Glob('**/*.ts').scan(root)) {
    if (path === 'system/output.ts' || examples.has(path)) continue
    if (/process\.(stdout|stderr)\.write|console\.\w+\(/.test(readFileSync(join(root, path), 'utf8')))
      others.push(path)
  }
  expect(others).toEqual([])
})
