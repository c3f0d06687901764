// Metrics as tables: a name, what it means, and how it is read from a thing. One more is one more line.
import type { Family, Labels, Sample } from './prometheus.ts'

export interface Metric<Thing> {
  name: string
  help: string
  /** A gauge unless told. */
  type?: Family['type']
  /** Nothing where it is not known: no number is better than a wrong one. */
  read(thing: Thing): Reading | Reading[]
}

/** A value, or one with labels of its own. */
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

/** One sample for each name; only the present one is 1. */
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
