// How a run is shown: by live bars, or by plain lines.

import type { LogLevel, MigrationEvent } from '../../../shared/event.ts'
import type { Summary } from '../../../shared/summary.ts'
import type { Verbosity } from './remarks.ts'

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
