// `pgtrek serve` as a process: its port, its token, its end, and the state of a run after a kill.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cleanEnvironment } from '../../tools/command.ts'
import { eventually, within } from '../../tools/eventually.ts'
import { program } from '../../tools/program.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'

let directory: string
let from: Cluster
let to: Cluster
let source: TestDatabase

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pgtrek-serve-'))
  ;[from, to] = await Promise.all([cluster(15), cluster(18)])
  source = await from.createDatabase()
  await source.sql(`
    create table t (id int primary key, v text);
    insert into t select n, repeat('v', 500) from generate_series(1, 5000) n`)
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

interface Served {
  url: string
  said: string[]
  /** Sends a request to the API, and returns the raw response. */
  ask(
    path: string,
    body?: object,
  ): Promise<{ status: number; json: Record<string, unknown> & { id: string } }>
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<number>
}

async function serve(args: string[], environment: Record<string, string> = {}): Promise<Served> {
  const child = Bun.spawn([...program, 'serve', '--port', '0', ...args], {
    cwd: directory,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: cleanEnvironment({ DISPLAY: '', WAYLAND_DISPLAY: '', ...environment }),
  })
  const said: string[] = []
  const listening = Promise.withResolvers<string>()
  const heard = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stdout) {
      said.push(...decoder.decode(chunk, { stream: true }).split('\n').filter(Boolean))
      const url = said.map((line) => /listens on (\S+)/.exec(line)?.[1]).find(Boolean)
      if (url) listening.resolve(url)
    }
    listening.reject(new Error(await new Response(child.stderr).text()))
  })()
  const ended = heard.then(() => child.exited)
  const url = await within('the server to listen', listening.promise, undefined, () => said)
  return {
    url,
    said,
    async ask(path, body) {
      const answer = await fetch(new URL(path, url), {
        method: body ? 'POST' : 'GET',
        ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      })
      return { status: answer.status, json: (await answer.json()) as { id: string } }
    },
    kill: (signal) => child.kill(signal),
    get ended() {
      return within('the end of the server', ended, undefined, () => said)
    },
  }
}

async function slowRun(served: Served, destination: TestDatabase): Promise<string> {
  const { status, json } = await served.ask('/api/migrate', {
    source: { url: source.url },
    destination: { url: destination.url },
    options: { maxBytesPerSecond: 100_000 },
  })
  expect(status).toBe(200)
  await eventually(
    'some rows to be copied',
    async () => (await served.ask('/api/migrate/status')).json,
    ({ migrated_rows, running }) => running === true && Number(migrated_rows) > 0,
  )
  return json.id
}

test('reports its address, and answers there', async () => {
  const served = await serve([])
  expect(served.said.join('\n')).not.toContain('token')
  expect((await served.ask('/health')).json).toMatchObject({ ok: true })
  served.kill('SIGTERM')
  expect(await served.ended).toBe(0)
})

test('health checks it, and reports when no server answers', async () => {
  const served = await serve([])
  const health = () => Bun.spawnSync([...program, 'health', '--url', served.url])
  expect(health().exitCode).toBe(0)
  served.kill('SIGINT')
  expect(await served.ended).toBe(0)
  const { exitCode, stderr } = health()
  expect(exitCode).toBe(1)
  expect(stderr.toString()).toContain(served.url)
})

test('a port in use is reported', async () => {
  const served = await serve([])
  const port = new URL(served.url).port
  const { exitCode, stderr } = Bun.spawnSync([...program, 'serve', '--port', port], {
    cwd: directory,
  })
  expect(exitCode).toBe(2)
  expect(stderr.toString()).toContain(`port ${port} is in use`)
  served.kill('SIGTERM')
  await served.ended
})

test('on other interfaces a token is needed: generated and shown once, or the given one', async () => {
  const served = await serve(['--host', '0.0.0.0'])
  const token = /token \(not shown again\): (\S{32})$/m.exec(served.said.join('\n'))?.[1]
  expect(token).toBeString()
  const status = async (given?: string) =>
    (
      await fetch(
        new URL('/api/profiles', served.url),
        given ? { headers: { authorization: `Bearer ${given}` } } : {},
      )
    ).status
  expect([await status(), await status('x'), await status(token)]).toEqual([401, 401, 200])
  served.kill('SIGTERM')
  await served.ended
  const own = await serve(['--host', '0.0.0.0'], { PGTREK_TOKEN: 'my-own-secret-token' })
  expect(own.said.join('\n')).not.toContain('token')
  expect((await own.ask('/api/profiles')).status).toBe(401)
  own.kill('SIGTERM')
  await own.ended
  const short = Bun.spawnSync([...program, 'serve', '--port', '0', '--token', 'short'], {
    cwd: directory,
  })
  expect([short.exitCode, short.stderr.toString()]).toEqual([2, expect.stringContaining('16 characters')])
})

