// A URL and its fields: each is derived from the other, and the server reads the URL as the page does.
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  type End,
  emptyEnd,
  formatUrl,
  keepsPassword,
  mask,
  parseUrl,
  toConn,
  toConnection,
} from '../../client/state/connection-url.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'

function parsed(text: string, known?: string): End {
  const end = parseUrl(text, known)
  if (typeof end === 'string') throw new Error(end)
  return end
}

test('a URL fills the fields', () => {
  const { fields, extra } = parsed(
    'postgres://jo:p%40ss@[::1]:5433/my%20db?sslmode=verify-full&sslrootcert=/ca.pem&keepalives=1',
  )
  expect(fields).toMatchObject({
    ...{ host: '::1', port: '5433', database: 'my db', user: 'jo', password: 'p@ss' },
    ...{ sslMode: 'verify-full', sslRootCert: '/ca.pem' },
  })
  expect(extra).toEqual([['keepalives', '1']])
})

test.each([
  ['mysql://a/b', 'scheme'],
  ['postgres://a@b@c/d', 'at'],
  ['postgres://a:50%@c/d', 'percent'],
  ['postgres://[::1/d', 'authority'],
] as const)('%s is not one: %s', (text, problem) => {
  expect(parseUrl(text)).toBe(problem)
})

describe('a password', () => {
  test('is masked in the shown URL', () => {
    expect(formatUrl(parsed('postgres://jo:secret@h/d'), { masked: true })).toBe('postgres://jo:*****@h/d')
  })

  test('is kept when the masked URL is typed back', () => {
    expect(parsed(`postgres://jo:${mask}@other/d`, 'secret').fields.password).toBe('secret')
    expect(parsed(`postgres://h/d?password=${mask}`, 'secret').fields.password).toBe('secret')
  })

  test('of a profile is referenced, but not for another connection', () => {
    const end = parsed('postgres://jo@h/d')
    const at = { profile: 'night', side: 'source' as const }
    end.kept = { at, url: formatUrl(end, { masked: false }) }
    expect(toConn(end)).toEqual(at)
    end.fields.host = 'elsewhere'
    expect(keepsPassword(end)).toBe(false)
    expect(toConn(end)).toEqual({ host: 'elsewhere', user: 'jo', database: 'd' })
  })
})

test('a socket directory is a parameter of the URL', () => {
  const end = parsed('postgres:///db?host=/var/run/postgresql')
  expect(end.fields.host).toBe('/var/run/postgresql')
  expect(parsed(formatUrl(end, { masked: false }))).toEqual(end)
})

test('the server reads every URL of the page as the same fields', () => {
  const text = fc
    .string({ unit: 'binary', maxLength: 12 })
    .filter((one) => !one.includes('\0') && one.isWellFormed())
  const fields = fc.record({
    host: fc.constantFrom('db.example', '10.0.0.1', '::1', '/tmp'),
    port: fc.integer({ min: 1, max: 65535 }).map(String),
    database: text.filter((one) => one !== ''),
    user: text.filter((one) => one !== ''),
    password: text.filter((one) => one !== '' && one !== mask),
    options: text,
  })
  fc.assert(
    fc.property(fields, (given) => {
      const end = { ...emptyEnd(), fields: { ...emptyEnd().fields, ...given } }
      const url = formatUrl(end, { masked: false })
      expect(parsed(url)).toEqual(end)
      const context = { env: {}, home: '/nowhere', userName: 'nobody' }
      const byUrl = resolveSettings({ url }, context)
      expect(byUrl).toEqual(resolveSettings(toConnection(end), context))
      expect(byUrl).toMatchObject({ database: given.database, user: given.user, password: given.password })
    }),
  )
})
