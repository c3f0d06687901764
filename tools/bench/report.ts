// Medians and ratios of several rounds, as a table.
import type { Result } from './contenders.ts'
import { median, tableRow } from './figures.ts'

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
  /** pgtrek's time for the same work divided by this tool's: below 1 pgtrek is faster. */
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
    const seconds = median(rounds.map((round) => round.seconds))
    const ours = medianOfKnown(
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
      cpuSeconds: median(rounds.map((round) => round.cpuSeconds)),
      peakMegabytes: Math.max(...rounds.map((round) => round.peakBytes)) / 1024 ** 2,
      dataSeconds: medianOfKnown(rounds.map((round) => round.dataSeconds)),
      cpuSecondsPerGigabyte: medianOfKnown(
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
  const show = (row: string[]) => tableRow(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)))
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [show(header), rule, ...body.map(show)].join('\n')
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? '' : value.toFixed(digits)
}

function medianOfKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : median(known)
}
