// Existing roles, roles of others, and missing rights: which statements a plan contains, and what it lists instead.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { cluster, type Major, type OwnCluster, startCluster } from '../../tools/servers/clusters.ts'
import { facts, membershipOptions, move, passwordsNeeded } from './content.ts'

const servers = new Map<Major, OwnCluster>()
const at = (major: Major) => servers.get(major) as OwnCluster

beforeAll(async () => {
  for (const major of [15, 18] as const) {
    const server = await startCluster({ major, hba: passwordsNeeded('scram-sha-256') })
    await server.createDatabase('shop')
    servers.set(major, server)
  }
})
afterAll(async () => {
  await Promise.all([...servers.values()].map((server) => server.stop()))
})
afterEach(async () => {
  for (const server of servers.values()) await clean(server)
})

/** Leaves only the initial superuser, and the database in its original state. */
async function clean(server: OwnCluster) {
  const roles = await server.sql<{ name: string }>(
    'shop',
    "select quote_ident(rolname) as name from pg_roles where oid >= 16384 and rolname !~ '^pg_'",
  )
  const names = roles.map(({ name }) => name).join(', ')
  await server.sql(
    'shop',
    `drop schema if exists app cascade;
     ${names && `reassign owned by ${names} to postgres; drop owned by ${names}; drop role ${names};`}
     alter role all reset all;
     alter database shop reset all;
     grant connect on database shop to public`,
  )
}

async function both(source: string, destination: string) {
  await at(15).sql('shop', source)
  await at(18).sql('shop', destination)
}

const upwards = (wishes: Parameters<typeof move>[2] = {}) =>
  move(at(15).url('shop'), at(18).url('shop'), wishes)

describe('existing roles', () => {
  const conflict = () =>
    both(
      `create role team; create role other;
       create role app login createdb connection limit 5 password 'one';
       create role boss superuser;
       alter role app set work_mem = '7MB'; alter role app set timezone = 'UTC';
       comment on role app is 'theirs';
       grant team, other to app with admin option`,
      `create role team; create role only_here;
       create role app createrole connection limit 9 password 'two';
       create role boss;
       alter role app set work_mem = '8MB';
       grant team, only_here to app`,
    )

  test('merge adds what they lack, revokes nothing and lists differences', async () => {
    await conflict()
    let asked = 0
    const report = await upwards({
      confirm: () => {
        asked++
        return true
      },
    })
    expect(asked).toBe(1)
    expect(report.status).toBe('completed')
    const { roles, settings } = await facts(at(18))
    expect(roles.find(({ rolname }) => rolname === 'app')).toMatchObject({
      rolcanlogin: true,
      rolcreatedb: true,
      rolcreaterole: true,
      rolconnlimit: 9,
      comment: 'theirs',
    })
    expect(roles.find(({ rolname }) => rolname === 'boss')).toMatchObject({ rolsuper: false })
    expect(settings.map(({ setting }) => setting)).toEqual(['TimeZone=UTC', 'work_mem=8MB'])
    const memberships = (await facts(at(18))).memberships
    expect(memberships).toContainEqual({ role: 'team', member: 'app', admin_option: true })
    expect(memberships).toContainEqual({ role: 'other', member: 'app', admin_option: true })
    expect(memberships).toContainEqual({ role: 'only_here', member: 'app', admin_option: false })
    const differing = report.differences.map(({ role, what }) => `${role}: ${what}`)
    expect(differing.sort()).toEqual([
      'app: CREATEROLE',
      'app: connection limit',
      'app: member of "only_here"',
      'app: password',
      'app: setting work_mem',
      'boss: SUPERUSER',
    ])
    const client = at(18).database('postgres').connect({ user: 'app', password: 'two' })
    await client.unsafe('select')
    await client.end()
  })

  test('without confirmation nothing is changed', async () => {
    await conflict()
    const before = await facts(at(18))
    await expect(upwards({ confirm: () => false })).rejects.toThrow(
      /would get more rights.*Nothing was changed/,
    )
    expect(await facts(at(18))).toEqual(before)
  })

  test('skip leaves them unchanged, and creates the others', async () => {
    await conflict()
    const before = (await facts(at(18))).roles
    const report = await upwards({ roles: 'skip', confirm: () => Promise.reject(new Error('it asked')) })
    expect(report.status).toBe('completed')
    const after = await facts(at(18))
    expect(after.roles.filter(({ rolname }) => rolname !== 'other')).toEqual(before)
    expect(after.roles.map(({ rolname }) => rolname)).toContain('other')
    expect(after.memberships.map(({ role }) => role)).toEqual(['only_here', 'team'])
    expect(report.differences.map(({ what }) => what)).toContain('member of "other"')
  })

  test('fail refuses, lists the differences, and changes nothing', async () => {
    await conflict()
    const before = await facts(at(18))
    const report = await upwards({ roles: 'fail' })
    expect(report.status).toBe('refused')
    expect(report.differences.find(({ role, what }) => role === 'app' && what === 'CREATEDB')).toEqual({
      role: 'app',
      what: 'CREATEDB',
      source: 'CREATEDB',
      destination: 'NOCREATEDB',
      sql: 'alter role "app" createdb',
    })
    expect(report.steps.every(({ status }) => status === 'planned')).toBe(true)
    expect(await facts(at(18))).toEqual(before)
  })

  test('a role without a password gets that of the source', async () => {
    await both(`create role app login password 'one'`, 'create role app login')
    expect((await upwards()).status).toBe('completed')
    const client = at(18).database('postgres').connect({ user: 'app', password: 'one' })
    await client.unsafe('select')
    await client.end()
  })
})

