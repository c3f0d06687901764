import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { parseConnectionString } from '../../server/postgres/connection-string.ts'
import { UsageError } from '../../server/postgres/errors.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'

const text = fc.string({ unit: 'binary', minLength: 1 }).filter((value) => !value.includes('\0'))

test('any user, password, host and database are read back unchanged from their encoded form', () => {
  const parts = fc.record({ user: text, password: text, host: text, dbname: text, options: text })
  fc.assert(
    fc.property(parts, (wanted) => {
      const [user, password, host, dbname, options] = Object.values(wanted).map(encodeURIComponent)
      const url = `postgres://${user}:${password}@${host}:5432/${dbname}?options=${options}`
      expect(valuesOf(url)).toEqual({ ...wanted, port: '5432' })
    }),
  )
})

test('any values of a key=value string are read back unchanged from their quoted form', () => {
  fc.assert(
    fc.property(fc.record({ user: text, password: text, dbname: text }), (wanted) => {
      const quoted = Object.entries(wanted).map(
        ([name, value]) => `${name} = '${value.replaceAll(/[\\']/g, '\\$&')}'`,
      )
      expect(valuesOf(quoted.join(' '))).toEqual(wanted)
    }),
  )
})

const marker = 'hunter'
// The characters that have to be encoded in the password of a URL or a key=value string.
const careless = fc
  .array(fc.constantFrom(...[..."@/:?#&=%[] '\\,1a"], marker, '://'), { minLength: 1, maxLength: 12 })
  .map((letters) => `${marker}${letters.join('')}${marker}`)
const query = fc.constantFrom(
  '',
  '?sslmode=x',
  '?quux=1',
  '?port=x',
  '?connect_timeout=x',
  '?service=a',
  '?a',
)

test('no message repeats a password that was written into a URL without encoding', () => {
  fc.assert(
    fc.property(careless, query, (password, rest) => {
      expectSilence(`postgres://ann:${password}@db.example:5432/shop${rest}`)
      expectSilence(`postgres://ann:${password}@db.example:x/shop${rest}`)
      expectSilence(`postgres://ann:1/${password}@db.example/shop${rest}`)
      expectSilence(`postgres://db.example/shop?user=ann&password=${password}&port=x`)
      expectSilence(`ann:${password}@db.example/shop`)
    }),
    { numRuns: 2000 },
  )
})

test('no message repeats a password that was written into a key=value string without quoting', () => {
  fc.assert(
    fc.property(careless, (password) => {
      expectSilence(`host=h password=${password} port=x`)
      expectSilence(`host=h password='${password}' port=x`)
      expectSilence(`host=h password=a ${password} dbname=x`)
    }),
    { numRuns: 2000 },
  )
})

function valuesOf(connection: string) {
  return Object.fromEntries(
    Array.from(parseConnectionString(connection), ([name, parameter]) => [name, parameter.value]),
  )
}

/** The text may be accepted or refused. An error may give the reason, and must not repeat the password. */
function expectSilence(url: string) {
  try {
    resolveSettings({ url }, { env: {}, home: '/nowhere', userName: 'me', socketDirectories: [] })
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    expect((error as Error).message).not.toContain(marker)
  }
}
