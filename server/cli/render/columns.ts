// Names on the left and numbers on the right, within the given width.
import type { Style } from './style.ts'
import { pad, widthOf } from './text.ts'

const gap = 2
/** Shorter names would be ambiguous; the last column is omitted instead. */
const shortestName = 16

export function columnLines(titles: string[], rows: string[][], width: number, style: Style): string[] {
  const widths = titles.map((title, index) => {
    return Math.max(widthOf(title), ...rows.map((row) => widthOf(row[index] ?? '')))
  })
  const [widestName = 0] = widths
  const numbers = widths.slice(1)
  while (numbers.length > 0 && roomForName(numbers, width) < Math.min(widestName, shortestName)) numbers.pop()
  const nameWidth = Math.min(widestName, roomForName(numbers, width))
  const line = ([name = '', ...cells]: string[]) => {
    const right = numbers.map(
      (cellWidth, index) => ' '.repeat(gap) + pad(cells[index] ?? '', cellWidth, 'right'),
    )
    return pad(name, nameWidth) + right.join('')
  }
  return [style.dim(line(titles)), ...rows.map((row) => line(row).trimEnd())]
}

function roomForName(numbers: number[], width: number): number {
  return Math.max(0, width - numbers.reduce((total, cellWidth) => total + cellWidth + gap, 0))
}
