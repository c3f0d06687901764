import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPassword } from '../../server/postgres/passfile.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'pgtrek-passfile-'))
})
afterAll(() => rmSync(home, { recursive: true }))

describe('a line of the password file', () => {
  const wanted = ['h', '5432', 'shop', 'ann']
  test.each([
    ['h:5432:shop:ann:hush', 'hush'],
    ['*:*:*:*:hush', 'hush'],
    ['other:*:*:*:no\n*:*:shop:*:hush\n*:*:*:*:late', 'hush'],
    ['# h:5432:shop:ann:no\n\nh:5432:shop:ann:hush', 'hush'],
    ['h:5432:shop:ann:hush\r\n', 'hush'],
    [String.raw`h:5432:shop:ann:a\:b\\c`, String.raw`a:b\c`],
    ['h:5432:shop:ann:hush:what libpq ignores', 'hush'],
    ['h:5432:shop:ann:hush\\', 'hush\\'],
    ['h:5432:shop:ann', undefined],
    ['h:5432:shop:bob:no', undefined],
    ['h*:5432:shop:ann:no', undefined],
    ['', undefined],
  ])('%j gives %j', (text, password) => {
    expect(findPassword(text, wanted)).toBe(password)
  })

  test('escapes colons in hosts and databases by backslashes', () => {
    const text = String.raw`\:\:1:5432:a\:b:ann:hush`
    expect(findPassword(text, ['::1', '5432', 'a:b', 'ann'])).toBe('hush')
  })
})

describe('the password file', () => {
  const resolve = (url: string) =>
    resolveSettings({ url }, { env: {}, home, userName: 'me', socketDirectories: ['/run/pg'] })

  function write(name: string, text: string, mode = 0o600) {
    const path = join(home, name)
    writeFileSync(path, text)
    chmodSync(path, mode)
    return path
  }

  test('is ~/.pgpass, and is read only when no password was given', () => {
    write('.pgpass', 'h:*:*:ann:hush\nlocalhost:*:*:*:local\n')
    expect(resolve('postgres://ann@h/shop').password).toBe('hush')
    expect(resolve('postgres://ann:own@h/shop').password).toBe('own')
    expect(resolve('postgres://bob@h/shop').password).toBeUndefined()
  })

  test('names the default Unix socket localhost', () => {
    write('.pgpass', 'localhost:*:*:*:local\n/elsewhere:*:*:*:socket\n')
    expect(resolve('postgres:///shop?host=/run/pg').password).toBe('local')
    expect(resolve('postgres:///shop?host=/elsewhere').password).toBe('socket')
  })

  test('may be another one', () => {
    const path = write('other', '*:*:*:*:elsewhere')
    expect(resolve(`postgres://ann@h/shop?passfile=${path}`).password).toBe('elsewhere')
  })

  test.skipIf(process.platform === 'win32')('is not used when others may read it, which is reported', () => {
    const path = write('open', '*:*:*:*:hush', 0o640)
    const settings = resolve(`postgres://ann@h/shop?passfile=${path}`)
    expect(settings.password).toBeUndefined()
    expect(settings.warnings).toEqual([expect.stringContaining('chmod 600')])
  })

  test('may be missing', () => {
    const settings = resolve('postgres://ann@h/shop?passfile=/nowhere/at/all')
    expect(settings).toMatchObject({ warnings: [] })
    expect(settings.password).toBeUndefined()
  })
})
