// `--config FILE`: reads, checks and translates a configuration file. It may contain passwords, so messages name only
// the place and what was expected there, never the value.
import { readFileSync } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
import type { Static, TSchema } from '@sinclair/typebox'
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ConfigFile, ConfigHook, selectionKeys } from '../../shared/config.ts'
import { type Connection, ConnectionFields } from '../../shared/connection.ts'
import { everything } from '../../shared/defaults.ts'
import { expectation, optionFromFile, optionNames, spellingOf } from '../../shared/option-table.ts'
import { PatternError } from '../../shared/pattern.ts'
import { type Hook, MigrationOptions, Selection, TableRule } from '../../shared/request.ts'
import { Selector } from '../../shared/selector.ts'
import { fromFileSpelling, isRecord, snakeCase } from '../../shared/spelling.ts'
import type { Environment } from '../postgres/environment.ts'
import { UsageError } from '../postgres/errors.ts'
import { problemIn } from './problem.ts'
import { commandName, readSql, refuseOddPattern } from './rules.ts'
import type { Given } from './settle.ts'
import { expandVariables, parseConfig } from './syntax.ts'

export function readConfigFile(path: string, environment: Environment): Given {
  const name = basename(path)
  const content = expandVariables(parseConfig(textOf(path), extname(path), name), name, environment)
  if (!isRecord(content)) throw new UsageError(`${name} must have keys and values`)
  const problem = problemIn(ConfigFile, content)
  if (problem) throw new UsageError(`${name}: ${problem}`)
  return given(content, name, dirname(resolve(path)))
}

function given(content: Record<string, unknown>, name: string, directory: string): Given {
  const { source, dest, queue, log_dir, state_dir } = content
  const tables = optional(Type.Array(TableRule), content.tables)
  tables?.forEach((rule, index) => {
    refuseOddRule(rule, `${name}: tables[${index}]`)
  })
  const hooks = optional(Type.Array(ConfigHook), content.hooks)
  return {
    ...(source !== undefined && { source: connectionOf(source, directory) }),
    ...(dest !== undefined && { dest: connectionOf(dest, directory) }),
    ...(queue !== undefined && { queue: connectionOf(queue, directory) }),
    selection: selectionOf(content, name),
    ...(tables && { tables }),
    ...(hooks && { hooks: hooks.map((hook, index) => hookOf(hook, `${name}: hooks[${index}]`, directory)) }),
    options: optionsOf(content, name),
    ...(typeof log_dir === 'string' && { logDir: resolve(directory, log_dir) }),
    ...(typeof state_dir === 'string' && { stateDir: resolve(directory, state_dir) }),
    called: { option: (option) => `${spellingOf(option).key} in ${name}`, tables: `the tables in ${name}` },
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`--config: ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}

const pathFields = ['sslRootCert', 'sslCert', 'sslKey'] as const

function connectionOf(value: unknown, directory: string): Connection {
  if (typeof value === 'string') return { url: value }
  const fields = checked(ConnectionFields, fromFileSpelling(ConnectionFields, value))
  for (const field of pathFields) {
    const path = fields[field]
    // `system` means the certificates of the operating system.
    if (path !== undefined && path !== 'system') fields[field] = resolve(directory, path)
  }
  return fields
}

function selectionOf(content: Record<string, unknown>, name: string): Partial<Selection> {
  const lists = selectionKeys.filter((key) => content[snakeCase(key)] !== undefined)
  const fields = lists.map((key) => [
    key,
    fromFileSpelling(Selection.properties[key], content[snakeCase(key)]),
  ])
  const selection = checked(Type.Partial(Selection), Object.fromEntries(fields))
  try {
    new Selector({ ...everything, ...selection })
  } catch (error) {
    if (error instanceof PatternError) throw new UsageError(`${name}: ${error.message}`)
    throw error
  }
  return selection
}

function refuseOddRule(rule: TableRule, place: string) {
  refuseOddPattern(rule.table, `${place}.table`)
  for (const field of ['where', 'key'] as const) {
    // An empty condition is probably a mistake: it would copy all rows.
    if (rule[field]?.trim() === '') throw new UsageError(`${place}.${field} is empty: remove it`)
  }
}

function hookOf({ when, phase, on, name, ...what }: ConfigHook, place: string, directory: string): Hook {
  const { sql, file, command } = what
  if (Object.keys(what).length !== 1) {
    throw new UsageError(`${place} must have exactly one of the keys sql, file and command`)
  }
  if (command !== undefined) {
    if (on) throw new UsageError(`${place}.on is only for SQL: a command runs on this machine`)
    return { when, phase, run: { command }, name: name ?? commandName(command) }
  }
  if (!on) throw new UsageError(`${place} has no on: set it to source or destination`)
  const text = file === undefined ? (sql ?? '') : readSql(resolve(directory, file), `${place}.file`)
  const called = name ?? (file === undefined ? undefined : basename(file))
  return { when, phase, run: { on, sql: text }, ...(called !== undefined && { name: called }) }
}

function optionsOf(content: Record<string, unknown>, file: string): Partial<MigrationOptions> {
  const values: Record<string, unknown> = {}
  for (const option of optionNames) {
    const given = content[spellingOf(option).key]
    if (given === undefined) continue
    const value = optionFromFile(option, given)
    if (value === undefined) {
      throw new UsageError(`${file}: ${spellingOf(option).key} must be ${expectation(option)}`)
    }
    values[option] = value
  }
  return checked(Type.Partial(MigrationOptions), values)
}

function optional<Schema extends TSchema>(schema: Schema, value: unknown): Static<Schema> | undefined {
  return value === undefined ? undefined : checked(schema, fromFileSpelling(schema, value))
}

/** The file has passed its own schema, so a mismatch with the request's schema is a bug. */
function checked<Schema extends TSchema>(schema: Schema, value: unknown): Static<Schema> {
  Value.Assert(schema, value)
  return value
}
