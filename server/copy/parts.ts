// Cuts a large table into ranges that several workers copy at once. Together the ranges contain every row exactly once.
import { quoteIdentifier } from '../postgres/quote.ts'

export interface Part {
  /** A condition for WHERE; undefined for the whole table. */
  condition: string | undefined
  /** Share of the table's bytes, for progress and order. */
  share: number
}

export const wholeTable: readonly Part[] = [{ condition: undefined, share: 1 }]

/** The first and the last range are open, so that they contain every row. */
export function ctidParts(pages: number, count: number): Part[] {
  return ranges(0n, BigInt(Math.max(1, Math.ceil(pages))), count).map(({ from, to, share }) => ({
    condition: both(from && `ctid >= '(${from},0)'::tid`, to && `ctid < '(${to},0)'::tid`),
    share,
  }))
}

/** For a column that is unique and not null. Values may be distributed in any way between `lowest` and `highest`. */
export function keyParts(column: string, lowest: bigint, highest: bigint, count: number): Part[] {
  const name = quoteIdentifier(column)
  return ranges(lowest, highest + 1n, count).map(({ from, to, share }) => ({
    condition: both(from && `${name} >= '${from}'::bigint`, to && `${name} < '${to}'::bigint`),
    share,
  }))
}

/** `[start, end)` in `count` ranges of almost the same length; the outer bounds are left open. */
function ranges(start: bigint, end: bigint, count: number) {
  const length = end - start
  const pieces = Math.max(1, Math.min(count, Number(length < 1n ? 1n : length)))
  const bound = (index: number) => start + (length * BigInt(index)) / BigInt(pieces)
  return Array.from({ length: pieces }, (_, index) => ({
    from: index === 0 ? undefined : String(bound(index)),
    to: index === pieces - 1 ? undefined : String(bound(index + 1)),
    share: 1 / pieces,
  }))
}

function both(from: string | undefined, to: string | undefined): string | undefined {
  return from && to ? `${from} and ${to}` : (from ?? to)
}

/** The number of parts of a table: as many as the threshold requires, and a number that all workers can share evenly. */
export function partCount(bytes: number, threshold: number, workers = 1): number {
  if (bytes <= threshold) return 1
  const wanted = Math.min(mostParts, Math.ceil(bytes / threshold))
  return Math.ceil(wanted / workers) * workers
}

const mostParts = 1000
