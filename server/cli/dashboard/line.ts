// Lines made of painted pieces that never get wider than their place.
import { fit, widthOf } from '../render/text.ts'

export type Paint = (text: string) => string
/** Plain, or with what paints it: cutting text that is painted already would cut its colours. */
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

/** The right side keeps its place; the left one is cut. */
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
