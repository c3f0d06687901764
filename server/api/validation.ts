// Describes where a request violates its schema, with a path and never with the value, which may be a password.
import type { TSchema } from '@sinclair/typebox'
import { Value, type ValueError } from '@sinclair/typebox/value'
import type { ApiError } from '../../shared/api.ts'
import { nearestName } from '../../shared/pattern.ts'

export function describeInvalid(schema: TSchema, value: unknown, place: string): ApiError {
  const first = Value.Errors(schema, value).First()
  const found = first && deepest(first)
  if (!found) return { error: 'usage', message: `the ${place} is not valid` }
  const path = found.path || '/'
  const what = found.path || `the ${place === 'property' ? 'query' : place}`
  return { error: 'usage', message: `${what} ${complaint(found)}`, path }
}

/** Of the alternatives of a union, the error of the one that matches best. */
function deepest(error: ValueError): ValueError {
  const branches = error.errors.map(some)
  if (branches.length === 0) return error
  const isLiterals = branches.every((errors) => errors.length === 1 && errors[0]?.path === error.path)
  if (isLiterals) return error
  const scored = branches
    .filter((errors) => errors.length > 0)
    .sort((one, other) => one.length - other.length)
  const inside = scored[0]?.find(({ path }) => path.length > error.path.length) ?? scored[0]?.[0]
  return inside ? deepest(inside) : error
}

/** Further errors would not help the client. */
const mostErrors = 100

function some(errors: Iterable<ValueError>): ValueError[] {
  const first: ValueError[] = []
  for (const error of errors) {
    first.push(error)
    if (first.length === mostErrors) break
  }
  return first
}

function complaint({ schema, message, path }: ValueError): string {
  const literals = (schema.anyOf as TSchema[] | undefined)?.map((one) => one.const as unknown)
  if (literals?.every((one) => one !== undefined)) {
    return `must be one of ${literals.map((one) => JSON.stringify(one)).join(', ')}`
  }
  if (message === 'Unexpected property') {
    const known = Object.keys((schema.properties as object | undefined) ?? {})
    const near = nearestName(path.split('/').at(-1) ?? '', known)
    return `is unknown${near ? `: did you mean ${near}?` : ''}`
  }
  if (message === 'Expected union value') return 'has a value of the wrong type'
  return `is not valid: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
}
