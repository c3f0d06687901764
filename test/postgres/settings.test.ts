import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../../server/postgres/errors.ts'
import { resolveSettings, type SettingsContext } from '../../server/postgres/resolve-settings.ts'
import { describeSettings } from '../../server/postgres/settings.ts'
import type { Connection } from '../../shared/connection.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'pgtrek-settings-'))
})
afterAll(() => rmSync(home, { recursive: true }))

function resolve(connection: Connection | string | undefined, context: SettingsContext = {}) {
  const given = typeof connection === 'string' ? { url: connection } : connection
  return resolveSettings(given, { env: {}, home, userName: 'me', socketDirectories: [], ...context })
}

describe('a connection URL', () => {
  test('names host, port, user, password and database', () => {
    expect(resolve('postgres://ann:s3cret@db.example:6543/shop')).toMatchObject({
      host: 'db.example',
      port: 6543,
      user: 'ann',
      password: 's3cret',
      database: 'shop',
    })
  })

  test.each([
    ['postgresql://', { host: 'localhost', port: 5432, user: 'me', database: 'me' }],
    ['postgres:///shop', { host: 'localhost', database: 'shop' }],
    ['postgres://ann@', { host: 'localhost', user: 'ann', database: 'ann' }],
    ['postgres://db.example?user=ann&password=a%26b', { user: 'ann', password: 'a&b', database: 'ann' }],
    ['postgres://[::1]:6543/shop', { host: '::1', port: 6543 }],
    ['postgres://[2001:db8::1234]/shop', { host: '2001:db8::1234', port: 5432 }],
    ['postgres:///shop?host=/var/run/postgresql&port=6543', { host: '/var/run/postgresql', port: 6543 }],
    ['postgres://%2Fvar%2Frun%2Fpostgresql/shop', { host: '/var/run/postgresql', database: 'shop' }],
    ['postgres://:6543/shop', { host: 'localhost', port: 6543 }],
    ['postgres://a%40b:c%2Fd%3A%20@h/e%3Ff', { user: 'a@b', password: 'c/d: ', database: 'e?f' }],
    ['postgres://ann:p?ss:w#rd+@h/shop', { password: 'p?ss:w#rd+', host: 'h', database: 'shop' }],
    ['postgres://h/shop?user=ann@tenant', { user: 'ann@tenant' }],
    ['postgres://h/shop?options=-c%20statement_timeout=0', { options: '-c statement_timeout=0' }],
    ['postgres://h/shop?hostaddr=10.0.0.1', { host: 'h', hostAddress: '10.0.0.1' }],
    ['postgres://h/shop?application_name=mover', { applicationName: 'mover' }],
    ['postgres://h/shop?connect_timeout=3', { connectTimeout: 3 }],
    ['postgres://h/shop?connect_timeout=-1', { connectTimeout: 0 }],
    ['postgres://h/shop?keepalives=1&target_session_attrs=any&gssencmode=prefer&channel_binding=prefer', {}],
    ['shop', { database: 'shop' }],
  ])('%s is read as libpq reads it', (url, expected) => {
    expect(resolve(url)).toMatchObject(expected)
  })

  test.each([
    ['', /empty/],
    ['mysql://h/shop', /starts with postgres:/],
    ['localhost:5432/shop', /not a valid connection/],
    ['postgres://h:port/shop', /port .* number/],
    ['postgres://h:0/shop', /port .* number/],
    ['postgres://h:65536/shop', /port .* number/],
    ['postgres://::1/shop', /brackets|number/],
    ['postgres://[::1/shop', /brackets/],
    ['postgres://h%/shop', /host .*%25/],
    ['postgres://h/%FF', /not UTF-8/],
    ['postgres://h/a%00b', /zero byte/],
    ['postgres://a,b/shop', /several hosts/],
    ['postgres://a:1,b:2/shop', /several hosts/],
    ['postgres://h:1,2/shop', /several hosts/],
    ['postgres:///shop?host=a,b', /several hosts/],
    ['postgres://h/shop?sslmode', /no "="/],
    ['postgres://h/shop?sslmode=on', /sslmode .* must be disable, allow, .* or verify-full/],
    ['postgres://h/shop?sslmod=require', /"sslmod": did you mean sslmode\?/],
    ['postgres://h/shop?database=x', /did you mean dbname\?/],
    ['postgres://h/shop?applicationName=x', /did you mean application_name\?/],
    ['postgres://h/shop?quux=x', /"quux": known parameters: host, /],
    ['postgres://h/shop?channel_binding=require', /channel_binding .* disable or prefer/],
    ['postgres://h/shop?target_session_attrs=read-write', /target_session_attrs .* any/],
    ['postgres://h/shop?service=x', /service .* omit it/],
    ['postgres://h/shop?sslnegotiation=direct', /needs sslmode/],
    ['postgres://h/shop?sslrootcert=system&sslmode=require', /verify-full/],
    ['postgres://h/shop?connect_timeout=soon', /seconds/],
  ])('%s is refused with the reason', (url, reason) => {
    expect(() => resolve(url)).toThrow(UsageError)
    expect(() => resolve(url)).toThrow(reason)
  })
})

