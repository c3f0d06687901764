// Roles copied between two real servers: what is copied, what is left unchanged, and whether logins work.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { RolesReport } from '../../shared/roles.ts'
import { casesOf } from '../../tools/long.ts'
import { type Major, type OwnCluster, startCluster } from '../../tools/servers/clusters.ts'
import {
  createRoles,
  facts,
  hostile,
  membershipOptions,
  move,
  parameterGrants,
  passwordsNeeded,
} from './content.ts'

const pairs = casesOf<[Major, Major]>(
  [
    [12, 18],
    [15, 17],
  ],
  [
    [14, 17],
    [15, 15],
  ],
)

describe.each(pairs)('from %d to %d', (from, to) => {
  let source: OwnCluster
  let destination: OwnCluster
  let report: RolesReport
  // The default of 12.
  const keepsMd5 = from < 14

  beforeAll(async () => {
    ;[source, destination] = [
      await startCluster({ major: from }),
      await startCluster({ major: to, hba: passwordsNeeded(keepsMd5 ? 'md5' : 'scram-sha-256') }),
    ]
    await createRoles(source)
    await destination.createDatabase('shop')
  })
  afterAll(async () => {
    await Promise.all([source, destination].map((server) => server.stop()))
  })

  test('a dry run writes nothing and shows no password', async () => {
    const before = await facts(destination)
    const planned = await move(source.url('shop'), destination.url('shop'), { dryRun: true })
    expect(Value.Check(RolesReport, planned)).toBe(true)
    expect(planned.status).toBe('planned')
    expect(await facts(destination)).toEqual(before)
    const text = JSON.stringify(planned)
    for (const secret of ['SCRAM-SHA-256$', 'geheim', 'very-secret']) expect(text).not.toContain(secret)
    expect(text).not.toMatch(/md5[0-9a-f]/)
    expect(planned.warnings.some((warning) => warning.includes('as MD5'))).toBe(keepsMd5)
  })

  test('copies attributes, memberships, settings, comments, grants and passwords', async () => {
    report = await move(source.url('shop'), destination.url('shop'))
    expect(report.steps.filter(({ status }) => status !== 'done')).toEqual([])
    expect(report.obstacles).toEqual([])
    expect(report.needs_password).toEqual([])
    expect(report.status).toBe('completed')
    expect(await facts(destination)).toEqual(await facts(source))
    if (from >= 15 && to >= 15)
      expect(await parameterGrants(destination)).toEqual(await parameterGrants(source))
    expect(report.left_alone).toEqual([{ role: 'postgres', reason: 'the initial superuser of its server' }])
  })

  test.skipIf(to < 16)('a membership inherits as its member did', async () => {
    const options = (await membershipOptions(destination)) as Record<string, unknown>[]
    const inheriting = options.map(({ role, member, inherit_option }) => [role, member, inherit_option])
    expect(inheriting).toContainEqual(['readers', 'writers', true])
    expect(inheriting).toContainEqual(['readers', 'reports', false])
    expect(options.every(({ set_option }) => set_option)).toBe(true)
  })

  test('the copied passwords log in, and others do not', async () => {
    for (const [user, password] of [
      ['app', 'geheim \'"\\ x'],
      [hostile, 'hostile'],
      ['PUBLIC ', 'x'],
    ] as const) {
      const client = destination.database('postgres').connect({ user, password })
      const [row] = await client.unsafe('select current_user as name')
      expect(row?.name).toBe(user)
      await client.end()
    }
    const wrong = destination.database('postgres').connect({ user: 'app', password: 'geheim' })
    await expect(wrong.unsafe('select 1').execute()).rejects.toThrow(/password authentication failed/)
    await wrong.end()
  })

  test('sessions get the settings of their role', async () => {
    const client = destination.database('shop').connect({ user: 'app', password: 'geheim \'"\\ x' })
    const [row] = await client.unsafe(`
      select current_setting('search_path') as path, current_setting('work_mem') as memory,
             current_setting('shop.tenant') as tenant, current_setting('statement_timeout') as timeout`)
    expect(row).toEqual({
      path: '"$user", public, "a ""b"" , c", pg_temp',
      memory: '7MB',
      tenant: 'one, two',
      timeout: '3min',
    } as never)
    await client.end()
  })

  test('a second run has nothing to do', async () => {
    const again = await move(source.url('shop'), destination.url('shop'), {
      confirm: () => Promise.reject(new Error('it asked')),
    })
    expect(again.steps).toEqual([])
    expect(again.status).toBe('completed')
    expect(again.roles.map(({ verdict }) => verdict).filter((verdict) => verdict === 'create')).toEqual([])
    const exact = await move(source.url('shop'), destination.url('shop'), { roles: 'fail' })
    expect(exact.differences.map(({ what }) => what)).toEqual(['CONNECT on database "shop" for PUBLIC'])
    expect(exact.status).toBe('completed')
  })

  test('no hash is in the log of the destination', async () => {
    expect(destination.log()).not.toMatch(/SCRAM-SHA-256\$4096|md5[0-9a-f]{32}/)
  })
})
