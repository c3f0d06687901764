// Configuration files: their settings, and error messages that do not contain secrets.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfigFile } from '../../server/config/file.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pgtrek-config-'))
  mkdirSync(join(directory, 'sql'))
  writeFileSync(join(directory, 'sql/before.sql'), 'select 1')
  writeFileSync(join(directory, 'sql/empty.sql'), '\n')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function read(text: string, name = 'move.toml', environment: Record<string, string> = {}) {
  const path = join(directory, name)
  writeFileSync(path, text)
  const { called: _, ...given } = readConfigFile(path, environment)
  return given
}

const all = {
  source: {
    host: 'old.example.com',
    port: 5433,
    database: 'shop',
    user: 'me',
    password: 'p$w "x"',
    sslMode: 'verify-full',
    sslRootCert: 'DIR/ca.crt',
    connectTimeout: 5,
  },
  dest: { url: 'postgres://me@new.example.com/shop' },
  selection: {
    include: ['app.*'],
    excludeSchemas: ['tmp'],
    only: ['tables', 'materializedViews'],
    needed: 'report',
    schemas: [{ name: 'app', tables: ['a'], materializedViews: ['m'], functions: ['f(integer, text)'] }],
  },
  tables: [
    {
      table: 'app.orders',
      where: 'id > 5',
      key: 'orders_pkey',
      leaveOut: ['secret'],
      columns: { newName: { from: 'old_name' }, source: { value: 'shop' }, total: { expression: 'a + b' } },
    },
  ],
  hooks: [
    { when: 'before', phase: 'data', run: { on: 'destination', sql: 'select 1' }, name: 'before.sql' },
    { when: 'before', phase: 'schema', run: { on: 'source', sql: 'select 2' } },
    { when: 'after', phase: 'run', run: { command: 'echo done' }, name: 'tell' },
  ],
  options: {
    existingDataMode: 'append',
    maxBytesPerSecond: 20971520,
    workers: 4,
    splitBytes: 1000,
    disableTriggers: false,
    owner: false,
    skipExtensions: ['postgis'],
  },
  stateDir: 'DIR/state',
}

const toml = `
dest = "postgres://me@new.example.com/shop"
include = ["app.*"]
exclude_schemas = ["tmp"]
only = ["tables", "materialized_views"]
needed = "report"
existing_rows = "append"
max_rate = "20MB/s"
workers = 4
split = 1000
keep_triggers = true
owner = false
skip_extensions = ["postgis"]
state_dir = "state"

[source]
host = "old.example.com"
port = 5433
database = "shop"
user = "me"
password = "\${OLD_PASSWORD}"
ssl_mode = "verify-full"
ssl_root_cert = "ca.crt"
connect_timeout = 5

[[schemas]]
name = "app"
tables = ["a"]
materialized_views = ["m"]
functions = ["f(integer, text)"]

[[tables]]
table = "app.orders"
where = "id > 5"
key = "orders_pkey"
leave_out = ["secret"]
[tables.columns]
newName = { from = "old_name" }
source = { value = "shop" }
total = { expression = "a + b" }

[[hooks]]
when = "before"
phase = "data"
on = "destination"
file = "sql/before.sql"
[[hooks]]
when = "before"
phase = "schema"
on = "source"
sql = "select 2"
[[hooks]]
when = "after"
phase = "run"
command = "echo done"
name = "tell"
`

const yaml = `
dest: postgres://me@new.example.com/shop
include: [app.*]
exclude_schemas: [tmp]
only: [tables, materialized_views]
needed: report
existing_rows: append
max_rate: 20MB/s
workers: 4
split: 1000
keep_triggers: true
owner: false
skip_extensions: [postgis]
state_dir: state
source:
  host: old.example.com
  port: 5433
  database: shop
  user: me
  password: "\${OLD_PASSWORD}"
  ssl_mode: verify-full
  ssl_root_cert: ca.crt
  connect_timeout: 5
schemas:
  - name: app
    tables: [a]
    materialized_views: [m]
    functions: ["f(integer, text)"]
tables:
  - table: app.orders
    where: id > 5
    key: orders_pkey
    leave_out: [secret]
    columns:
      newName: { from: old_name }
      source: { value: shop }
      total: { expression: a + b }
hooks:
  - { when: before, phase: data, on: destination, file: sql/before.sql }
  - { when: before, phase: schema, on: source, sql: select 2 }
  - { when: after, phase: run, command: echo done, name: tell }
`

