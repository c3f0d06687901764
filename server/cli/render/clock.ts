// Times in the user's time zone.

/** `09:03:27` */
export function clock(at: number): string {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
}

/** `2026-11-21 09:03:27` */
export function dateAndClock(at: number): string {
  const date = new Date(at)
  return `${[date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')} ${clock(at)}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
