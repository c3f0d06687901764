// Local times of a time zone. Twice a year a local time does not exist, or occurs twice.

const formats = new Map<string, Intl.DateTimeFormat>()
const dayMs = 24 * 3_600_000

export function isZone(zone: string): boolean {
  try {
    formatOf(zone)
    // Offsets such as +02:00 have no daylight saving time: they are not names of zones.
    return /^[A-Za-z]/.test(zone)
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** The local time as if it were UTC, in milliseconds. */
export function wallOf(instant: number, zone: string): number {
  return instant + offsetAt(instant, zone)
}

export function offsetAt(instant: number, zone: string): number {
  const parts = new Map<string, number>(
    formatOf(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const part = (type: string) => parts.get(type) ?? 0
  const wall = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  )
  return wall - Math.floor(instant / 1000) * 1000
}

/** The instants at which clocks show this local time: one, two in order, or none. */
export function instantsOf(wall: number, zone: string): { instants: number[]; shifted: number } {
  const before = offsetAt(wall - dayMs, zone)
  const after = offsetAt(wall + dayMs, zone)
  const instants = [...new Set([wall - before, wall - after])]
    .filter((instant) => wallOf(instant, zone) === wall)
    .sort((one, other) => one - other)
  // A time that is skipped is as long after the last one before the change as it would be without the change.
  return { instants, shifted: wall - before }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(zone, format)
  return format
}