test.each([
  ['TOML', 'all.toml', toml],
  ['YAML', 'all.yaml', yaml],
  ['YAML', 'all.yml', yaml],
])('%s can express every part of a request (%s)', (_, name, text) => {
  const given = read(text, name, { OLD_PASSWORD: 'p$w "x"' })
  expect(JSON.parse(JSON.stringify(given).replaceAll(directory, 'DIR'))).toEqual(all)
})

test('the example in the documentation is valid', () => {
  const page = readFileSync(join(import.meta.dir, '../../docs/options.md'), 'utf8')
  const [, example = ''] = /```toml\n(.*?)```/s.exec(page) ?? []
  writeFileSync(join(directory, 'prepare.sql'), 'select 1')
  const given = read(example, 'documented.toml', { NEW_PASSWORD: 'x' })
  expect(given.tables?.[0]?.columns).toHaveProperty('customer', { from: 'client' })
  expect(given.hooks).toHaveLength(2)
  expect(given.options).toEqual({ existingDataMode: 'upsert', maxBytesPerSecond: 20971520, workers: 4 })
})

test('an empty file has no settings', () => {
  expect(read('')).toEqual({ selection: {}, options: {} })
  expect(read('', 'empty.yaml')).toEqual({ selection: {}, options: {} })
})

describe('variables', () => {
  test('are replaced in every text without being parsed, and kept after a second $', () => {
    const { tables } = read(
      `[[tables]]\ntable = "t"\nwhere = "a = \${A} and b = '$\${A}' and c = $1 and d ~ 'x\${'"`,
      'variables.toml',
      { A: `"\${B}"\n` },
    )
    expect(tables?.[0]?.where).toBe(`a = "\${B}"\n and b = '\${A}' and c = $1 and d ~ 'x\${'`)
  })
  test('that are missing are reported with their place', () => {
    expect(() => read(`[source]\npassword = "\${NO_SUCH}"`)).toThrow(
      `move.toml: source.password uses \${NO_SUCH}, which is not set in the environment`,
    )
  })
})

