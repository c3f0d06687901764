// A value of a key as text that PostgreSQL reads back as exactly the same value.
import { columnKind, type Tuple } from '../stream/tuple.ts'

/** Longer values are not kept. */
const longest = 1024
const int8Max = 2n ** 63n - 1n
const epoch = Date.UTC(2000, 0, 1)

type Read = (value: Buffer) => string | undefined

/** How the binary form of PostgreSQL's own types is read, by type OID. Their text form is used as it is. */
const readers: ReadonlyMap<number, Read> = new Map<number, Read>([
  [16, (value) => (value[0] === 1 ? 't' : 'f')],
  [20, (value) => String(value.readBigInt64BE(0))],
  [21, (value) => String(value.readInt16BE(0))],
  [23, (value) => String(value.readInt32BE(0))],
  [26, (value) => String(value.readUInt32BE(0))],
  [19, asText],
  [25, asText],
  [1042, asText],
  [1043, asText],
  [1082, (value) => dayText(value.readInt32BE(0))],
  [1114, (value) => timeText(value.readBigInt64BE(0), '')],
  [1184, (value) => timeText(value.readBigInt64BE(0), '+00')],
  [1700, numericText],
  [2950, uuidText],
])

export const integerTypes: ReadonlySet<number> = new Set([20, 21, 23])

/** Undefined when the value was not sent, is NULL, or its type has no certain text form. */
export function keyText(tuple: Tuple, column: number, type: number): string | undefined {
  const read = readers.get(type)
  const kind = tuple.kinds[column]
  const [start = 0, end = 0] = [tuple.starts[column], tuple.ends[column]]
  if (!read || end - start > longest) return undefined
  const value = Buffer.from(tuple.bytes.buffer, tuple.bytes.byteOffset + start, end - start)
  if (kind === columnKind.text) return asText(value)
  if (kind === columnKind.binary) return read(value)
  return undefined
}

/** A query cannot ask for bytes that are not valid UTF-8, as a database in SQL_ASCII may have. */
function asText(value: Buffer): string | undefined {
  const text = value.toString('utf8')
  return text.includes('\ufffd') ? undefined : text
}

function uuidText(value: Buffer): string {
  return value.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function dayText(days: number): string | undefined {
  return calendarText(epoch + days * 86_400_000)?.slice(0, 10)
}

function timeText(microseconds: bigint, zone: string): string | undefined {
  const fraction = ((microseconds % 1_000_000n) + 1_000_000n) % 1_000_000n
  const whole = calendarText(epoch + Number((microseconds - fraction) / 1000n))
  return whole && `${whole.slice(0, 19).replace('T', ' ')}.${String(fraction).padStart(6, '0')}${zone}`
}

/** Years of four digits only: infinity, BC and far dates have another form. */
function calendarText(milliseconds: number): string | undefined {
  const date = new Date(milliseconds)
  const year = Number.isNaN(date.getTime()) ? 0 : date.getUTCFullYear()
  return year >= 1 && year <= 9999 ? date.toISOString() : undefined
}

/** Groups of four digits: their count, the weight of the first, the sign, the digits after the point. */
function numericText(value: Buffer): string | undefined {
  const [count, weight, sign] = [value.readInt16BE(0), value.readInt16BE(2), value.readUInt16BE(4)]
  if (sign !== 0 && sign !== 0x4000) return undefined
  const scale = value.readInt16BE(6)
  if (weight > 300 || scale > 300) return undefined
  const group = (at: number) =>
    String(at >= 0 && at < count ? value.readInt16BE(8 + at * 2) : 0).padStart(4, '0')
  let whole = ''
  for (let at = 0; at <= weight; at++) whole += group(at)
  let fraction = ''
  for (let at = weight + 1; fraction.length < scale; at++) fraction += group(at)
  const shown = fraction.slice(0, scale)
  return `${sign ? '-' : ''}${whole || '0'}${shown ? `.${shown}` : ''}`
}

export function isInteger(text: string): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt(text) <= int8Max
}
