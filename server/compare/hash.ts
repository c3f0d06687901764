// Hashes a row to one 64-bit number that is the same on both servers if all compared values are. It uses PostgreSQL's
// own hash functions, which are the same in 12 to 18, and seeds the hash of each column with that of the columns
// before it. Rows are not converted to text, which is most of the cost of `t::text`.

import type { ComparedColumn, Side } from './columns.ts'
import type { HashKind } from './hash-kind.ts'

export interface HashOptions {
  /** Convert text to UTF-8 before hashing: the encodings of the servers differ. */
  convert: boolean
}

/** SQL of a bigint, never null. */
export function rowHash(columns: readonly ComparedColumn[], side: Side, options: HashOptions): string {
  const chains: string[] = []
  // Deeply nested calls would exceed the server's stack.
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

/** NULL is hashed like an empty value; these bits distinguish the two. */
function nullBits(columns: readonly ComparedColumn[], side: Side): string {
  const bits = columns.flatMap((column, index) =>
    column.neverNull ? [] : [`case when (${column[side]}) is null then ${2 ** index} else 0 end`],
  )
  return bits.length === 0 ? '0' : `(${bits.join(' + ')})`
}

/** SQL of the hash of one value; null for NULL. */
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
      // The "char" type: since 16, bytes above 127 have another text form.
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
      // Trailing blanks have no meaning in this type, and do not change the hash.
      return options.convert
        ? textHash(inUtf8(`coalesce((${value})::pg_catalog.text, '')`, options), seed)
        : `pg_catalog.hashbpcharextended(coalesce(${value}, '') collate "C", ${seed})`
    case 'bytea':
      // In hexadecimal a long value would exceed the maximum length of a text.
      return textHash(
        `case when pg_catalog.octet_length(${value}) > ${longestHex}
              then pg_catalog.sha256(${value})::pg_catalog.text
              else coalesce(pg_catalog.encode(${value}, 'hex'), '') end`,
        seed,
      )
    case 'any':
      // Unlike a cast, concat() always calls the type's own output function.
      return textHash(inUtf8(`pg_catalog.concat(${value})`, options), seed)
  }
}

const longestHex = 256 * 1024 * 1024

function integerHash(value: string, seed: string): string {
  return `pg_catalog.hashint4extended(${value}, ${seed})`
}

function textHash(value: string, seed: string): string {
  // By bytes: a collation, which may be nondeterministic, does not matter.
  return `pg_catalog.hashtextextended((${value}) collate "C", ${seed})`
}

function inUtf8(value: string, { convert }: HashOptions): string {
  return convert ? `pg_catalog.encode(pg_catalog.convert_to(${value}, 'UTF8'), 'escape')` : value
}
