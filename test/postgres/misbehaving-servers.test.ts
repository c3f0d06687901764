// Servers that are not a PostgreSQL server, or a broken one: each attempt ends, reports clearly what is not valid, and needs
// little memory. One child process makes all attempts, so that its largest size shows what each of them needed.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { within } from '../../tools/eventually.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import { startFake } from '../support/fake-server.ts'
import { atLogin } from './misbehaviours/at-login.ts'
import type { Case } from './misbehaviours/case.ts'
import { inSessions } from './misbehaviours/in-sessions.ts'

export interface Outcome {
  error: string
  message: string
  grownMB: number
}

/** The limit before login, 64 MB, includes what the runtime takes at first use. Rows that are kept need more. */
const mostGrownMB = { login: 64, session: 160 }

let child: Bun.Subprocess<'pipe', 'pipe', 'inherit'>
let lines: AsyncIterator<string>

beforeAll(async () => {
  const destination = (await cluster(17)).url('postgres')
  child = Bun.spawn([process.execPath, join(import.meta.dir, 'attempts.ts'), destination], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  lines = linesOf(child.stdout)
  await within('the child to be there', lines.next())
})

afterAll(async () => {
  child.stdin.end()
  await child.exited
})

test.each([...atLogin, ...inSessions].map((one) => [`${one.at}: ${one.name}`, one] as const))(
  '%s',
  async (_, one) => {
    using fake = startFake(one.behaviour)
    const { error, message, grownMB } = await attempt(one, fake.port)
    expect(message).toMatch(one.says)
    expect(error).toBe(one.error ?? (one.at === 'login' ? 'ConnectFailed' : 'ConnectionLost'))
    // Messages contain no control characters from the server, and no class names or places in our code.
    expect(message).not.toMatch(/\p{Cc}|TypeError|undefined|null|NaN|\bat .*:\d+:\d+/u)
    expect(grownMB).toBeLessThan(one.at === 'login' ? mostGrownMB.login : mostGrownMB.session)
  },
)

async function attempt({ at, parameters = '' }: Case, port: number): Promise<Outcome> {
  const url = `postgres://me:secret@127.0.0.1:${port}/db?sslmode=disable${parameters}`
  child.stdin.write(`${JSON.stringify({ at, url })}\n`)
  child.stdin.flush()
  const { value, done } = await within('the end of the attempt', lines.next(), 20_000)
  if (done) throw new Error('the process that makes the attempts has ended')
  return JSON.parse(value) as Outcome
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const bytes of stream) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
}
