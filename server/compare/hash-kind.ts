/**
 * How the values of a column are hashed. Only hash functions for which equal hashes mean equal text are used:
 * hashint8extended, for example, mixes only 32 bits of a bigint, and hashfloat8extended treats -0 as 0.
 */
export type HashKind = 'int4' | 'int8' | 'boolean' | 'uuid' | 'text' | 'bpchar' | 'bytea' | 'char' | 'any'

const kinds: Record<number, HashKind> = {
  16: 'boolean',
  17: 'bytea',
  18: 'char',
  20: 'int8',
  21: 'int4',
  23: 'int4',
  25: 'text',
  1042: 'bpchar',
  1043: 'text',
  2950: 'uuid',
}

/** Both sides must use the same kind. Types with nothing in common are hashed as text. */
export function hashKindOf(source: number, destination: number): HashKind {
  const [one, other] = [kinds[source], kinds[destination]]
  if (one === other) return one ?? 'any'
  const bothIntegers = [one, other].every((kind) => kind === 'int4' || kind === 'int8')
  return bothIntegers ? 'int8' : 'any'
}
