// Reads Prometheus' text format as strictly as its documentation defines it.
// https://prometheus.io/docs/instrumenting/exposition_formats/
export interface ReadSample {
  name: string
  labels: Record<string, string>
  value: number
}

export class ReadMetrics {
  readonly types = new Map<string, string>()
  readonly samples: ReadSample[] = []

  /** Throws for everything that a scraper would refuse. */
  constructor(text: string) {
    if (!text.endsWith('\n')) throw new Error('the last line does not end')
    let family: string | undefined
    const seen = new Set<string>()
    for (const line of text.slice(0, -1).split('\n')) {
      const [, help] = /^# HELP ([a-z_]+) \S.*$/.exec(line) ?? []
      const [, typed, type = ''] = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line) ?? []
      if (help !== undefined) {
        family = help
        if (this.types.has(help)) throw new Error(`${help} comes twice`)
      } else if (typed !== undefined) {
        if (typed !== family) throw new Error(`the type of ${typed} stands at ${family}`)
        this.types.set(typed, type)
      } else {
        const sample = readSample(line)
        if (sample.name !== family || !this.types.has(family)) throw new Error(`${line} has no family`)
        const key = JSON.stringify([sample.name, sample.labels])
        if (seen.has(key)) throw new Error(`${line} comes twice`)
        seen.add(key)
        this.samples.push(sample)
      }
    }
    for (const [name, type] of this.types) {
      if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${type}`)
    }
  }

  all(name: string, labels: Record<string, string> = {}): ReadSample[] {
    return this.samples.filter(
      (one) =>
        one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
    )
  }

  /** The value of the only matching sample; undefined if there is none. */
  value(name: string, labels: Record<string, string> = {}): number | undefined {
    const found = this.all(name, labels)
    if (found.length > 1) throw new Error(`${found.length} samples of ${name}`)
    return found[0]?.value
  }
}

function readSample(line: string): ReadSample {
  const [, name, inBraces, number] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  if (name === undefined || number === undefined) throw new Error(`not a sample: ${line}`)
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(number)) throw new Error(`not a number: ${line}`)
  const labels: Record<string, string> = {}
  let rest = inBraces ?? ''
  while (rest !== '') {
    const [whole, label, value] = /^([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest) ?? []
    if (whole === undefined || label === undefined) throw new Error(`labels of ${line}`)
    labels[label] = (value ?? '').replace(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : letter))
    rest = rest.slice(whole.length)
  }
  return { name, labels, value: Number(number) }
}
