// Merges a command line, a file and the environment into one request: precedence, and what is refused.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cloneCommand } from '../../server/cli/commands/clone.ts'
import { copyCommand } from '../../server/cli/commands/copy.ts'
import { requestOf } from '../../server/cli/flags/request.ts'
import type { Settled } from '../../server/config/settle.ts'
import { defaultOptions, everything } from '../../shared/defaults.ts'
import type { MigrationOptions } from '../../shared/request.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pgtrek-request-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

function clone(args: string[], environment: Record<string, string> = {}): Settled {
  const command = cloneCommand()
    .exitOverride()
    .configureOutput({ writeErr() {} })
  command.parseOptions(args)
  return requestOf(command, {}, environment)
}

function copy(args: string[], environment: Record<string, string> = {}): Settled {
  const command = copyCommand()
    .exitOverride()
    .configureOutput({ writeErr() {} })
  command.parseOptions(args)
  return requestOf(command, { dataOnly: true }, environment)
}

test('without settings everything is selected, with defaults', () => {
  const { options, selection, tables, hooks, warnings } = clone([])
  expect(options).toEqual(defaultOptions)
  expect(selection).toEqual(everything)
  expect([tables, hooks, warnings]).toEqual([[], [], []])
})

describe('flags', () => {
  test.each<[string[], Partial<MigrationOptions>]>([
    [['--schema-only'], { schemaOnly: true }],
    [['--no-owner', '--no-acl'], { owner: false, acl: false }],
    [['--no-owner', '--owner'], {}],
    [['--keep-foreign-keys', '--keep-triggers'], { disableFk: false, disableTriggers: false }],
    [['--drop-existing'], { existingTableMode: 'drop' }],
    [['--existing-rows', 'append'], { existingDataMode: 'append' }],
    [['--upsert', '--existing-rows', 'upsert'], { existingDataMode: 'upsert' }],
    [['--workers', '4', '--batch-size', '50'], { workers: 4, batchSize: 50 }],
    [['--max-rate', '20MB/s', '--split', '1GB'], { maxBytesPerSecond: 20971520, splitBytes: 1073741824 }],
    [['--maintenance-work-mem', '1GB'], { maintenanceWorkMemKb: 1048576 }],
    [['--skip-extension', 'a', '--skip-extension', 'b,c'], { skipExtensions: ['a', 'b', 'c'] }],
    [
      ['--fail-fast', '--dry-run', '--verify', '--resume'],
      { failFast: true, dryRun: true, verify: true, resume: true },
    ],
  ])('%p', (args, options) => {
    expect(clone(args).options).toEqual({ ...defaultOptions, ...options })
  })

  test('of the selection take lists and may be repeated', () => {
    const { selection } = clone([
      ...['--include', 'app.a, "b,c"', '--include', 'log_*', '--exclude', 'app.b'],
      ...['--include-schema', 'app', '--exclude-schema', 'tmp_*,old', '--needed', 'report'],
      ...['--only', 'tables,materialized-views', '--only', 'types'],
    ])
    expect(selection).toEqual({
      schemas: [],
      include: ['app.a', '"b,c"', 'log_*'],
      exclude: ['app.b'],
      includeSchemas: ['app'],
      excludeSchemas: ['tmp_*', 'old'],
      only: ['tables', 'materializedViews', 'types'],
      needed: 'report',
    })
  })

  test('of rules are split at the first equals sign outside of quotes', () => {
    const { tables } = clone([
      ...['--where', 'app."a=b"=x = 1 and y <> \'=\'', '--where', 't = id > 5'],
      ...['--upsert', '--upsert-key', 't=t_pkey'],
    ])
    expect(tables).toEqual([
      { table: 'app."a=b"', where: "x = 1 and y <> '='" },
      { table: 't', where: 'id > 5', key: 't_pkey' },
    ])
  })

  test('of hooks read their files', () => {
    const sql = file('before: it.sql', 'select 1;\n')
    expect(
      clone(['--hook', `before:data:destination:${sql}`, '--hook', 'after:run:command:TOKEN=x /bin/echo a:b'])
        .hooks,
    ).toEqual([
      {
        when: 'before',
        phase: 'data',
        run: { on: 'destination', sql: 'select 1;\n' },
        name: 'before: it.sql',
      },
      { when: 'after', phase: 'run', run: { command: 'TOKEN=x /bin/echo a:b' }, name: 'echo' },
    ])
  })

  test('of connections have the names of other tools as well', () => {
    expect(clone(['--source-uri', 'postgres://a', '--target', 'postgres://b'])).toMatchObject({
      source: { url: 'postgres://a' },
      dest: { url: 'postgres://b' },
    })
  })
})

