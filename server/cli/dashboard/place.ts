// The width, style and time with which a part of the dashboard is drawn.
import type { Tone } from '../render/follow-words.ts'
import type { Style } from '../render/style.ts'
import type { Paint } from './line.ts'

export interface Place {
  width: number
  style: Style
  now: number
}

export function paintOf(style: Style, tone: Tone | undefined): Paint {
  return tone === undefined ? (text) => text : style[tone]
}
