// The spelling of each option of a migration: one table for flags, files and the environment.
import { type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { parseBytes, parseKilobytes, parseRate } from './amounts.ts'
import { defaultOptions } from './defaults.ts'
import { MigrationOptions } from './request.ts'

export type OptionName = keyof MigrationOptions

export interface OptionSpelling {
  /** The key in files. `batch_size` is also `--batch-size` and `PGTREK_BATCH_SIZE`. */
  key: string
  /** Where the flag differs from the key: each use of it adds one name. */
  flag?: string
  /** An `opposite` negates the option: `keep_triggers` negates `disableTriggers`. */
  kind: 'switch' | 'opposite' | 'choice' | 'count' | 'size' | 'kilobytes' | 'rate' | 'names'
  /** The meaning of the flag in `--help`, for the value that differs from the default. */
  meaning: string
  group: 'what' | 'existing' | 'speed' | 'run'
  /** Flags for single choices. */
  shortcuts?: Record<string, string>
  /** It concerns definitions, and has no effect where only rows are copied. */
  schema?: true
}

export const optionTable = {
  schemaOnly: {
    key: 'schema_only',
    kind: 'switch',
    meaning: 'create the objects; no rows, sequence values or large objects',
    group: 'what',
    schema: true,
  },
  dataOnly: {
    key: 'data_only',
    kind: 'switch',
    meaning: 'copy rows, sequence values and large objects into existing tables',
    group: 'what',
    schema: true,
  },
  skipExtensions: {
    key: 'skip_extensions',
    flag: 'skip-extension',
    kind: 'names',
    meaning: 'do not create this extension',
    group: 'what',
  },
  owner: {
    key: 'owner',
    kind: 'switch',
    meaning: 'make the connecting user the owner of all objects',
    group: 'what',
    schema: true,
  },
  acl: { key: 'acl', kind: 'switch', meaning: 'do not copy grants', group: 'what', schema: true },
  comments: { key: 'comments', kind: 'switch', meaning: 'do not copy comments', group: 'what', schema: true },
  tablespaces: {
    key: 'tablespaces',
    kind: 'switch',
    meaning: 'create everything in the default tablespace',
    group: 'what',
    schema: true,
  },
  publications: {
    key: 'publications',
    kind: 'switch',
    meaning: 'do not create publications',
    group: 'what',
    schema: true,
  },
  securityLabels: {
    key: 'security_labels',
    kind: 'switch',
    meaning: 'do not copy security labels',
    group: 'what',
    schema: true,
  },
  analyze: { key: 'analyze', kind: 'switch', meaning: 'do not run ANALYZE', group: 'what' },
  existingTableMode: {
    key: 'existing_tables',
    kind: 'choice',
    meaning: 'objects that exist on the destination: keep them, or drop and recreate them',
    group: 'existing',
    shortcuts: { 'drop-existing': 'drop' },
    schema: true,
  },
  existingDataMode: {
    key: 'existing_rows',
    kind: 'choice',
    meaning: 'rows that exist in tables of the destination: replace them, append to them, or merge with them',
    group: 'existing',
    shortcuts: { truncate: 'truncate', append: 'append', upsert: 'upsert' },
  },
  batchSize: {
    key: 'batch_size',
    kind: 'count',
    meaning: 'rows that append and upsert merge per batch',
    group: 'existing',
  },
  disableFk: {
    key: 'keep_foreign_keys',
    kind: 'opposite',
    meaning: 'keep foreign keys of the destination while rows are copied; tables are copied in their order',
    group: 'existing',
  },
  disableTriggers: {
    key: 'keep_triggers',
    kind: 'opposite',
    meaning: 'let triggers of the destination fire for copied rows',
    group: 'existing',
  },
  workers: { key: 'workers', kind: 'count', meaning: 'number of copy workers; 0: automatic', group: 'speed' },
  indexWorkers: {
    key: 'index_workers',
    kind: 'count',
    meaning: 'number of concurrent index builds; 0: automatic',
    group: 'speed',
  },
  splitBytes: {
    key: 'split',
    kind: 'size',
    meaning: 'copy tables above this size in parts (for example 500MB); 0: automatic',
    group: 'speed',
  },
  maxBytesPerSecond: {
    key: 'max_rate',
    kind: 'rate',
    meaning: 'maximum read rate from the source (for example 20MB/s); 0: unlimited',
    group: 'speed',
  },
  maintenanceWorkMemKb: {
    key: 'maintenance_work_mem',
    kind: 'kilobytes',
    meaning: 'memory of each index build on the destination (for example 1GB); 0: automatic',
    group: 'speed',
    schema: true,
  },
  parallelMaintenanceWorkers: {
    key: 'parallel_maintenance_workers',
    kind: 'count',
    meaning: 'parallel workers of each index build (default: the setting of the server)',
    group: 'speed',
    schema: true,
  },
  failFast: { key: 'fail_fast', kind: 'switch', meaning: 'stop at the first failure', group: 'run' },
  dryRun: {
    key: 'dry_run',
    kind: 'switch',
    meaning: 'print the plan and stop; nothing is written',
    group: 'run',
  },
  verify: {
    key: 'verify',
    kind: 'switch',
    meaning: 'compare the rows of both databases at the end',
    group: 'run',
  },
  skipPreflight: {
    key: 'skip_preflight',
    kind: 'switch',
    meaning: 'skip the preflight checks (pgtrek preflight)',
    group: 'run',
  },
  resume: {
    key: 'resume',
    kind: 'switch',
    meaning: 'continue the last incomplete run between these databases',
    group: 'run',
  },
} as const satisfies Record<OptionName, OptionSpelling>

export const optionNames = Object.keys(optionTable) as OptionName[]

export function spellingOf(name: OptionName): OptionSpelling {
  return optionTable[name]
}

/** Without leading dashes. */
export function flagOf(name: OptionName): string {
  const { key, flag = key.replaceAll('_', '-') } = spellingOf(name)
  return flag
}

export function variableOf(name: OptionName): string {
  return `PGTREK_${spellingOf(name).key.toUpperCase()}`
}

/** The key's value by default. */
export function usualValue(name: OptionName): unknown {
  return spellingOf(name).kind === 'opposite' ? !defaultOptions[name] : defaultOptions[name]
}

/** The possible values of each choice. */
export function choicesOf(name: OptionName): string[] {
  const { anyOf = [] } = MigrationOptions.properties[name] as TSchema & { anyOf?: { const: string }[] }
  return anyOf.map((choice) => choice.const)
}

const truths: Record<string, boolean> = { true: true, yes: true, on: true, 1: true }
const untruths: Record<string, boolean> = { false: false, no: false, off: false, 0: false }

/** From a flag or a variable; undefined for an invalid value. */
export function optionFromText(name: OptionName, text: string): unknown {
  const value = read(name, text)
  return Value.Check(MigrationOptions.properties[name], value) ? value : undefined
}

function read(name: OptionName, text: string): unknown {
  const { kind } = spellingOf(name)
  const word = text.trim().toLowerCase()
  switch (kind) {
    case 'switch':
      return truths[word] ?? untruths[word]
    case 'opposite': {
      const said = truths[word] ?? untruths[word]
      return said === undefined ? undefined : !said
    }
    case 'choice':
      return word
    case 'count':
      return /^-?\d{1,9}$/.test(word) ? Number(word) : undefined
    case 'size':
      return parseBytes(text)
    case 'kilobytes':
      return parseKilobytes(text)
    case 'rate':
      return parseRate(text)
    case 'names':
      return text
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '')
  }
}

