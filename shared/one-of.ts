// One of several words, as a schema whose type is those words.
import { type TLiteral, type TUnion, Type } from '@sinclair/typebox'

type Literals<Words extends readonly string[]> = {
  -readonly [Index in keyof Words]: TLiteral<Words[Index]>
}

/** A union over `map` would be one of an unknown number of alternatives, which the API's types cannot follow. */
export function oneOf<const Words extends readonly string[]>(words: Words): TUnion<Literals<Words>> {
  // A map over a tuple has lost its length.
  return Type.Union(words.map((word) => Type.Literal(word))) as unknown as TUnion<Literals<Words>>
}
