// Draws numbers over time as one line of small bars.

/**
 * One character for each of `width` spans of time, by the maximum of each; `heights` are the characters from lowest to
 * highest.
 */
export function sparkline(numbers: readonly number[], width: number, heights: string): string {
  const signs = Array.from(heights)
  const spans = highestOfSpans(numbers, width)
  const most = Math.max(0, ...spans)
  return spans.map((number) => signs[heightOf(number, most, signs.length)] ?? '').join('')
}

/** Only zero is drawn as the lowest character. */
function heightOf(number: number, most: number, heights: number): number {
  if (number <= 0 || most <= 0) return 0
  return Math.min(heights - 1, Math.max(1, Math.round((number / most) * (heights - 1))))
}

function highestOfSpans(numbers: readonly number[], width: number): number[] {
  if (width <= 0) return []
  if (numbers.length <= width) return numbers.slice()
  return Array.from({ length: width }, (_, span) => {
    const from = Math.floor((span * numbers.length) / width)
    const to = Math.floor(((span + 1) * numbers.length) / width)
    return Math.max(...numbers.slice(from, to))
  })
}
