// Metrics as tables: each line has a name, its help and how it is read.
import type { Family, Labels, Sample } from './prometheus.ts'

export interface Metric<Thing> {
  name: string
  help: string
  /** Default: gauge. */
  type?: Family['type']
  /** Undefined if unknown: the sample is omitted. */
  read(thing: Thing): Reading | Reading[]
}

/** A value, or a value with its own labels. */
export type Reading = number | boolean | undefined | { value: number | boolean; labels: Labels }

export function families<Thing>(
  metrics: readonly Metric<Thing>[],
  things: readonly { of: Thing; labels: Labels }[],
): Family[] {
  return metrics.map(({ name, help, type = 'gauge', read }) => ({
    name,
    help,
    type,
    samples: things.flatMap(({ of, labels }) => samplesOf([read(of)].flat(), labels)),
  }))
}

/** One sample for each name; only that of the present name is 1. */
export function oneHot(label: string, names: readonly string[], present: string | undefined): Reading[] {
  return names.map((name) => ({ value: name === present, labels: { [label]: name } }))
}

function samplesOf(readings: readonly Reading[], labels: Labels): Sample[] {
  return readings
    .filter((reading) => reading !== undefined)
    .map((reading) =>
      typeof reading === 'object'
        ? { value: Number(reading.value), labels: { ...labels, ...reading.labels } }
        : { value: Number(reading), labels },
    )
}