describe('selection', () => {
  test('only selected roles are created, and other roles in their memberships are reported as missing', async () => {
    await both(
      'create role app_a; create role app_b; create role team; grant team to app_a; grant team to app_b',
      '',
    )
    const report = await upwards({ includeRoles: ['app_*'], excludeRoles: ['app_b'] })
    expect(report.roles.map(({ name }) => name)).toEqual(['app_a'])
    expect(report.obstacles).toEqual([
      {
        role: 'app_a',
        what: 'member of "team"',
        reason:
          '"team" is not selected, and the destination has no role of this name (source: PostgreSQL 15)',
        sql: null,
      },
    ])
  })

  test('a pattern that matches no role is an error', async () => {
    await both('create role app', '')
    await expect(upwards({ includeRoles: ['apq'] })).rejects.toThrow(
      'there is no role "apq": did you mean app?',
    )
  })
})

describe('roles of servers and providers', () => {
  test('are not changed, and memberships in them that cannot be granted are listed', async () => {
    await both(
      `create role rdsadmin; create role rds_superuser; create role rds_iam; create role anon;
       create role app; grant rds_iam to app`,
      '',
    )
    const report = await upwards()
    // "anon" belongs to a provider only on a server of that provider.
    expect(report.roles.map(({ name }) => name)).toEqual(['anon', 'app'])
    expect(report.left_alone.map(({ role }) => role).sort()).toEqual([
      'postgres',
      'rds_iam',
      'rds_superuser',
      'rdsadmin',
    ])
    expect(report.obstacles).toMatchObject([{ role: 'app', what: 'member of "rds_iam"' }])
    expect(report.status).toBe('completed_with_failures')
  })

  test('no role becomes a superuser through a role that is one only on the destination', async () => {
    await both('create role chief; create role app; grant chief to app', 'create role chief superuser')
    const report = await upwards()
    expect(report.obstacles).toMatchObject([{ role: 'app', what: 'member of "chief"' }])
    expect((await facts(at(18))).memberships).toEqual([])
  })

  test('a predefined role that the destination does not have is listed', async () => {
    await at(18).sql('shop', 'create role app; grant pg_maintain, pg_monitor to app')
    const report = await move(at(18).url('shop'), at(15).url('shop'))
    expect(report.obstacles).toMatchObject([
      { what: 'member of "pg_maintain"', reason: 'PostgreSQL 15 does not have this role' },
    ])
    expect((await facts(at(15))).memberships).toMatchObject([{ role: 'pg_monitor', member: 'app' }])
  })
})

describe('options of memberships', () => {
  const granted = `
    create role a; create role b; create role c; create role d; create role m;
    grant a to m with admin true, inherit false, set true;
    grant b to m with inherit true, set false;
    grant c to m with admin true, inherit false, set false;
    grant d to m`

  test('are copied', async () => {
    const source = await cluster(17)
    await source.createDatabase('shop')
    await source.sql('shop', granted)
    expect((await move(source.url('shop'), at(18).url('shop'))).status).toBe('completed')
    expect(await membershipOptions(at(18))).toEqual(await membershipOptions(source))
    expect((await facts(at(18))).memberships).toEqual((await facts(source)).memberships)
  })

  test('an older server gets no membership with more rights than on the source', async () => {
    await at(18).sql('shop', granted)
    const report = await move(at(18).url('shop'), at(15).url('shop'))
    expect((await facts(at(15))).memberships).toEqual([
      { role: 'a', member: 'm', admin_option: true },
      { role: 'd', member: 'm', admin_option: false },
    ])
    expect(report.obstacles.map(({ what }) => what)).toEqual(['member of "b"', 'member of "c"'])
    expect(report.warnings.join()).toContain('"m" is a member of "a" but does not inherit its rights')
  })
})

