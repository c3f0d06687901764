// Sizes, rates and times as users write them: `500MB`, `1.5 GB`, `20MB/s`, `30s`. Units are powers of 1024, as in PostgreSQL.

const units: Record<string, number> = { '': 1, B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 }

/** Undefined when the text is not a size. */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMGT]?B)?$/i.exec(text.trim()) ?? []
  const factor = units[unit.toUpperCase()]
  if (amount === undefined || factor === undefined) return undefined
  const bytes = Math.round(Number(amount) * factor)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** A size, with or without `/s`. A bare `10` hardly means ten bytes: only 0 needs no unit. */
export function parseRate(text: string): number | undefined {
  const size = text.trim().replace(/\s*\/\s*s(?:ec)?$/i, '')
  return Number(size) === 0 || /B$/i.test(size) ? parseBytes(size) : undefined
}

/** In whole kilobytes, as PostgreSQL stores it, and not less than requested. */
export function parseKilobytes(text: string): number | undefined {
  const bytes = parseBytes(text)
  return bytes === undefined ? undefined : Math.ceil(bytes / 1024)
}

const timeUnits: Record<string, number> = { '': 1, ms: 0.001, s: 1, m: 60, min: 60, h: 3600 }

/** `30s`, `500ms`, `2m`; a bare number is seconds. */
export function parseSeconds(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?$/.exec(text.trim()) ?? []
  const factor = timeUnits[unit]
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor
}
