// Numbers for users, in the same format in the terminal, on the page and in messages.

const thousands = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** `1,234,567` */
export function formatRows(rows: number): string {
  return thousands.format(rows)
}

/** `14 tables`, `1 table`; an irregular plural is given. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatRows(count)} ${count === 1 ? singular : plural}`
}

export function shortList(names: readonly string[], most = 10): string {
  const more = names.length > most ? ` and ${formatRows(names.length - most)} more` : ''
  return names.slice(0, most).join(', ') + more
}

/** `512 MB` of 1024 × 1024 bytes, as pg_size_pretty and psql's `\l+` count them. */
export function formatBytes(bytes: number): string {
  let amount = Math.max(0, bytes)
  let unit = 0
  // 999.5 and more would be rounded to four digits, and get the next unit.
  while (amount >= 999.5 && unit < byteUnits.length - 1) {
    amount /= 1024
    unit++
  }
  const digits = unit > 0 && amount < 9.95 ? 1 : 0
  return `${amount.toFixed(digits)} ${byteUnits[unit]}`
}

const byteUnits = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']

/** `3.2 s`, `4 min 05 s`, `2 h 03 min`, `1 d 04 h` */
export function formatDuration(seconds: number): string {
  if (seconds < 59.95) return `${Math.max(0, seconds).toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return pair(whole, 60, 'min', 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 24 * 60) return pair(minutes, 60, 'h', 'min')
  return pair(Math.round(seconds / 3600), 24, 'd', 'h')
}

/** `48 MB/s` */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

/** `45%`. 100 only when complete: an almost completed run is not shown as done. */
export function formatPercent(percent: number): string {
  return `${Math.floor(percent)}%`
}

function pair(amount: number, per: number, large: string, small: string): string {
  const rest = String(amount % per).padStart(2, '0')
  return `${Math.floor(amount / per)} ${large} ${rest} ${small}`
}
