// A schema for one of several strings, whose type is the union of these strings.
import { type TLiteral, type TUnion, Type } from '@sinclair/typebox'

type Literals<Words extends readonly string[]> = {
  -readonly [Index in keyof Words]: TLiteral<Words[Index]>
}

/** `map` would give a union of an unknown number of alternatives, which the API's types do not support. */
export function oneOf<const Words extends readonly string[]>(words: Words): TUnion<Literals<Words>> {
  // `map` on a tuple loses its length.
  return Type.Union(words.map((word) => Type.Literal(word))) as unknown as TUnion<Literals<Words>>
}
