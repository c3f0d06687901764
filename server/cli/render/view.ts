// Chooses how a run is shown: progress bars on a terminal, plain lines elsewhere.
import { liveView } from './live-view.ts'
import { plainView } from './plain-view.ts'
import type { TerminalStream } from './screen.ts'
import type { View, ViewOptions } from './view-types.ts'

export { liveView } from './live-view.ts'
export { plainView } from './plain-view.ts'
export { type Verbosity, verbosities } from './remarks.ts'
export type { TerminalStream } from './screen.ts'

export interface ViewChoice extends ViewOptions {
  stream: TerminalStream
  /** False with `--no-progress`. */
  progress: boolean
}

export function chooseView({ stream, progress, ...options }: ViewChoice): View {
  const { TERM } = options.environment ?? process.env
  const canRedraw = stream.isTTY === true && TERM !== 'dumb'
  const isLive = canRedraw && progress && options.level !== 'quiet'
  return isLive ? liveView(stream, options) : plainView(stream, options, progress)
}