describe('a key=value string', () => {
  test.each([
    ['host=h dbname=shop user=ann', { host: 'h', database: 'shop', user: 'ann' }],
    ["host = h  password = 'a b' port=1 ", { host: 'h', password: 'a b', port: 1 }],
    [
      String.raw`password='it\'s \\ fine' dbname=a\ b`,
      { password: String.raw`it's \ fine`, database: 'a b' },
    ],
    ["host='' dbname=shop", { host: 'localhost', database: 'shop' }],
    ['dbname=a dbname=b', { database: 'b' }],
  ])('%s is read as libpq reads it', (text, expected) => {
    expect(resolve(text)).toMatchObject(expected)
  })

  test.each([
    ["host=h password='a b", /quote/],
    ["host=h password='a'b", /quote/],
    ['host=h shop', /no "="/],
    ['host=h databse=shop', /"databse"/],
  ])('%s is refused with the reason', (text, reason) => {
    expect(() => resolve(text)).toThrow(reason)
  })
})

describe('fields', () => {
  test('that are empty count as absent', () => {
    expect(resolve({ host: '', user: '', password: '', sslRootCert: '' })).toEqual({
      host: 'localhost',
      port: 5432,
      database: 'me',
      user: 'me',
      tls: { mode: 'prefer' },
      connectTimeout: 10,
      applicationName: 'pgtrek',
      warnings: [],
    })
  })

  test('may hold an IPv6 address in brackets', () => {
    expect(resolve({ host: '[::1]' }).host).toBe('::1')
  })

  test('cannot inject another parameter into the login with a zero byte', () => {
    expect(() => resolve({ user: 'ann\0database\0other' })).toThrow('zero byte')
  })
})

describe('the environment', () => {
  const env = {
    PGHOST: 'e.example',
    PGPORT: '6000',
    PGDATABASE: 'edb',
    PGUSER: 'eve',
    PGPASSWORD: 'ep',
    PGSSLMODE: 'require',
    PGCONNECT_TIMEOUT: '7',
    PGOPTIONS: '-c a=b',
    PGAPPNAME: 'something',
  }

  test('fills in missing values', () => {
    expect(resolve(undefined, { env })).toMatchObject({
      host: 'e.example',
      port: 6000,
      database: 'edb',
      user: 'eve',
      password: 'ep',
      tls: { mode: 'require' },
      connectTimeout: 7,
      options: '-c a=b',
      applicationName: 'pgtrek',
    })
  })

  test('does not override given values', () => {
    const given = 'postgres://ann:p@h:1/shop?sslmode=disable'
    expect(resolve(given, { env })).toMatchObject({
      host: 'h',
      port: 1,
      database: 'shop',
      user: 'ann',
      password: 'p',
      tls: { mode: 'disable' },
    })
  })

  test('is named in an error by its variable, if the variable is used', () => {
    const wrong = { PGSSLMODE: 'yes please' }
    expect(() => resolve('postgres://h/shop', { env: wrong })).toThrow(/^PGSSLMODE must be disable/)
    expect(resolve('postgres://h/shop?sslmode=allow', { env: wrong }).tls.mode).toBe('allow')
  })

  test('does not connect a given host to another address', () => {
    expect(resolve('postgres://h/shop', { env: { PGHOSTADDR: '10.0.0.1' } }).hostAddress).toBeUndefined()
  })
})

test('without a host, a local socket is preferred to TCP', () => {
  const directory = join(home, 'sockets')
  mkdirSync(directory)
  writeFileSync(join(directory, '.s.PGSQL.6543'), '')
  const context = { socketDirectories: ['/nowhere', directory] }
  expect(resolve({ port: 6543 }, context).host).toBe(directory)
  expect(resolve({ port: 6544 }, context).host).toBe('localhost')
})

describe('TLS', () => {
  test.each([
    ['sslmode=require', { mode: 'require' }],
    ['ssl=true', { mode: 'require' }],
    ['ssl=false', { mode: 'disable' }],
    ['sslmode=verify-full&sslrootcert=/ca.crt', { mode: 'verify-full', rootCert: '/ca.crt' }],
    ['sslcert=/c.crt&sslkey=/c.key', { mode: 'prefer', cert: '/c.crt', key: '/c.key' }],
    ['sslrootcert=system', { mode: 'verify-full', rootCert: 'system' }],
    ['sslmode=require&sslnegotiation=direct', { mode: 'require', direct: true }],
  ] as const)('%s', (query, expected) => {
    expect(resolve(`postgres://h/shop?${query}`).tls).toEqual(expected)
  })

  test('the certificates in ~/.postgresql are used when they exist', () => {
    const own = join(home, 'with-certificates')
    const directory = join(own, '.postgresql')
    mkdirSync(directory, { recursive: true })
    for (const name of ['root.crt', 'postgresql.crt', 'postgresql.key'])
      writeFileSync(join(directory, name), '')
    expect(resolve('shop', { home: own }).tls).toEqual({
      mode: 'prefer',
      rootCert: join(directory, 'root.crt'),
      cert: join(directory, 'postgresql.crt'),
      key: join(directory, 'postgresql.key'),
    })
  })
})

test.each([
  ['postgres://ann:hush@h:1/shop', 'ann@h:1/shop'],
  ['postgres://ann:hush@[::1]/shop', 'ann@[::1]:5432/shop'],
])('%s is described without its password', (url, description) => {
  expect(describeSettings(resolve(url))).toBe(description)
})
