// Prometheus' text format: families of samples with their help and their type.
// https://prometheus.io/docs/instrumenting/exposition_formats/
export type Labels = Record<string, string>

export interface Sample {
  value: number
  labels: Labels
}

export interface Family {
  name: string
  help: string
  type: 'gauge' | 'counter'
  samples: Sample[]
}

export const contentType = 'text/plain; version=0.0.4; charset=utf-8'

/** Families without samples are omitted. */
export function exposition(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(familyText)
    .join('')
}

function familyText({ name, help, type, samples }: Family): string {
  const lines = samples.map(({ value, labels }) => `${name}${labelText(labels)} ${valueText(value)}\n`)
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length > 0 ? `{${pairs.join(',')}}` : ''
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (letter) => (letter === '\n' ? '\\n' : `\\${letter}`))
}

function escapeHelp(text: string): string {
  return text.replace(/[\\\n]/g, (letter) => (letter === '\n' ? '\\n' : '\\\\'))
}

function valueText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}
