// The figures that benchmarks print: medians, costs and table rows.
import type { Cost } from './metered.ts'

/** NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}

export const tableRow = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`

export function tableHead(titles: readonly string[]): string {
  return `${tableRow(titles)}\n|${titles.map(() => '---').join('|')}|`
}

export function describeCost({ seconds, cpuSeconds, peakBytes }: Cost): string {
  const megabytes = Math.round(peakBytes / 1024 ** 2)
  return `${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of CPU, ${megabytes} MB`
}
