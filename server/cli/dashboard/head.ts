// The top of the dashboard: name, stages, and cutover readiness.
import { isOver, secondsSince } from '../../../shared/follow-health.ts'
import { type FollowView, followStages } from '../../../shared/follow-view.ts'
import { formatDuration } from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import { clock } from '../render/clock.ts'
import { processText, readyText, stageWords, stateWords, toneOf } from '../render/follow-words.ts'
import { fit, widthOf } from '../render/text.ts'
import { line, type Piece, spread } from './line.ts'
import { type Place, paintOf } from './place.ts'

export function titleLine(view: FollowView, { width, style, now }: Place): string {
  const state = stateWords[view.state]
  const age = formatDuration(secondsSince(view.updated_at, now))
  const when = isOver(view) ? `, seen ${age} ago` : ''
  const right: Piece[] = [[`${style.signs.on} ${state}`, paintOf(style, toneOf(view))], when]
  const process = view.process ? `process ${processText(view)}, ` : ''
  const since = `  ${process}since ${clock(view.started_at)}`
  return spread(
    [
      ['pgtrek  ', style.dim],
      [printable(view.name), style.bold],
      [since, style.dim],
    ],
    right,
    width,
    style.signs.ellipsis,
  )
}

export function endsLine(view: FollowView, { width, style }: Place): string {
  const { to, back, ellipsis } = style.signs
  const sign = view.bidirectional ? `${back}${to}` : view.direction === 'back' ? back : to
  const room = width - widthOf(sign) - 2
  const [source, destination] = [printable(view.source), printable(view.destination)]
  // Each side may use the room that the other does not need.
  const half = Math.floor(room / 2)
  const forSource = Math.max(half, room - widthOf(destination))
  const left = fit(source, Math.max(0, forSource), ellipsis)
  const right = fit(destination, Math.max(0, room - widthOf(left)), ellipsis)
  return line([left, [` ${sign} `, style.accent], right], width, ellipsis)
}

/** Without room for all stages, the present one. */
export function stagesLine(view: FollowView, { width, style }: Place): string {
  const { done, current, ahead, ellipsis } = style.signs
  const at = followStages.indexOf(view.stage)
  const isAtEnd = view.stage === 'done'
  const pieces = followStages.flatMap((stage, index): Piece[] => {
    const word = stageWords[stage]
    const gap = index === 0 ? '' : '  '
    if (index < at || isAtEnd) return [gap, [`${done} ${word}`, style.good]]
    if (index > at) return [gap, [`${ahead} ${word}`, style.dim]]
    return [gap, [`${current} ${word}`, (text) => style.bold(style.accent(text))]]
  })
  const whole = pieces.reduce((sum, piece) => sum + widthOf(typeof piece === 'string' ? piece : piece[0]), 0)
  if (whole <= width) return line(pieces, width, ellipsis)
  const short = `${current} ${stageWords[view.stage]} (${at + 1} of ${followStages.length})`
  return line([[short, style.bold]], width, ellipsis)
}

export function readinessLine(view: FollowView, { width, style, now }: Place): string {
  if (view.stage === 'done') {
    const text = view.streams.length > 0 ? 'switched over; changes flow back' : 'switched over'
    return line([[`${style.signs.done} ${text}`, style.good]], width, style.signs.ellipsis)
  }
  const { green, text } = readyText(view, now)
  const { on, off, ellipsis } = style.signs
  return line([[`${green ? on : off} ${text}`, green ? style.good : style.caution]], width, ellipsis)
}
