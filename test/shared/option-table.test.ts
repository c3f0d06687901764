import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cloneCommand } from '../../server/cli/commands/clone.ts'
import { copyCommand, copyOptions } from '../../server/cli/commands/copy.ts'
import { followCommand } from '../../server/cli/commands/follow.ts'
import { ConfigFile } from '../../shared/config.ts'
import { defaultOptions } from '../../shared/defaults.ts'
import {
  expectation,
  flagOf,
  optionFromFile,
  optionFromText,
  optionNames,
  optionTable,
  spellingOf,
  usualValue,
  variableOf,
} from '../../shared/option-table.ts'
import { MigrationOptions } from '../../shared/request.ts'

const flags = (command: { options: readonly { long?: string | undefined }[] }) =>
  new Set(command.options.map(({ long }) => long))

test('the table has all options of a migration, and no others', () => {
  expect(Object.keys(optionTable).sort()).toEqual(Object.keys(MigrationOptions.properties).sort())
})

test('no two options share a key or a flag', () => {
  expect(new Set(optionNames.map((name) => spellingOf(name).key)).size).toBe(optionNames.length)
  expect(new Set(optionNames.map(flagOf)).size).toBe(optionNames.length)
})

describe.each(optionNames)('%s', (name) => {
  const { key, kind } = spellingOf(name)

  test('is a flag of clone, and of copy unless it is about the schema', () => {
    expect(flags(cloneCommand())).toContain(`--${flagOf(name)}`)
    expect(flags(copyCommand()).has(`--${flagOf(name)}`)).toBe(copyOptions.includes(name))
  })

  test('is a key of files', () => {
    expect(Object.keys(ConfigFile.properties)).toContain(key)
  })

  test('refuses what it cannot be', () => {
    if (kind !== 'names') expect(optionFromText(name, 'nonsense')).toBeUndefined()
    expect(expectation(name)).not.toBe('')
  })

  test('reads its own default', () => {
    const usual = usualValue(name)
    if (kind === 'names') return
    expect(optionFromText(name, String(usual))).toEqual(defaultOptions[name])
    expect(optionFromFile(name, usual)).toEqual(defaultOptions[name])
  })

  test('stands in the documentation with its flag, key, variable and default', () => {
    const row = documented.find((line) => line.includes(`| \`${key}\` |`))
    const isOn = usualValue(name) === true
    expect(row).toContain(`\`--${isOn ? 'no-' : ''}${flagOf(name)}`)
    expect(row).toContain(`\`${variableOf(name)}\``)
    if (kind !== 'names') expect(row).toContain(`| \`${String(usualValue(name))}\` |`)
  })
})

test('copy and clone have the same flags but for those about the schema and about following', () => {
  const copy = flags(copyCommand())
  const following = flags(followCommand())
  const missing = [...flags(cloneCommand())].filter((flag) => !copy.has(flag))
  const about = optionNames.filter((name) => !copyOptions.includes(name))
  for (const flag of missing) {
    const isAboutSchema = about.some((name) => flag?.replace('--no-', '--') === `--${flagOf(name)}`)
    const isAboutFollowing =
      following.has(flag) ||
      ['--follow', '--inserts-only', '--engine', '--bidirectional'].includes(flag ?? '')
    const isKnown =
      isAboutSchema || isAboutFollowing || ['--only', '--needed', '--drop-existing'].includes(flag ?? '')
    expect([flag, isKnown]).toEqual([flag, true])
  }
})

describe('amounts', () => {
  test.each([
    ['splitBytes', '500MB', 500 * 1024 ** 2],
    ['splitBytes', '1.5 gb', 1.5 * 1024 ** 3],
    ['splitBytes', '4096', 4096],
    ['maxBytesPerSecond', '20MB', 20 * 1024 ** 2],
    ['maxBytesPerSecond', '20MB/s', 20 * 1024 ** 2],
    ['maxBytesPerSecond', '500 kB / s', 500 * 1024],
    ['maintenanceWorkMemKb', '1GB', 1024 ** 2],
    ['maintenanceWorkMemKb', '1500', 2],
  ] as const)('%s of %p is %p', (name, text, value) => {
    expect(optionFromText(name, text)).toBe(value)
  })
  test.each([
    ['splitBytes', '20MB/s'],
    ['splitBytes', '-1'],
    ['splitBytes', '5 PB'],
    ['maxBytesPerSecond', '20 Mbit/s'],
    ['batchSize', '0'],
    ['batchSize', '1000001'],
    ['batchSize', '1.5'],
    ['workers', '-1'],
    ['parallelMaintenanceWorkers', '-2'],
    ['existingDataMode', 'merge'],
  ] as const)('%s cannot be %p', (name, text) => {
    expect(optionFromText(name, text)).toBeUndefined()
  })
})

const documented = readFileSync(join(import.meta.dir, '../../docs/options.md'), 'utf8').split('\n')