describe('refused', () => {
  test.each<[string[], string]>([
    [['--schema-only', '--data-only'], '--schema-only and --data-only exclude each other'],
    [['--data-only', '--drop-existing'], '--data-only and --existing-tables exclude each other'],
    [['--append', '--upsert'], '--append and --upsert exclude each other'],
    [['--existing-rows', 'truncate', '--append'], '--existing-rows and --append exclude each other'],
    [['--existing-tables', 'keep', '--drop-existing'], 'exclude each other'],
    [['--split', '12 bananas'], 'It must be a size'],
    [['--max-rate', 'fast'], 'It must be a rate'],
    [['--max-rate', '10'], 'It must be a rate with its unit, such as 20MB/s'],
    [['--workers', 'many'], 'It must be a whole number from 0'],
    [['--batch-size', '0'], 'from 1 to 1000000'],
    [['--existing-rows', 'merge'], 'truncate, append or upsert'],
    [['--include', 'a.b.c'], 'has more than a schema and a name'],
    [['--include', '"a'], 'a quote that is not closed'],
    [['--exclude', 'a,,b'], 'A name in the list is empty'],
    [['--only', 'table'], 'did you mean tables?'],
    [['--only', 'everything'], 'Use tables, views'],
    [['--needed', 'perhaps'], 'add or report'],
    [['--where', 'id > 5'], '--where must be schema.table=condition'],
    [['--where', 't='], '--where must be schema.table=condition'],
    [['--where', 'a.b.c=x'], 'more than a schema and a name'],
    [['--where', 't=x', '--where', 't=y'], '--where is given twice for t'],
    [['--hook', 'before:data:x.sql'], '--hook must be before:data:destination:FILE.sql'],
    [['--hook', 'bevore:data:source:x.sql'], 'did you mean before?'],
    [['--hook', 'before:rows:source:x.sql'], 'run, schema, data or indexes'],
    [['--hook', 'before:data:source:/no/such/file.sql'], '/no/such/file.sql cannot be read: ENOENT'],
    [['--config', '/no/such/file.toml'], '/no/such/file.toml cannot be read: ENOENT'],
  ])('%p', (args, message) => {
    expect(() => clone(args)).toThrow(message)
  })

  test('by copy, options about the schema', () => {
    expect(copy([]).options).toEqual({ ...defaultOptions, dataOnly: true })
    expect(() => copy([], { PGTREK_SCHEMA_ONLY: 'true' })).toThrow(
      'PGTREK_SCHEMA_ONLY and pgtrek copy exclude each other',
    )
    const config = file('drop.toml', 'existing_tables = "drop"')
    expect(() => copy(['--config', config])).toThrow(
      'pgtrek copy and existing_tables in drop.toml exclude each other',
    )
  })
})

describe('of flag, file and environment', () => {
  const toml = `
    source = "postgres://file/a"
    workers = 3
    batch_size = 30
    existing_rows = "append"
    owner = false
    keep_triggers = true
    include = ["a", "b"]
    exclude = ["c"]
    log_dir = "my logs"
    [[tables]]
    table = "t"
    where = "id > 1"
    [[hooks]]
    when = "after"
    phase = "run"
    command = "true"`
  const environment = {
    PGTREK_SOURCE: 'postgres://environment/a',
    PGTREK_DEST: 'postgres://environment/b',
    PGTREK_WORKERS: '1',
    PGTREK_BATCH_SIZE: '10',
    PGTREK_INDEX_WORKERS: '11',
    PGTREK_OWNER: 'true',
    PGTREK_KEEP_FOREIGN_KEYS: 'yes',
    PGTREK_SKIP_EXTENSIONS: 'x, y',
  }

  test('the first one with a setting decides it', () => {
    const config = file('all.toml', toml)
    const { source, dest, options, selection, tables, hooks, logDir, stateDir } = clone(
      ['--config', config, '--workers', '5', '--include', 'z', '--no-keep-triggers', '--state-dir', 'here'],
      environment,
    )
    expect(source).toEqual({ url: 'postgres://file/a' })
    expect(dest).toEqual({ url: 'postgres://environment/b' })
    expect(options).toEqual({
      ...defaultOptions,
      workers: 5,
      batchSize: 30,
      indexWorkers: 11,
      existingDataMode: 'append',
      owner: false,
      disableFk: false,
      disableTriggers: true,
      skipExtensions: ['x', 'y'],
    })
    expect(selection).toEqual({ ...everything, include: ['z'], exclude: ['c'] })
    expect(tables).toEqual([{ table: 't', where: 'id > 1' }])
    expect(hooks).toEqual([{ when: 'after', phase: 'run', run: { command: 'true' }, name: 'true' }])
    expect(logDir).toBe(join(directory, 'my logs'))
    expect(stateDir).toBe('here')
  })

  test('rules that are replaced are reported', () => {
    const config = file('rules.toml', toml)
    const { tables, warnings } = clone(['--config', config, '--where', 'u=x'])
    expect(tables).toEqual([{ table: 'u', where: 'x' }])
    expect(warnings).toEqual(['the tables in rules.toml are ignored: --where and --upsert-key replace them'])
  })

  test('a key without upsert is reported as having no effect', () => {
    expect(clone(['--upsert-key', 't=k']).warnings).toEqual([
      expect.stringContaining('rows are merged with --upsert only'),
    ])
  })

  test.each([
    [{ PGTREK_WORKERS: 'some' }, 'PGTREK_WORKERS must be a whole number from 0'],
    [{ PGTREK_DRY_RUN: 'perhaps' }, 'PGTREK_DRY_RUN must be true or false'],
    [{ PGTREK_MAX_RATE: '1 parsec' }, 'PGTREK_MAX_RATE must be a rate'],
  ] as [Record<string, string>, string][])(
    'a wrong variable is refused by its name: %p',
    (variables, message) => {
      expect(() => clone([], variables)).toThrow(message)
    },
  )

  test('a misspelled variable is reported', () => {
    expect(clone([], { PGTREK_WORKER: '4', PGTREK_BUILD_NUMBER_OF_MINE: '1' }).warnings).toEqual([
      'the environment has PGTREK_WORKER, which is not a variable of pgtrek: did you mean PGTREK_WORKERS?',
    ])
  })
})