describe('without superuser', () => {
  test('without passwords of the source, roles get a common one, or are listed', async () => {
    await at(15).sql(
      'shop',
      `create role reader login password 'r'; create role app login password 'one'; create role team`,
    )
    const url = at(15).url('shop', 'reader', 'r')
    const listed = await move(url, at(18).url('shop'), { dryRun: true })
    expect(listed.needs_password).toEqual([
      { role: 'app', reason: '"reader" may not read it on the source' },
      { role: 'reader', reason: '"reader" may not read it on the source' },
    ])
    const report = await move(url, at(18).url('shop'), { commonPassword: 'für alle' })
    expect(report.status).toBe('completed')
    expect(report.needs_password).toEqual([])
    expect(JSON.stringify(report)).not.toContain('für alle')
    expect(at(18).log()).not.toContain('für alle')
    for (const user of ['app', 'reader']) {
      const client = at(18).database('postgres').connect({ user, password: 'für alle' })
      await client.unsafe('select')
      await client.end()
    }
  })

  test('--no-passwords copies none and lists the roles', async () => {
    await at(15).sql('shop', `create role app login password 'one'; create role team`)
    const report = await upwards({ passwords: false })
    expect(report.needs_password).toEqual([
      { role: 'app', reason: 'passwords are not migrated (--no-passwords)' },
    ])
    expect((await facts(at(18))).roles.map(({ rolpassword }) => rolpassword)).toEqual([null, null])
  })

  test.each<Major>([15, 18])(
    'on the destination %d: what is allowed is done, the rest is listed with its reason',
    async (major) => {
      const source = at(major === 15 ? 18 : 15)
      await source.sql(
        'shop',
        `create role boss superuser login password 'b'; create role streamer replication login;
       create role team createdb; create role app login password 'one'; grant team to app with admin option;
       alter role app set work_mem = '9MB'; alter role app set log_statement = 'all';
       comment on role app is 'mine'; grant temporary on database shop to app; alter role all set work_mem = '5MB'`,
      )
      await at(major).sql('shop', `create role mover login createrole createdb password 'm'`)
      const url = at(major).url('shop', 'mover', 'm')
      const report = await move(source.url('shop'), url)
      expect(report.steps.filter(({ status }) => status !== 'done')).toEqual([])
      expect(report.status).toBe('completed_with_failures')
      const obstacles = report.obstacles.map(({ role, what }) => `${role}: ${what}`).sort()
      expect(obstacles).toEqual([
        'app: TEMPORARY on database "shop"',
        'app: setting log_statement',
        'boss: SUPERUSER',
        'null: setting work_mem',
        'streamer: REPLICATION',
      ])
      const { roles, memberships, settings } = await facts(at(major))
      expect(roles.find(({ rolname }) => rolname === 'team')).toMatchObject({ rolcreatedb: true })
      expect(roles.find(({ rolname }) => rolname === 'app')).toMatchObject({ comment: 'mine' })
      expect(memberships).toContainEqual({ role: 'team', member: 'app', admin_option: true })
      expect(settings.map(({ setting }) => setting)).toEqual(['work_mem=9MB'])
      const client = at(major).database('postgres').connect({ user: 'app', password: 'one' })
      await client.unsafe('select')
      await client.end()
      // A second run reports the same obstacles and changes nothing.
      const again = await move(source.url('shop'), url)
      expect(again.steps).toEqual([])
      expect(again.warnings.join()).toContain(`cannot check whether "app", "boss" have the same password`)
    },
  )

  test('for a role that may not create roles, each role is listed as an obstacle', async () => {
    await both('create role app login', `create role nobody login password 'n'`)
    const report = await move(at(15).url('shop'), at(18).url('shop', 'nobody', 'n'))
    expect(report.steps).toEqual([])
    expect(report.obstacles).toMatchObject([
      {
        role: 'app',
        what: 'the role',
        reason: '"nobody" may not create roles on the destination (CREATEROLE)',
        sql: 'create role "app" login',
      },
    ])
  })
})

test('a failed statement is reported, and only statements that need it are skipped', async () => {
  await both(
    'create role late; create role app createdb; create role other; grant late, other to app; comment on role late is $$x$$',
    'create role app',
  )
  const report = await upwards({
    // Another session creates the role after the plan is made.
    confirm: async () => {
      await at(18).sql('shop', 'create role late')
      return true
    },
  })
  expect(report.status).toBe('completed_with_failures')
  const undone = report.steps.filter(({ status }) => status !== 'done')
  expect(undone).toMatchObject([
    { sql: 'create role "late"', status: 'failed', error: { sqlstate: '42710' } },
    { kind: 'comment', status: 'skipped', reason: 'the role "late" could not be created' },
    { kind: 'membership', role: 'app', status: 'skipped', reason: 'the role "late" could not be created' },
  ])
  expect((await facts(at(18))).memberships).toMatchObject([{ role: 'other', member: 'app' }])
})