/** From a file, where numbers and switches are not strings. */
export function optionFromFile(name: OptionName, value: unknown): unknown {
  const { kind } = spellingOf(name)
  if (kind === 'opposite') return !value
  const isAmount = kind === 'size' || kind === 'kilobytes' || kind === 'rate'
  return isAmount ? optionFromText(name, String(value)) : value
}

/** For a file. */
export function fileSchemaOf(name: OptionName): TSchema {
  const { kind } = spellingOf(name)
  const isAmount = kind === 'size' || kind === 'kilobytes' || kind === 'rate'
  return isAmount
    ? Type.Union([Type.String(), Type.Integer({ minimum: 0 })], { expected: expectation(name) })
    : { ...MigrationOptions.properties[name], expected: expectation(name) }
}

/** In words, after `must be`. */
export function expectation(name: OptionName): string {
  const { minimum = 0, maximum } = MigrationOptions.properties[name] as { minimum?: number; maximum?: number }
  switch (spellingOf(name).kind) {
    case 'switch':
    case 'opposite':
      return 'true or false'
    case 'choice':
      return eitherOf(choicesOf(name))
    case 'count':
      return maximum === undefined
        ? `a whole number from ${minimum}`
        : `a whole number from ${minimum} to ${maximum}`
    case 'size':
    case 'kilobytes':
      return 'a size, such as 500MB or 1GB'
    case 'rate':
      return 'a rate with its unit, such as 20MB/s or 500KB/s'
    case 'names':
      return 'a list of names'
  }
}

/** `a, b or c` */
export function eitherOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
