// `pgtrek worker` as a process: what it refuses, and its health check.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, makeHome } from '../../tools/command.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { endWorker, reports, startWorker } from '../support/workers.ts'

let home: Home
let database: TestDatabase

beforeAll(async () => {
  home = makeHome()
  database = await (await cluster(15)).createDatabase()
})

afterAll(() => home[Symbol.dispose]())

const nowhere = 'postgres://user:secret@127.0.0.1:1/nowhere'

test.each([
  ['no connections', ['--queue', nowhere], 2, '--source and --dest'],
  ['no queue', ['--source', nowhere, '--dest', nowhere], 2, 'PGTREK_QUEUE'],
  ['no jobs at a time', ['--concurrency', '0'], 2, '--concurrency'],
  [
    'a queue that is not there',
    ['--source', nowhere, '--dest', nowhere, '--queue', nowhere],
    3,
    '127.0.0.1:1',
  ],
])('%s is reported', async (_, args, code, named) => {
  const ended = await home.run(['worker', ...args])
  expect(ended).toMatchObject({ code, output: '' })
  expect(ended.said).toContain(named)
  expect(ended.said).not.toContain('secret')
})

test('the queue may come from a file, and a worker answers health checks', async () => {
  const file = join(home.directory, 'worker.toml')
  const line = (key: string) => `${key} = "${database.url}"\n`
  writeFileSync(file, ['source', 'dest', 'queue'].map(line).join(''))
  const worker = startWorker(home, ['--config', file, '--health-port', '0'], {})
  const answers = /answers at (\S+)\/health/
  const address = answers.exec(await reports(worker, answers))?.[1] ?? ''
  const { code, output } = await home.run(['health', '--url', address])
  expect({ code, output }).toEqual({ code: 0, output: 'ok\n' })
  expect(await endWorker(worker)).toBe(0)
  const status = await home.run(['status', '--queue', database.url])
  expect(status.output).toBe('no workers on this queue\n')
})

test('showing a database without a queue does not create one', async () => {
  const plain = await (await cluster(15)).createDatabase()
  const status = await home.run(['status', '--queue', plain.url, '--json'])
  expect(status).toMatchObject({ code: 0, output: '[]\n' })
  expect(await plain.sql("select from pg_namespace where nspname like 'pgtrek%'")).toEqual([])
})
