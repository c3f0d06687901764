// A row as one 64-bit number, the same on both servers exactly when all compared values are. PostgreSQL's own
// hash functions do it (the same in 12 to 18), each column's with that of the columns before it as its seed.
// No row is written as text for it, which is most of what `t::text` costs.

import type { ComparedColumn, Side } from './columns.ts'
import type { HashKind } from './hash-kind.ts'

export interface HashOptions {
  /** The servers store text in different encodings: what is hashed is UTF-8. */
  convert: boolean
}

/** A bigint, never null. */
export function rowHash(columns: readonly ComparedColumn[], side: Side, options: HashOptions): string {
  const chains: string[] = []
  // Deeply nested calls would need more of the server's stack than it has.
  for (let first = 0; first < Math.max(1, columns.length); first += columnsPerChain) {
    chains.push(chainHash(columns.slice(first, first + columnsPerChain), side, options))
  }
  const [only = '0'] = chains
  if (chains.length === 1) return only
  return textHash(chains.map((chain) => `(${chain})::pg_catalog.text`).join(" || ' ' || "), '0')
}

const columnsPerChain = 30

function chainHash(columns: readonly ComparedColumn[], side: Side, options: HashOptions): string {
  return columns.reduce(
    (seed, column) => valueHash(column.kind, column[side], seed, options),
    `pg_catalog.hashint4extended(${nullBits(columns, side)}, 0)`,
  )
}

/** NULL is hashed as an empty value; these bits tell the two apart. */
function nullBits(columns: readonly ComparedColumn[], side: Side): string {
  const bits = columns.flatMap((column, index) =>
    column.neverNull ? [] : [`case when (${column[side]}) is null then ${2 ** index} else 0 end`],
  )
  return bits.length === 0 ? '0' : `(${bits.join(' + ')})`
}

/** The hash of one value alone; null for NULL. */
export function columnHash(column: ComparedColumn, side: Side, options: HashOptions): string {
  const value = column[side]
  return `case when (${value}) is not null then ${valueHash(column.kind, value, '0', options)} end`
}

function valueHash(kind: HashKind, value: string, seed: string, options: HashOptions): string {
  switch (kind) {
    case 'int4':
      return integerHash(`coalesce((${value})::pg_catalog.int4, 0)`, seed)
    case 'boolean':
      return integerHash(`coalesce((${value})::pg_catalog.int4, 0)`, seed)
    case 'char':
      // Since 16 a byte above 127 is written otherwise.
      return integerHash(`coalesce((${value})::pg_catalog.int4, 0)`, seed)
    case 'int8': {
      const whole = `coalesce((${value})::pg_catalog.int8, 0)`
      const high = integerHash(`(${whole} >> 32)::pg_catalog.int4`, seed)
      return integerHash(`((${whole} & 4294967295) - 2147483648)::pg_catalog.int4`, high)
    }
    case 'uuid':
      return `pg_catalog.uuid_hash_extended(coalesce(${value}, '00000000-0000-0000-0000-000000000000'), ${seed})`
    case 'text':
      return textHash(inUtf8(`coalesce((${value})::pg_catalog.text, '')`, options), seed)
    case 'bpchar':
      // Blanks at the end have no meaning, and are hashed as such.
      return options.convert
        ? textHash(inUtf8(`coalesce((${value})::pg_catalog.text, '')`, options), seed)
        : `pg_catalog.hashbpcharextended(coalesce(${value}, '') collate "C", ${seed})`
    case 'bytea':
      // In hexadecimal a long value would not fit the longest text there is.
      return textHash(
        `case when pg_catalog.octet_length(${value}) > ${longestHex}
              then pg_catalog.sha256(${value})::pg_catalog.text
              else coalesce(pg_catalog.encode(${value}, 'hex'), '') end`,
        seed,
      )
    case 'any':
      // Unlike a cast, concat() always asks the type's own output function.
      return textHash(inUtf8(`pg_catalog.concat(${value})`, options), seed)
  }
}

const longestHex = 256 * 1024 * 1024

function integerHash(value: string, seed: string): string {
  return `pg_catalog.hashint4extended(${value}, ${seed})`
}

function textHash(value: string, seed: string): string {
  // By its bytes: the collation, which need not be deterministic, has no say.
  return `pg_catalog.hashtextextended((${value}) collate "C", ${seed})`
}

function inUtf8(value: string, { convert }: HashOptions): string {
  return convert ? `pg_catalog.encode(pg_catalog.convert_to(${value}, 'UTF8'), 'escape')` : value
}