test('with --token on this machine the browser that it opens logs in once, and no other user can read the link', async () => {
  const bin = join(directory, 'bin')
  const state = join(directory, 'state-token')
  mkdirSync(bin)
  writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\necho "$*" > ${directory}/opened\n`, { mode: 0o755 })
  const served = await serve(['--token', '--open', '--state-dir', state], {
    DISPLAY: ':0',
    PATH: `${bin}:${process.env.PATH}`,
  })
  const opened = await eventually(
    'the browser',
    async () =>
      existsSync(join(directory, 'opened')) && readFileSync(join(directory, 'opened'), 'utf8').trim(),
    (path) => path !== false && path !== '',
  )
  expect((await served.ask('/api/profiles')).status).toBe(401)
  expect(opened).toStartWith(state)
  expect((statSync(String(opened)).mode & 0o777).toString(8)).toBe('600')
  const [, link = ''] = /href="([^"]+)"/.exec(readFileSync(String(opened), 'utf8')) ?? []
  // Like a browser that opens it from a file.
  const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
  const first = await fetch(link, { headers })
  expect([first.status, first.headers.get('refresh')]).toEqual([200, '0; url=/'])
  const [cookie = ''] = (first.headers.get('set-cookie') ?? '').split(';')
  expect((await fetch(new URL('/api/profiles', served.url), { headers: { cookie } })).status).toBe(200)
  const second = await fetch(link, { headers })
  expect(second.headers.get('set-cookie')).toBeNull()
  expect(await second.text()).toContain('was already used')
  served.kill('SIGTERM')
  expect(await served.ended).toBe(0)
  expect(existsSync(String(opened))).toBe(false)
})

describe('with a migration under way', () => {
  test('SIGTERM stops it cleanly: no table is incomplete, and the history has it as cancelled', async () => {
    const state = ['--state-dir', join(directory, 'state-term')]
    const served = await serve(state)
    const destination = await to.createDatabase()
    const id = await slowRun(served, destination)
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(served.said.join('\n')).toContain('stopping')
    expect(await destination.sql('select count(*)::int as n from t')).toEqual([{ n: 0 }])
    const sessions = await to.sql(
      'postgres',
      `select from pg_stat_activity where application_name = 'pgtrek' and datname = $1`,
      [destination.name],
    )
    expect(sessions).toEqual([])
    const again = await serve(state)
    expect((await again.ask(`/api/migrations/${id}`)).json).toMatchObject({ status: 'cancelled' })
    again.kill('SIGTERM')
    await again.ended
  })

  test('kill -9: the next start finds it interrupted, with its log, and continues it', async () => {
    const state = ['--state-dir', join(directory, 'state-kill')]
    const served = await serve(state)
    const destination = await to.createDatabase()
    const id = await slowRun(served, destination)
    served.kill('SIGKILL')
    await served.ended
    const again = await serve(state)
    expect((await again.ask('/api/migrate/status')).json).toMatchObject({ running: false, id: null })
    const past = (await again.ask(`/api/migrations/${id}`)).json
    expect(past).toMatchObject({ status: 'interrupted', finished_at: null, summary: null })
    expect(past.request).toMatchObject({ options: { maxBytesPerSecond: 100_000 } })
    const log = (await again.ask(`/api/migrations/${id}/log`)).json
    expect(JSON.stringify(log.lines)).toContain('planned')
    const retry = await again.ask(`/api/migrations/${id}/retry`, {
      source: { url: source.url },
      destination: { url: destination.url },
    })
    expect(retry.status).toBe(200)
    again.kill('SIGTERM')
    expect(await again.ended).toBe(0)
  })
})

test('without arguments it serves, and opens a browser only on a desktop', async () => {
  const home = join(directory, 'home')
  mkdirSync(home)
  // Another process may use the default port: its message about that is also proof that it serves.
  const child = Bun.spawn([...program], {
    cwd: home,
    stdout: 'pipe',
    stderr: 'pipe',
    env: cleanEnvironment({ DISPLAY: '', WAYLAND_DISPLAY: '' }),
  })
  const reader = child.stdout.getReader()
  const { value } = await within('its first line', reader.read())
  const said = value ? new TextDecoder().decode(value) : await new Response(child.stderr).text()
  expect(said).toMatch(/listens on http:\/\/localhost:8080\/|port 8080 is in use/)
  child.kill('SIGTERM')
  await within('its end', child.exited)
})
