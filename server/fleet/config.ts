// The configuration of a fleet from a file, the environment, or both. `PGTREK_MAPPINGS__0__SOURCE__HOST=...` sets
// `mappings[0].source.host` and takes precedence over the file.

import { readFileSync } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
import { type TSchema, TypeGuard } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { parseBytes, parseRate, parseSeconds } from '../../shared/amounts.ts'
import { FleetConfig } from '../../shared/fleet.ts'
import {
  type OptionName,
  optionFromFile,
  optionFromText,
  optionNames,
  spellingOf,
} from '../../shared/option-table.ts'
import { say } from '../../shared/say.ts'
import { isRecord, snakeCase } from '../../shared/spelling.ts'
import { problemIn } from '../config/problem.ts'
import { expandVariables, parseConfig } from '../config/syntax.ts'
import type { Environment } from '../postgres/environment.ts'
import { UsageError } from '../postgres/errors.ts'

interface Place {
  /** The directory for relative file names in it. */
  directory: string
  /** For messages. */
  name: string
}

export function readFleetConfig(path: string | undefined, environment: Environment): FleetConfig {
  const place: Place = path
    ? { directory: dirname(resolve(path)), name: basename(path) }
    : { directory: process.cwd(), name: 'the environment' }
  const file = path ? contentOf(path, environment) : {}
  const given = overlay(file, fromEnvironment(environment))
  if (!isRecord(given) || Object.keys(given).length === 0) {
    throw new UsageError(
      say`no fleet is configured: use --config fleet.yaml, or variables such as PGTREK_MAPPINGS__0__SOURCE__URL (docs/fleet.md)`,
    )
  }
  const config = Value.Default(FleetConfig, inRequestSpelling(FleetConfig, given, '', place))
  const problem = problemIn(FleetConfig, config)
  if (problem) throw new UsageError(`${place.name}: ${snakeCase(problem)}`)
  const checked = config as FleetConfig
  refuseTwins(checked, place)
  return checked
}

/** True if the file, or the environment if there is no file, configures a fleet. */
export function isFleetConfig(path: string | undefined, environment: Environment): boolean {
  if (path === undefined)
    return Object.keys(environment).some((name) => name.startsWith(`${prefix}MAPPINGS__`))
  const content = contentOf(path, environment)
  return isRecord(content) && 'mappings' in content
}

