// `pgtrek preflight` as a process: its output and exit codes.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { PreflightReport } from '../../shared/preflight.ts'
import { type Home, makeHome } from '../../tools/command.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'

let home: Home
let source: TestDatabase
let destination: TestDatabase
beforeAll(async () => {
  home = makeHome()
  source = await (await cluster(14)).createDatabase()
  destination = await (await cluster(18)).createDatabase()
  await source.sql('create table t (x int); create unlogged table "Odd" (x int)')
})
afterAll(() => home[Symbol.dispose]())

const preflight = (...args: string[]) =>
  home.run(['preflight', '--source', source.url, '--dest', destination.url, ...args])

test('exit code 0 if all checks pass, and 1 with the fix of a blocker', async () => {
  const calm = await preflight()
  expect(calm.output).toContain('ok      Server versions: from PostgreSQL 14 to 18\n')
  expect(calm.output).toContain('Ready. ')
  expect(calm.code).toBe(0)
  const follow = await preflight('--follow', '--quiet')
  expect(follow.output).toContain('BLOCKER Replica identities: ')
  expect(follow.output).toContain('          public.t\n')
  expect(follow.output).toContain('          alter table public.t replica identity full;\n')
  expect(follow.output).toContain('          alter table public."Odd" set logged;\n')
  expect(follow.output).not.toContain('ok     ')
  expect(follow.output).toContain('Not ready. ')
  expect(follow.code).toBe(1)
})

test('--json is one object that matches its schema', async () => {
  const { output, code } = await preflight('--json')
  const report = JSON.parse(output)
  expect(Value.Check(PreflightReport, report)).toBe(true)
  expect(report.status).toBe('ok')
  expect(code).toBe(0)
})

test('takes the flags of clone, and checks only what would be migrated', async () => {
  const chosen = await preflight('--follow', '--include', 'Odd', '--exclude', 't', '--workers', '2')
  expect(chosen.output).toContain('1 of 2 tables selected: only these are checked')
  expect(chosen.output).not.toContain('public.t\n')
  const forgiven = await preflight('--follow', '--inserts-only', 't', '--where', 't=x > 1')
  expect(forgiven.output).toContain('ok      Replica identities')
  const wrong = await preflight('--include', 'nowhere', '--quiet')
  expect(wrong.output).toContain('BLOCKER Scope of the checks: ')
  expect(wrong.code).toBe(1)
  const file = join(home.directory, 'chosen.toml')
  writeFileSync(file, 'include = ["Odd"]\n')
  expect((await preflight('--config', file)).output).toContain('1 of 2 tables selected')
})

test('an unreachable server is exit code 3, and an error on the command line 2', async () => {
  const unreachable = await home.run([
    'doctor',
    '--source',
    source.url,
    '--dest',
    'postgres://x@127.0.0.1:1/x',
  ])
  expect(unreachable.said).toContain('127.0.0.1:1')
  expect(unreachable.code).toBe(3)
  expect((await home.run(['preflight', '--source', source.url], { PGTREK_DEST: '' })).code).toBe(2)
})
