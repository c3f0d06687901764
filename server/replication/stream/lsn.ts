// Positions in the write-ahead log: bigint internally, PostgreSQL's text form externally.
// https://www.postgresql.org/docs/current/datatype-pg-lsn.html

export type Lsn = bigint

export const noLsn: Lsn = 0n

/** `16/B374D848` */
export function parseLsn(text: string): Lsn {
  const [, high, low] = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i.exec(text) ?? []
  if (high === undefined || low === undefined)
    throw new Error(`not a valid position in the log (LSN): ${text}`)
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

export function showLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase()
}

export function laterOf(one: Lsn, other: Lsn): Lsn {
  return one > other ? one : other
}

/** Bytes of log from one position to another; 0 when the second is not after the first. */
export function bytesBetween(from: Lsn, to: Lsn): number {
  return to > from ? Number(to - from) : 0
}
