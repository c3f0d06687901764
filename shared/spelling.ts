// Files are in snake_case, as is the JSON summary; requests are in camelCase. One schema serves both.
import { type TProperties, type TSchema, Type, TypeGuard } from '@sinclair/typebox'

/** The same schema for files: names of properties and choices in snake_case. */
export function inFileSpelling(schema: TSchema): TSchema {
  const spelled = spell(schema)
  return TypeGuard.IsOptional(schema) ? Type.Optional(spelled) : spelled
}

function spell(schema: TSchema): TSchema {
  if (TypeGuard.IsObject(schema)) {
    const properties: TProperties = {}
    for (const [name, property] of Object.entries(schema.properties)) {
      properties[snakeCase(name)] = inFileSpelling(property)
    }
    return Type.Object(properties, { additionalProperties: false })
  }
  if (TypeGuard.IsArray(schema)) return Type.Array(inFileSpelling(schema.items))
  if (TypeGuard.IsUnion(schema)) return Type.Union(schema.anyOf.map(inFileSpelling))
  if (TypeGuard.IsLiteralString(schema)) return Type.Literal(snakeCase(schema.const))
  return schema
}

/** Converts a value from a file to the request's spelling; the schema is the request's. */
export function fromFileSpelling(schema: TSchema, value: unknown): unknown {
  if (TypeGuard.IsObject(schema) && isRecord(value)) {
    const fields = Object.entries(schema.properties).flatMap(([name, property]) => {
      const given = value[snakeCase(name)]
      return given === undefined ? [] : [[name, fromFileSpelling(property, given)] as const]
    })
    return Object.fromEntries(fields)
  }
  if (TypeGuard.IsArray(schema) && Array.isArray(value)) {
    return value.map((item) => fromFileSpelling(schema.items, item))
  }
  if (TypeGuard.IsUnion(schema) && typeof value === 'string') {
    const same = schema.anyOf.filter(TypeGuard.IsLiteralString).find((one) => snakeCase(one.const) === value)
    return same?.const ?? value
  }
  return value
}

export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