describe('errors name their place and what was expected', () => {
  test.each([
    ['workres = 4', 'unknown key workres: did you mean workers?'],
    ['existingRows = "append"', 'unknown key existingRows: did you mean existing_rows?'],
    ['max-rate = "1MB"', 'unknown key max-rate: did you mean max_rate?'],
    ['destination = "postgres://x"', 'unknown key destination: did you mean dest?'],
    ['zzz = 1', 'unknown key zzz: known keys: source, dest, queue, schemas'],
    ['[source]\nhots = "x"', 'source has an unknown key: did you mean host?'],
    ['[source]\nhost = "x"\nworkers = 4', 'workers is a top-level key: put it above the first [section]'],
    ['[[tables]]\ntabel = "x"', 'tables[0]'],
    ['[[tables]]\ntable = "x"\nwere = "y"', 'unknown key tables[0].were: did you mean where?'],
    ['[[tables]]\nwhere = "y"', 'tables[0] has no table'],
    ['workers = "4"', 'workers must be a whole number from 0'],
    ['workers = 1.5', 'workers must be a whole number from 0'],
    ['workers = -1', 'workers must be a whole number from 0'],
    ['batch_size = 0', 'batch_size must be a whole number from 1 to 1000000'],
    ['owner = "false"', 'owner must be true or false'],
    ['existing_rows = "merge"', 'existing_rows must be truncate, append or upsert'],
    ['max_rate = "fast"', 'max_rate must be a rate with its unit, such as 20MB/s'],
    ['max_rate = true', 'max_rate must be a rate with its unit, such as 20MB/s'],
    ['max_rate = 20', 'max_rate must be a rate with its unit, such as 20MB/s'],
    ['split = 1979-05-27', 'split must be a size'],
    ['include = "a"', 'include must be a list'],
    ['include = [1]', 'include[0] must be text'],
    ['include = ["a.b.c"]', '"a.b.c" has more than a schema and a name'],
    ['only = ["tables", "tabels"]', 'only[1] must be tables, views, materialized_views'],
    ['source = 5', 'source must be a URL, or a table with host'],
    ['[source]\nport = 70000', 'source.port must be a whole number from 1 to 65535'],
    ['[source]\nssl_mode = "on"', 'source.ssl_mode must be disable, allow'],
    ['[[tables]]\ntable = "t"\nwhere = ""', 'tables[0].where is empty'],
    ['[[tables]]\ntable = "a.b.c"', 'tables[0].table: "a.b.c" has more than'],
    [
      '[[tables]]\ntable = "t"\ncolumns = { a = "b" }',
      'tables[0].columns.a must be a table with from, a table with value',
    ],
    [
      '[[hooks]]\nwhen = "before"\nphase = "data"',
      'hooks[0] must have exactly one of the keys sql, file and command',
    ],
    [
      '[[hooks]]\nwhen = "before"\nphase = "data"\nsql = "x"',
      'hooks[0] has no on: set it to source or destination',
    ],
    ['[[hooks]]\nwhen = "before"\nphase = "data"\non = "source"\nfile = "no.sql"', 'hooks[0].file'],
    ['[[hooks]]\nwhen = "before"\nphase = "data"\non = "source"\nfile = "sql/empty.sql"', 'is empty'],
    [
      '[[hooks]]\nwhen = "before"\nphase = "data"\non = "source"\ncommand = "x"',
      'hooks[0].on is only for SQL',
    ],
    ['[[hooks]]\nwhen = "sometimes"', 'hooks[0]'],
    ['a = 1\nb = ', 'move.toml is not valid TOML at or after line 2'],
  ])('%p', (text, message) => {
    expect(() => read(text)).toThrow(message)
  })

  test('also in YAML', () => {
    expect(() => read('workers: "4"', 'a.yaml')).toThrow('a.yaml: workers must be a whole number')
    expect(() => read('- workers', 'a.yaml')).toThrow('a.yaml must have keys and values')
    expect(() => read('a: 1\n\tb: 2', 'a.yaml')).toThrow('a.yaml is not valid YAML at or after line 2')
    expect(() => read('exclude: [a]\nworkers: 1\nexclude: [b]', 'a.yaml')).toThrow('a.yaml has exclude twice')
    expect(() => read('[[tables]]\ntable = "t"\nwhere = "\'"', 'a.json')).toThrow(
      'must end in .toml, .yaml or .yml',
    )
  })
})

test.each([
  ['source = "postgres://u:sEcret@h/d', 'a.toml'],
  ['[source]\npassword = sEcret', 'a.toml'],
  ['password = "sEcret"', 'a.toml'],
  ['[source]\npassword = ["sEcret"]', 'a.toml'],
  ['[source]\nuser = "u"\nsEcret = 1', 'a.toml'],
  ['source = ["postgres://u:sEcret@h/d"]', 'a.toml'],
  ['source: {user: u, password: x, sEcret}', 'a.yaml'],
  ['source: {user: u, password: x, sEcret: y}', 'a.yaml'],
  ['source: "postgres://u:sEcret@h/d', 'a.yaml'],
  ['postgres://u:sEcret@h/d: source', 'a.yaml'],
  ['source: postgres://u:sEcret@h/d: x', 'a.yaml'],
  ['"sEcret;": 1', 'a.yaml'],
])('no secret is in the error of %p', (text, name) => {
  let message = ''
  try {
    read(text, name)
  } catch (error) {
    message = String(error)
  }
  expect(message).not.toBe('')
  expect(message).not.toContain('sEcret')
})
