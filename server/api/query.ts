// Numbers and switches in a query, which are sent as text. The framework's own conversion does not work in the
// compiled executable, so it is done here.

import { Type } from '@sinclair/typebox'
import { oneOf } from '../../shared/one-of.ts'
import { say } from '../../shared/say.ts'
import { ApiFailure } from './errors.ts'

/** In the schema it is text; for the typed client it is a number. */
export function numberInQuery(description: string) {
  return Type.Optional(Type.Unsafe<number>(Type.String({ description, sentAs: 'number' })))
}

export function switchInQuery(description: string) {
  return Type.Optional(Type.Unsafe<boolean>({ ...oneOf(['true', 'false']), description, sentAs: 'boolean' }))
}

interface Range {
  minimum: number
  maximum: number
  usual: number
}

export function wholeNumber(name: string, text: unknown, { minimum, maximum, usual }: Range): number {
  if (text === undefined) return usual
  const number = /^\d{1,15}$/.test(String(text)) ? Number(text) : Number.NaN
  if (number >= minimum && number <= maximum) return number
  throw new ApiFailure(
    'usage',
    say`/${name} must be a whole number from ${minimum} to ${maximum}`,
    `/${name}`,
  )
}

export function isSwitchedOn(text: unknown): boolean {
  return String(text) === 'true'
}
