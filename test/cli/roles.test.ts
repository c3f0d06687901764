// `pgtrek roles` as a process: its exit codes, its output, its question.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { RolesReport } from '../../shared/roles.ts'
import { type Home, makeHome } from '../../tools/command.ts'
import { type OwnCluster, startCluster } from '../../tools/servers/clusters.ts'

let home: Home
let source: OwnCluster
let destination: OwnCluster
beforeAll(async () => {
  home = makeHome()
  source = await startCluster({ major: 14 })
  destination = await startCluster({ major: 18 })
  await source.sql(
    'postgres',
    `create role team createdb; create role app login password 'geheim'; grant team to app;
     create role reader login password 'r'`,
  )
})
afterAll(async () => {
  home[Symbol.dispose]()
  await Promise.all([source, destination].map((server) => server.stop()))
})

const ends = () => ['--source', source.url('postgres'), '--dest', destination.url('postgres')]

test('errors on the command line are reported before anything is tried', async () => {
  expect((await home.run(['roles'], { PGTREK_SOURCE: '' })).code).toBe(2)
  expect((await home.run(['roles', ...ends(), '--roles', 'replace'])).said).toContain(
    'It must be merge, skip or fail',
  )
  const missing = await home.run(['roles', ...ends(), '--password-file', 'nowhere'])
  expect(missing.said).toContain('--password-file: nowhere cannot be read: ENOENT')
  expect(missing.code).toBe(2)
  const unknown = await home.run(['roles', ...ends(), '--include-role', 'ap'])
  expect(unknown.said).toContain('there is no role "ap": did you mean app?')
  expect(unknown.code).toBe(2)
  const unreachable = await home.run([
    'roles',
    '--source',
    source.url('postgres'),
    '--dest',
    'postgres://x@127.0.0.1:1/x',
  ])
  expect(unreachable.code).toBe(3)
})

test('a dry run prints the statements, the run prints what was done', async () => {
  const planned = await home.run(['roles', ...ends(), '--dry-run'])
  expect(planned.code).toBe(0)
  expect(planned.output).toContain('create role "team" createdb;')
  expect(planned.output).toContain(`alter role "app" password '********';`)
  expect(planned.output).toContain('Dry run: nothing was written. 3 roles, 3 new,')
  expect(await destination.sql('postgres', "select from pg_roles where rolname = 'app'")).toEqual([])

  const { code, output } = await home.run(['roles', ...ends(), '--json'])
  expect(code).toBe(0)
  const report = JSON.parse(output)
  expect(Value.Check(RolesReport, report)).toBe(true)
  expect(report.status).toBe('completed')
  expect(output).not.toMatch(/SCRAM|md5[0-9a-f]/)
})

test('more rights for an existing role need a confirmation', async () => {
  await source.sql('postgres', 'alter role app createdb')
  const refused = await home.run(['roles', ...ends()])
  expect(refused.code).toBe(3)
  expect(refused.said).toContain('Confirm with --yes')
  const talked = await home.talk(['roles', ...ends()], 'Type yes to continue', 'yes\r')
  expect(talked.screen).toContain('alter role "app" createdb')
  expect(talked.code).toBe(0)
  const [app] = await destination.sql('postgres', "select rolcreatedb from pg_roles where rolname = 'app'")
  expect(app).toEqual({ rolcreatedb: true })
})

test('differences under --roles fail refuse with exit code 3', async () => {
  await destination.sql('postgres', 'alter role app connection limit 3')
  const { code, output } = await home.run(['roles', ...ends(), '--roles', 'fail'])
  expect(code).toBe(3)
  expect(output).toContain('app: connection limit: none on the source, 3 on the destination')
  expect(output).toContain('alter role "app" connection limit -1;')
})

test('passwords that cannot be read come from a file, and roles without one are named', async () => {
  const urls = ['--source', source.url('postgres', 'reader', 'r'), '--dest', destination.url('postgres')]
  await destination.sql('postgres', 'drop role app')
  const named = await home.run(['roles', ...urls, '--include-role', 'app', '--dry-run'])
  expect(named.output).toContain(
    'Roles that can log in and need a password:\n  app: "reader" may not read it on the source',
  )
  writeFileSync(join(home.directory, 'password'), 'sehr geheim\nmore\n')
  const { code, output } = await home.run([
    'roles',
    ...urls,
    '--include-role',
    'app',
    '--password-file',
    'password',
  ])
  expect(code).toBe(0)
  expect(output).not.toContain('sehr geheim')
  const [kept] = await destination.sql<{ hash: string }>(
    'postgres',
    "select rolpassword as hash from pg_authid where rolname = 'app'",
  )
  expect(kept?.hash).toStartWith('SCRAM-SHA-256$4096:')
})
