// A real PgBouncer before a test server. It is not an npm package: on Debian use `apt-get install pgbouncer`.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import postgres from 'postgres'
import { CannotHappen, eventually, within } from '../../tools/eventually.ts'
import { giveToServer, serverUser } from '../../tools/servers/binaries.ts'
import type { TestDatabase } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'

const places = [
  '/usr/sbin/pgbouncer',
  '/usr/bin/pgbouncer',
  '/usr/local/bin/pgbouncer',
  '/opt/homebrew/bin/pgbouncer',
]
const program = places.find((place) => existsSync(place))

/** Tests that need it are skipped without it. */
export const hasPgBouncer = program !== undefined
if (!hasPgBouncer) console.warn('skipped: PgBouncer is not installed (Debian: apt-get install pgbouncer)')

export interface PgBouncer extends AsyncDisposable {
  port: number
  /** The URL of the database through the pooler. */
  url(database: TestDatabase): string
  /** A client of the application. */
  client(database: TestDatabase): postgres.Sql
}

let started = 0

/**
 * The caller ends it, with all its clients. `settings` are lines of pgbouncer.ini; `connectQuery` is the statement that it
 * sends to each new server connection; several `programs` share the port, each with its own pool.
 */
export async function startPgBouncer(
  server: { port: number },
  settings: Record<string, string>,
  { connectQuery, programs = 1 }: { connectQuery?: string; programs?: number } = {},
): Promise<PgBouncer> {
  if (!program) throw new Error('PgBouncer is not installed')
  const directory = join(scratchDirectory(), `pgbouncer-${++started}`)
  mkdirSync(directory, { mode: 0o755 })
  giveToServer(directory)
  const port = await freePort()
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'trust',
    auth_file: join(directory, 'users.txt'),
    default_pool_size: '20',
    ...(programs > 1 && { so_reuseport: '1' }),
    ...settings,
  }
  const write = (name: string, text: string) => {
    writeFileSync(join(directory, name), text, { mode: 0o644 })
    giveToServer(join(directory, name))
  }
  const connect = connectQuery ? ` connect_query='${connectQuery.replaceAll("'", "''")}'` : ''
  write('users.txt', '"postgres" "postgres"\n')
  write(
    'pgbouncer.ini',
    [
      '[databases]',
      `* = host=127.0.0.1 port=${server.port}${connect}`,
      '[pgbouncer]',
      ...Object.entries(all).map(([name, value]) => `${name} = ${value}`),
      '',
    ].join('\n'),
  )
  const children = Array.from({ length: programs }, () => run(program, join(directory, 'pgbouncer.ini')))
  const clients: postgres.Sql[] = []
  const stop = async () => {
    await Promise.all(clients.map((client) => client.end({ timeout: 1 })))
    for (const { child } of children) child.kill('SIGTERM')
    await within('the end of PgBouncer', Promise.all(children.map(({ ended }) => ended)))
  }
  try {
    await eventually('PgBouncer to listen', () => {
      const dead = children.find(({ child }) => child.exitCode !== null)
      if (dead) throw new CannotHappen(dead.log())
      return children.every(({ log }) => log().includes('process up'))
    })
  } catch (error) {
    await stop()
    throw error
  }
  const url = (database: TestDatabase) => `postgres://postgres:postgres@127.0.0.1:${port}/${database.name}`
  return {
    port,
    url,
    client(database) {
      const sql = postgres(url(database), { max: 1, prepare: false, fetch_types: false, onnotice() {} })
      clients.push(sql)
      return sql
    },
    [Symbol.asyncDispose]: stop,
  }
}

function run(program: string, configuration: string) {
  const child = spawn(program, [configuration], {
    ...serverUser,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let logged = ''
  child.stderr.on('data', (chunk) => (logged += chunk))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return { child, ended, log: () => logged }
}

function freePort(): Promise<number> {
  const probe = createServer()
  return new Promise((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
