// Sizes and rates as people write them: `500MB`, `1.5 GB`, `20MB/s`. Units are powers of 1024, as for PostgreSQL.

const units: Record<string, number> = { '': 1, B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 }

/** Nothing for what is no size. */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMGT]?B)?$/i.exec(text.trim()) ?? []
  const factor = units[unit.toUpperCase()]
  if (amount === undefined || factor === undefined) return undefined
  const bytes = Math.round(Number(amount) * factor)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** A size, with or without its `/s`. */
export function parseRate(text: string): number | undefined {
  return parseBytes(text.trim().replace(/\s*\/\s*s(?:ec)?$/i, ''))
}

/** As PostgreSQL reads it back: whole kilobytes, and not less than was asked for. */
export function parseKilobytes(text: string): number | undefined {
  const bytes = parseBytes(text)
  return bytes === undefined ? undefined : Math.ceil(bytes / 1024)
}
