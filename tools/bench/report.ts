// Measurements of several rounds into medians and ratios.
import type { Result } from './contenders.ts'

export interface Measured {
  workload: string
  contender: string
  scope: 'whole' | 'data'
  rounds: Result[]
}

export interface Line {
  workload: string
  contender: string
  scope: 'whole' | 'data'
  rounds: number
  seconds: number
  fastest: number
  slowest: number
  /** pgtrek's time for the same work, as a share of this tool's: below 1 pgtrek is faster. */
  ratio: number | undefined
  cpuSeconds: number
  peakMegabytes: number
  dataSeconds: number | undefined
  cpuSecondsPerGigabyte: number | undefined
}

/** `reference` is the contender that the others are compared with. */
export function summarizeRounds(measured: readonly Measured[], reference: string): Line[] {
  return measured.map(({ workload, contender, scope, rounds }) => {
    const own = measured.find((one) => one.workload === workload && one.contender === reference)
    const seconds = median(rounds.map((round) => round.seconds)) ?? Number.NaN
    const ours = median(
      (own?.rounds ?? []).map((round) => (scope === 'data' ? round.dataSeconds : round.seconds)),
    )
    return {
      workload,
      contender,
      scope,
      rounds: rounds.length,
      seconds,
      fastest: Math.min(...rounds.map((round) => round.seconds)),
      slowest: Math.max(...rounds.map((round) => round.seconds)),
      ratio: ours === undefined || contender === reference ? undefined : ours / seconds,
      cpuSeconds: median(rounds.map((round) => round.cpuSeconds)) ?? Number.NaN,
      peakMegabytes: Math.max(...rounds.map((round) => round.peakBytes)) / 1024 ** 2,
      dataSeconds: median(rounds.map((round) => round.dataSeconds)),
      cpuSecondsPerGigabyte: median(
        rounds.map(({ cpuSeconds, copiedBytes }) => copiedBytes && cpuSeconds / (copiedBytes / 1e9)),
      ),
    }
  })
}

export function showLines(lines: readonly Line[], reference: string): string {
  const header = [
    ...['workload', 'tool', 'seconds', 'range', `${reference} takes`],
    ...['rows alone', 'CPU s', 'CPU s/GB', 'peak MB'],
  ]
  const body = lines.map((line) => [
    line.workload,
    line.scope === 'data' ? `${line.contender} (rows of the big table)` : line.contender,
    fixed(line.seconds, 2),
    `${fixed(line.fastest, 2)}..${fixed(line.slowest, 2)}`,
    line.ratio === undefined ? '' : `${fixed(line.ratio, 2)} of it`,
    fixed(line.dataSeconds, 2),
    fixed(line.cpuSeconds, 2),
    fixed(line.cpuSecondsPerGigabyte, 2),
    fixed(line.peakMegabytes, 0),
  ])
  const widths = header.map((_, column) =>
    Math.max(...[header, ...body].map((row) => row[column]?.length ?? 0)),
  )
  const show = (row: string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [show(header), rule, ...body.map(show)].join('\n')
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? '' : value.toFixed(digits)
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined || sorted.length % 2 === 1) return upper
  return (upper + (sorted[middle - 1] ?? upper)) / 2
}
