// Makes the attempts that it reads from standard input, one after another, and prints the result of each.
import { createInterface } from 'node:readline'
import { CopyBoth } from '../../server/postgres/copy-both.ts'
import { relayCopy } from '../../server/postgres/copy-stream.ts'
import { relayTables } from '../../server/postgres/copy-tables.ts'
import { queryMessage } from '../../server/postgres/messages.ts'
import { Pipeline } from '../../server/postgres/pipeline.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { Tunnel } from '../../server/postgres/tunnel.ts'
import type { Outcome } from './misbehaving-servers.test.ts'
import type { Place } from './misbehaviours/case.ts'

const [, , destinationUrl = ''] = process.argv

const settingsOf = (url: string) => ({
  ...resolveSettings({ url }, { env: {}, home: '/nowhere', socketDirectories: [] }),
  silenceMs: 100,
  mostAnswerBytes: 16 * 1024 * 1024,
})

const copying = { copyOut: 'copy t to stdout', copyIn: 'copy t from stdin' }

async function withTable(): Promise<Session> {
  const session = await Session.open(settingsOf(destinationUrl))
  await session.execute('create temporary table t (a text)')
  return session
}

const work: Record<Place, (session: Session) => Promise<unknown>> = {
  async login() {},
  query: (session) => session.one<{ a: string }>('select a from t'),
  async copy(source) {
    await using destination = await withTable()
    await relayCopy({ source, destination, ...copying, binary: false })
  },
  async into(destination) {
    await using source = await withTable()
    await source.execute('insert into t select g from generate_series(1, 100) g')
    await relayCopy({ source, destination, ...copying, binary: false })
  },
  async tables(source) {
    await using destination = await withTable()
    await relayTables({ source, destination, tables: [copying, copying] })
  },
  async stream(session) {
    using stream = await CopyBoth.start(session, 'START_REPLICATION')
    for (;;) {
      const bytes = await stream.read()
      if (bytes[0] !== 'd'.charCodeAt(0)) stream.hear(bytes)
    }
  },
  async pipeline(session) {
    using pipeline = new Pipeline(session)
    pipeline.expect(1)
    pipeline.sync()
    await pipeline.quiet()
  },
  async tunnel(session) {
    using tunnel = new Tunnel(session)
    await tunnel.exchange(Buffer.from('the start of a session'))
    await tunnel.exchange(queryMessage('select 1'))
  },
}

async function attempt(at: Place, url: string): Promise<unknown> {
  try {
    const session = await Session.open(settingsOf(url))
    try {
      await work[at](session)
    } finally {
      session.destroy()
    }
    return undefined
  } catch (error) {
    return error
  }
}

const largest = () => process.resourceUsage().maxRSS / 1024

// Memory for code that is loaded and compiled at its first use is not counted.
await attempt('copy', destinationUrl)
console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const { at, url } = JSON.parse(line) as { at: Place; url: string }
  const before = largest()
  const error = await attempt(at, url)
  const outcome: Outcome = {
    error: error instanceof Error ? error.constructor.name : 'none',
    message: error instanceof Error ? error.message : String(error),
    grownMB: Math.round(largest() - before),
  }
  console.log(JSON.stringify(outcome))
}
