// A run as a person at a terminal sees it: live bars, or plain lines where nobody watches.
import type { LogLevel, MigrationEvent } from '../../../shared/event.ts'
import type { Summary } from '../../../shared/summary.ts'
import { liveView } from './live-view.ts'
import { plainView } from './plain-view.ts'
import type { Verbosity } from './remarks.ts'
import type { TerminalStream } from './screen.ts'

export { liveView } from './live-view.ts'
export { plainView } from './plain-view.ts'
export { type Verbosity, verbosities } from './remarks.ts'
export type { TerminalStream } from './screen.ts'

/** Fed with the events of one run; disposed without an end, it leaves the terminal as it was. */
export interface View extends Disposable {
  event(event: MigrationEvent): void
  /** Prints a line that is not an event's, without disturbing the bars. */
  say(text: string, level?: LogLevel): void
  /** Leaves the terminal to a question until the pause is disposed; lines wait until then. */
  pause(): Disposable
  /** Prints the summary; the view is over. */
  end(summary: Summary): void
}

export interface ViewOptions {
  level?: Verbosity
  environment?: Record<string, string | undefined>
  /** The clock that events are stamped with. */
  now?: () => number
  /** Milliseconds between two frames, or two lines of progress. */
  interval?: number
}

export interface ViewChoice extends ViewOptions {
  stream: TerminalStream
  /** False after `--no-progress`. */
  progress: boolean
}

export function chooseView({ stream, progress, ...options }: ViewChoice): View {
  const { TERM } = options.environment ?? process.env
  const canRedraw = stream.isTTY === true && TERM !== 'dumb'
  const isLive = canRedraw && progress && options.level !== 'quiet'
  return isLive ? liveView(stream, options) : plainView(stream, options, progress)
}
