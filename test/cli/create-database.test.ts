// `pgtrek create-database` as a process.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { randomUUID } from 'node:crypto'
import { type Home, makeHome } from '../../tools/command.ts'
import { type Cluster, cluster } from '../../tools/servers/clusters.ts'

let home: Home
let from: Cluster
let to: Cluster
const name = `made ${randomUUID().slice(0, 8)}`

beforeAll(async () => {
  home = makeHome()
  from = await cluster(15)
  to = await cluster(17)
})

afterAll(async () => {
  await to.sql('postgres', `drop database if exists "${name}"`)
  home[Symbol.dispose]()
})

const run = (...more: string[]) =>
  home.run(['create-database', '--source', from.url('postgres'), '--dest', to.url(name), ...more])

const there = () => to.sql('postgres', `select from pg_database where datname = '${name}'`)

test('it shows the statement, asks, creates, and leaves an existing database alone', async () => {
  const shown = await run('--dry-run')
  expect(shown.code).toBe(0)
  expect(shown.output).toStartWith(`create database "${name}" template template0 encoding 'UTF8'`)
  // Without a terminal the answer is no.
  expect(await run()).toMatchObject({ code: 3, said: expect.stringContaining('use --yes') })
  expect(await there()).toHaveLength(0)
  const made = await run('--yes', '--json')
  expect(made.code).toBe(0)
  expect(JSON.parse(made.output)).toMatchObject({ database: name, created: true, exists: true })
  expect(await there()).toHaveLength(1)
  expect(await run('--yes')).toMatchObject({ code: 0, said: expect.stringContaining('exists already') })
})

test('an unknown locale is a mistake of the command line', async () => {
  expect(await run('--locale', 'klingon')).toMatchObject({
    code: 2,
    said: expect.stringContaining('same, server, c'),
  })
})
