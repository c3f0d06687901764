// The progress of rows and changes: the bar of the copy, and the lag, rate and slot of each stream.
import { isOver, isRead } from '../../../shared/follow-health.ts'
import type { FollowView, StreamView } from '../../../shared/follow-view.ts'
import { formatBytes, formatCount, formatDuration, formatPercent } from '../../../shared/format.ts'
import { bar, joinFitting } from '../render/bars.ts'
import { copyFacts, lagText, rateText, slotText, spilledText } from '../render/follow-words.ts'
import { pad, widthOf } from '../render/text.ts'
import { line, type Paint, type Piece } from './line.ts'
import type { Place } from './place.ts'
import { sparkline } from './sparkline.ts'

const labelWidth = 6
/** A narrower sparkline shows nothing useful. */
const narrowestSpark = 10

export function copyBar(view: FollowView, { width, style }: Place): string {
  const percent = view.copy?.overall_percent ?? 0
  const text = pad(formatPercent(percent), 4, 'right')
  const seconds = isOver(view) ? undefined : view.copy?.remaining_seconds
  const left =
    seconds === undefined ? '' : `  ${formatDuration(Math.round(seconds)).replace('.0 s', ' s')} left`
  const room = width - widthOf(text) - 1 - widthOf(left)
  if (room < 5) return line([text, left], width, style.signs.ellipsis)
  return `${style.bold(text)} ${bar(percent, room, style)}${left}`
}

export function copyLine(view: FollowView, { width, style }: Place): string {
  return style.dim(joinFitting(copyFacts(view), width, style.signs.separator))
}

export interface StreamLines {
  lag: string
  rate: string
  slot: string
}

export function streamLines(view: FollowView, stream: StreamView, place: Place): StreamLines {
  const { width, style } = place
  const { ellipsis, to, back, separator } = style.signs
  const arrow = view.streams.length > 1 ? `${stream.direction === 'forward' ? to : back} ` : ''
  const label = (word: string): Piece => [`${arrow}${pad(word, labelWidth)} `, style.dim]
  const spilled = spilledText(stream)
  const rate = [
    rateText(view, stream),
    `${formatCount(stream.status.rows, 'row')} applied`,
    ...(spilled ? [spilled] : []),
  ]
  const slot = slotText(view, stream)
  return {
    lag: lagLine(view, stream, label('lag'), place),
    rate: line([label('rate'), rate.join(separator)], width, ellipsis),
    slot:
      slot === ''
        ? ''
        : line([label('slot'), [slot, slotPaint(view, stream, style.dim, place)]], width, ellipsis),
  }
}

function lagLine(view: FollowView, stream: StreamView, label: Piece, { width, style }: Place): string {
  const text = lagText(stream)
  const pieces: Piece[] = [label, [pad(text, Math.max(24, widthOf(text))), style.bold]]
  const used = widthOf(typeof label === 'string' ? label : label[0]) + Math.max(24, widthOf(text))
  // The samples belong to the present direction.
  const { samples } = view
  const [first, last] = [samples[0], samples.at(-1)]
  if (stream.direction === view.direction && first && last) {
    const most = Math.max(...samples.map(({ lag_bytes: bytes }) => bytes))
    const span = formatDuration((last.at - first.at) / 1000)
    const tail = `  most ${formatBytes(most)} in ${span}`
    const room = Math.min(60, width - used - 2 - widthOf(tail))
    if (room >= narrowestSpark) {
      const spark = sparkline(
        samples.map(({ lag_bytes: bytes }) => bytes),
        room,
        style.signs.heights,
      )
      pieces.push('  ', [spark, style.accent], [tail, style.dim])
    }
  }
  return line(pieces, width, style.signs.ellipsis)
}

function slotPaint(view: FollowView, { slot }: StreamView, usual: Paint, { style }: Place): Paint {
  if (!slot) return usual
  if (slot.lost !== undefined || slot.endangered) return style.bad
  return isRead(view, slot) ? usual : style.caution
}
