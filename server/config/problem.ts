// Describes an error in a configuration file: its place and what was expected, never the value.
import { type TSchema, TypeGuard } from '@sinclair/typebox'
import { Value, type ValueError, ValueErrorType } from '@sinclair/typebox/value'
import { eitherOf } from '../../shared/option-table.ts'
import { nearestName } from '../../shared/pattern.ts'
import { isRecord, snakeCase } from '../../shared/spelling.ts'

/** The first error in the content of a file; undefined if it matches its schema. */
export function problemIn(file: TSchema, content: unknown): string | undefined {
  return problemAt(file, content, [], Object.keys(file.properties ?? {}))
}

type Path = readonly string[]

function problemAt(schema: TSchema, value: unknown, at: Path, top: readonly string[]): string | undefined {
  const error = Value.Errors(schema, value).First()
  if (!error) return undefined
  const path = [...at, ...partsOf(error.path)]
  if (error.type === ValueErrorType.ObjectAdditionalProperties) return unknownKey(error, path, top)
  if (error.type === ValueErrorType.ObjectRequiredProperty) {
    return `${shown(path.slice(0, -1))} has no ${path.at(-1)}`
  }
  if (TypeGuard.IsUnion(error.schema) && isRecord(error.value)) {
    const [only, ...others] = error.schema.anyOf.filter(TypeGuard.IsObject)
    if (only && others.length === 0) return problemAt(only, error.value, path, top)
  }
  return `${shown(path)} must be ${expected(error.schema)}`
}

/** Names from other tools. */
const otherNames: Record<string, string> = {
  destination: 'dest',
  target: 'dest',
  where: 'tables',
  username: 'user',
  dbname: 'database',
  sslmode: 'ssl_mode',
}

function unknownKey({ schema }: ValueError, path: Path, top: readonly string[]): string {
  const key = path.at(-1) ?? ''
  const place = path.slice(0, -1)
  const known = Object.keys(schema.properties)
  const spelled = snakeCase(key.replaceAll('-', '_'))
  const other = otherNames[spelled]
  const near = other !== undefined && known.includes(other) ? other : nearestName(spelled, known)
  // A text that is not a name may be part of a value, like the rest of a password after a comma.
  const isSecretive = place[0] === 'source' || place[0] === 'dest' || !/^[\w-]{1,40}$/.test(key)
  const within = place.length === 0 ? 'the file' : shown(place)
  const what = isSecretive ? `${within} has an unknown key` : `unknown key ${shown(path)}`
  if (near) return `${what}: did you mean ${near}?`
  if (place.length > 0 && top.includes(key)) {
    return `unknown key ${shown(path)}: ${key} is a top-level key: put it above the first [section]`
  }
  return `${what}: known keys: ${known.join(', ')}`
}

function expected(schema: TSchema): string {
  if (typeof schema.expected === 'string') return schema.expected
  if (TypeGuard.IsUnion(schema)) {
    const literals = schema.anyOf.filter(TypeGuard.IsLiteral)
    if (literals.length === schema.anyOf.length) return eitherOf(literals.map((one) => String(one.const)))
    return eitherOf(schema.anyOf.map(expected))
  }
  if (TypeGuard.IsObject(schema)) return `a table with ${eitherOf(Object.keys(schema.properties))}`
  if (TypeGuard.IsRecord(schema)) return 'a table of keys'
  if (TypeGuard.IsArray(schema)) return 'a list'
  if (TypeGuard.IsBoolean(schema)) return 'true or false'
  if (TypeGuard.IsInteger(schema) || TypeGuard.IsNumber(schema)) return numberBetween(schema)
  if (TypeGuard.IsLiteral(schema)) return String(schema.const)
  return 'text'
}

function numberBetween({ minimum, maximum, ...schema }: TSchema): string {
  const what = schema.type === 'integer' ? 'a whole number' : 'a number'
  if (minimum === undefined) return what
  return maximum === undefined ? `${what} from ${minimum}` : `${what} from ${minimum} to ${maximum}`
}

function partsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** `tables[0].where` */
function shown(path: Path): string {
  return path.reduce((text, part) => {
    if (/^\d+$/.test(part)) return `${text}[${part}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}
