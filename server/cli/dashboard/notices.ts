// Notices that need attention: a conflict with its choices, a running switchover, and warnings.

import type { FollowConflict } from '../../../shared/follow.ts'
import { concernsOf } from '../../../shared/follow-health.ts'
import type { FollowView } from '../../../shared/follow-view.ts'
import { formatRows } from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import { switchoverSteps } from '../../../shared/switchover.ts'
import { choicesOf, conflictFacts, switchoverText } from '../render/follow-words.ts'
import { fit, pad, wrap } from '../render/text.ts'
import { line } from './line.ts'
import type { Place } from './place.ts'

const mostConcerns = 3

/** Always shows the choices, and as many facts as fit. */
export function conflictBox(conflict: FollowConflict, rows: number, place: Place): string[] {
  const { width, style } = place
  const inner = Math.max(0, width - 4)
  const choices = choicesOf(conflict).map(({ key, text }) => `${key}  ${text}`)
  const facts = conflictFacts(conflict).flatMap((fact) => wrap(fact, inner))
  const room = Math.max(1, rows - choices.length - 2)
  const shown = facts.length > room ? [...facts.slice(0, Math.max(0, room - 1)), style.signs.ellipsis] : facts
  return box('Conflict: changes wait until you decide', [...shown, ...choices], place, style.bad)
}

export function box(
  title: string,
  lines: readonly string[],
  { width, style }: Pick<Place, 'width' | 'style'>,
  paint: (text: string) => string,
): string[] {
  const { corners, line: dash, side, ellipsis } = style.signs
  const [topLeft = '', topRight = '', bottomLeft = '', bottomRight = ''] = Array.from(corners)
  const inner = Math.max(0, width - 4)
  if (width < 8) return [title, ...lines].map((text) => fit(text, width, ellipsis))
  const heading = fit(` ${title} `, inner, ellipsis)
  const rest = dash.repeat(Math.max(0, width - 3 - Bun.stringWidth(heading)))
  return [
    paint(`${topLeft}${dash}${heading}${rest}${topRight}`),
    ...lines.map((text) => `${paint(side)} ${padPainted(text, inner)} ${paint(side)}`),
    paint(`${bottomLeft}${dash.repeat(width - 2)}${bottomRight}`),
  ]
}

/** For text that was fitted before it was painted. */
function padPainted(text: string, width: number): string {
  const missing = width - Bun.stringWidth(text)
  return missing >= 0 ? text + ' '.repeat(missing) : pad(Bun.stripANSI(text), width)
}

export function switchoverLine({ switchover }: FollowView, { width, style, now }: Place): string | undefined {
  if (!switchover || switchover.state === 'done') return undefined
  const { ellipsis } = style.signs
  const text = switchoverText(switchover, now)
  const way = switchover.options.back ? 'switching back' : 'switching over'
  if (switchover.state === 'failed') return line([[`${way} ${text}`, style.bad]], width, ellipsis)
  const { refresh_materialized_views: isRefreshing } = switchover.options
  const steps = switchoverSteps.filter((one) => one !== 'materialized_views' || isRefreshing)
  const head = `${way}, ${steps.indexOf(switchover.step) + 1} of ${steps.length}: `
  return line(
    [
      [head, style.bold],
      [text, style.accent],
    ],
    width,
    ellipsis,
  )
}

/** One line each; the details pane shows them in full. */
export function concernRows(view: FollowView, { width, style, now }: Place): string[] {
  const concerns = concernsOf(view, now)
  const isCut = concerns.length > mostConcerns
  const shown = isCut ? concerns.slice(0, mostConcerns - 1) : concerns
  const lines = shown.map(({ level, text }) => {
    const paint = level === 'error' ? style.bad : style.caution
    return line(
      [[`${level === 'error' ? 'error' : 'warning'}: `, paint], printable(text)],
      width,
      style.signs.ellipsis,
    )
  })
  if (!isCut) return lines
  const more = `and ${formatRows(concerns.length - shown.length)} more: see details (Tab)`
  return [...lines, line([[more, style.caution]], width, style.signs.ellipsis)]
}