function contentOf(path: string, environment: Environment): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(say`--config: ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  const name = basename(path)
  return expandVariables(parseConfig(text, extname(path), name), name, environment)
}

const prefix = 'PGTREK_'
/** Without variables that other commands use too, with another meaning. */
const topLevel = new Set(Object.keys(FleetConfig.properties).map((key) => snakeCase(key).toUpperCase()))

function fromEnvironment(environment: Environment): unknown {
  const content: Record<string, unknown> = {}
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(prefix) || text === undefined || text === '') continue
    const path = variable.slice(prefix.length).split('__')
    if (topLevel.has(path[0] ?? ''))
      put(
        content,
        path.map((part) => part.toLowerCase()),
        text,
      )
  }
  return listed(content)
}

function put(content: Record<string, unknown>, [first = '', ...rest]: readonly string[], text: string) {
  if (rest.length === 0) {
    content[first] = text
    return
  }
  const inner = isRecord(content[first]) ? content[first] : {}
  content[first] = inner
  put(inner, rest, text)
}

/** `{0: a, 1: b}` -> `[a, b]` */
function listed(value: unknown): unknown {
  if (!isRecord(value)) return value
  const entries = Object.entries(value).map(([key, item]) => [key, listed(item)] as const)
  if (entries.length === 0 || !entries.every(([key]) => /^\d+$/.test(key))) return Object.fromEntries(entries)
  return entries.toSorted(([one], [other]) => Number(one) - Number(other)).map(([, item]) => item)
}

/** Merges item by item and key by key. */
function overlay(under: unknown, over: unknown): unknown {
  if (Array.isArray(under) && Array.isArray(over)) {
    return Array.from({ length: Math.max(under.length, over.length) }, (_, index) =>
      index in over ? overlay(under[index], over[index]) : under[index],
    )
  }
  if (!isRecord(under) || !isRecord(over)) return over ?? under
  const keys = new Set([...Object.keys(under), ...Object.keys(over)])
  return Object.fromEntries([...keys].map((key) => [key, overlay(under[key], over[key])]))
}

const amounts: [ending: string, parse: (text: string) => number | undefined][] = [
  ['bytesPerSecond', parseRate],
  ['Seconds', parseSeconds],
  ['Bytes', parseBytes],
]

const connections: ReadonlySet<string> = new Set(['source', 'dest', 'queue'])

/** An unknown value is not changed: the validation of the whole reports it. */
function inRequestSpelling(schema: TSchema, value: unknown, key: string, place: Place): unknown {
  if (key === 'options' && isRecord(value)) return optionsOf(value)
  if (connections.has(key) && (typeof value === 'string' || isRecord(value))) {
    return connectionOf(schema, value, place)
  }
  if (TypeGuard.IsObject(schema) && isRecord(value)) return fieldsOf(schema, value, place)
  if (TypeGuard.IsArray(schema)) {
    const items = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value
    return Array.isArray(items)
      ? items.map((item) => inRequestSpelling(schema.items, item, '', place))
      : value
  }
  if (typeof value !== 'string') return value
  if (TypeGuard.IsNumber(schema) || TypeGuard.IsInteger(schema)) {
    const parse = amounts.find(([ending]) => key.endsWith(ending))?.[1]
    const number = parse ? parse(value) : /^\d+$/.test(value) ? Number(value) : undefined
    return number ?? value
  }
  if (TypeGuard.IsBoolean(schema)) return value === 'true' ? true : value === 'false' ? false : value
  return value
}

function fieldsOf(schema: TSchema, value: Record<string, unknown>, place: Place): Record<string, unknown> {
  const known = new Map(Object.keys(schema.properties).map((name) => [snakeCase(name), name]))
  return Object.fromEntries(
    Object.entries(value).map(([given, item]) => {
      const name = known.get(given)
      return [name ?? given, name ? inRequestSpelling(schema.properties[name], item, name, place) : item]
    }),
  )
}

/** A URL or fields; secrets may be in separate files, as with Docker and Kubernetes. */
function connectionOf(schema: TSchema, value: string | Record<string, unknown>, place: Place): unknown {
  if (typeof value === 'string') return { url: value }
  const { password_file, url_file, ...rest } = value
  const secret = (file: unknown) => readFileText(resolve(place.directory, String(file)), place)
  if (url_file !== undefined) return { url: secret(url_file) }
  const fields = schema.anyOf?.findLast(TypeGuard.IsObject)
  const spelled = typeof rest.url === 'string' || !fields ? rest : fieldsOf(fields, rest, place)
  return { ...spelled, ...(password_file !== undefined && { password: secret(password_file) }) }
}

function readFileText(path: string, { name }: Place): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new UsageError(say`${name}: ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}

/** Keys as in the configuration of one migration; the validation reports unknown keys. */
function optionsOf(value: Record<string, unknown>): Record<string, unknown> {
  const byKey = new Map<string, OptionName>(optionNames.map((name) => [spellingOf(name).key, name]))
  return Object.fromEntries(
    Object.entries(value).map(([key, given]) => {
      const name = byKey.get(key)
      if (!name) return [key, given]
      const read = typeof given === 'string' ? optionFromText(name, given) : optionFromFile(name, given)
      return [name, read ?? given]
    }),
  )
}

function refuseTwins({ mappings }: FleetConfig, { name }: Place) {
  const names = mappings.map((mapping) => mapping.name)
  const twin = names.find((one, index) => names.indexOf(one) !== index)
  if (twin) throw new UsageError(say`${name}: two mappings are named ${twin}`)
}
