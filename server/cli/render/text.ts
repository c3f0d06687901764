// Fits text to a width in terminal cells.
import { printable } from '../../../shared/printable.ts'

/** As `printable`, but keeps line breaks. */
export function printableLines(text: string): string[] {
  return text.split(/\r?\n/).map((line) => printable(line.replaceAll('\t', '  ')))
}

/** Cuts text to a width, with an ellipsis if something is missing. */
export function fit(text: string, width: number, ellipsis = '…'): string {
  if (widthOf(text) <= width) return text
  const room = width - widthOf(ellipsis)
  if (room < 0) return ''
  let kept = ''
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment)
    if (used > room) break
    kept += segment
  }
  return kept + ellipsis
}

const graphemes = new Intl.Segmenter()

/** Cuts or fills to exactly this many cells. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const fitted = fit(text, width)
  const space = ' '.repeat(Math.max(0, width - widthOf(fitted)))
  return side === 'left' ? fitted + space : space + fitted
}

/** Breaks a long line between words; the following lines are indented. */
export function wrap(text: string, width: number, indent = '  '): string[] {
  if (!Number.isFinite(width) || widthOf(text) <= width) return [text]
  const wrapped = Bun.wrapAnsi(text, Math.max(1, width - indent.length), { hard: true, trim: false })
  return wrapped.split('\n').map((line, index) => (index === 0 ? line.trimEnd() : indent + line.trim()))
}

export function widthOf(text: string): number {
  return Bun.stringWidth(text)
}
