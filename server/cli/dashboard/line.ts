// Lines of painted pieces that never exceed their width.
import { fit, widthOf } from '../render/text.ts'

export type Paint = (text: string) => string
/** Plain text, or text with its paint: cutting painted text would cut its escape sequences. */
export type Piece = string | readonly [text: string, paint: Paint]

export function line(pieces: readonly Piece[], width: number, ellipsis: string): string {
  let room = width
  let made = ''
  for (const piece of pieces) {
    const [text, paint] = typeof piece === 'string' ? [piece, same] : piece
    const fitted = fit(text, Math.max(0, room), ellipsis)
    if (fitted !== '') made += paint(fitted)
    room -= widthOf(fitted)
    if (fitted !== text) break
  }
  return made
}

/** The right part keeps its place; the left part is cut. */
export function spread(
  left: readonly Piece[],
  right: readonly Piece[],
  width: number,
  ellipsis: string,
): string {
  const rightWidth = widthOfPieces(right)
  const room = width - rightWidth - 2
  if (rightWidth === 0 || room < 8) return line(left, width, ellipsis)
  const leftWidth = Math.min(room, widthOfPieces(left))
  const gap = ' '.repeat(width - leftWidth - rightWidth)
  return line(left, room, ellipsis) + gap + line(right, rightWidth, ellipsis)
}

export function widthOfPieces(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + widthOf(typeof piece === 'string' ? piece : piece[0]), 0)
}

function same(text: string): string {
  return text
}
