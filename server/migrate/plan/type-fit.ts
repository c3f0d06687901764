// Whether every value of one type keeps its meaning in another when it is copied as text.

/**
 * `exact`: every value fits. `checked`: the server refuses a value that does not. `never`: values could be
 * changed silently (rounded, cut, moved to another time zone), so they are not copied.
 */
export type Fit = 'exact' | 'checked' | 'never'

interface SqlType {
  base: string
  modifiers: number[]
  dimensions: string
}

const integers = ['smallint', 'integer', 'bigint']
const texts: ReadonlySet<string> = new Set(['text', 'character varying', 'character', 'name'])

export function fitOf(from: string, to: string): Fit {
  if (from === to) return 'exact'
  const [one, other] = [parseType(from), parseType(to)]
  if (one.dimensions !== other.dimensions) return 'never'
  if (texts.has(other.base)) return textFit(one, other)
  if (integers.includes(one.base)) return integerFit(one, other)
  if (one.base === 'numeric') return numericFit(one, other)
  if (one.base === 'real' && other.base === 'double precision') return 'exact'
  if (one.base !== other.base) return texts.has(one.base) && isStrict(other.base) ? 'checked' : 'never'
  // The same type with another precision: a larger one keeps every value, a smaller one may round.
  return fits(one.modifiers, other.modifiers) ? 'exact' : 'never'
}

/** `timestamp(3) with time zone[]` -> base `timestamp with time zone`, modifiers [3], dimensions `[]` */
function parseType(text: string): SqlType {
  const [, body = text, dimensions = ''] = /^(.*?)((?:\[\])*)$/s.exec(text) ?? []
  const [, before = body, inside, behind = ''] = /^([^"(]*)\(([\d, -]+)\)(.*)$/s.exec(body) ?? []
  return {
    base: inside === undefined ? body : `${before}${behind}`,
    modifiers: inside === undefined ? [] : inside.split(',').map(Number),
    dimensions,
  }
}

function textFit(one: SqlType, other: SqlType): Fit {
  // Trailing blanks of a char(n) are not part of its value, but would become so.
  if (one.base === 'character' && other.base !== 'character') return 'checked'
  if (other.base === 'name') return one.base === 'name' ? 'exact' : 'never'
  if (other.base === 'character' && one.base !== 'character') return 'never'
  const [room] = other.modifiers
  if (room === undefined) return 'exact'
  const [needed] = one.modifiers
  return texts.has(one.base) && needed !== undefined && needed <= room ? 'exact' : 'checked'
}

function integerFit(one: SqlType, other: SqlType): Fit {
  if (integers.includes(other.base)) {
    return integers.indexOf(one.base) <= integers.indexOf(other.base) ? 'exact' : 'checked'
  }
  return other.base === 'numeric' ? (other.modifiers.length === 0 ? 'exact' : 'checked') : 'never'
}

function numericFit(one: SqlType, other: SqlType): Fit {
  if (integers.includes(other.base)) return 'checked'
  if (other.base !== 'numeric') return 'never'
  const [precision, scale = 0] = other.modifiers
  if (precision === undefined) return 'exact'
  const [ownPrecision, ownScale = 0] = one.modifiers
  if (ownPrecision === undefined || ownScale > scale) return 'never'
  return ownPrecision - ownScale <= precision - scale ? 'exact' : 'checked'
}

/** Their input functions accept only what their output functions write, without a setting that changes it. */
function isStrict(base: string): boolean {
  return ['uuid', 'integer', 'smallint', 'bigint', 'boolean', 'json', 'jsonb', 'inet', 'cidr'].includes(base)
}

function fits(from: readonly number[], to: readonly number[]): boolean {
  if (to.length === 0) return true
  const [own] = from
  const [room] = to
  return own !== undefined && room !== undefined && own <= room
}
