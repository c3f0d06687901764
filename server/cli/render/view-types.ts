// How a run is shown: as progress bars or as plain lines.

import type { LogLevel, MigrationEvent } from '../../../shared/event.ts'
import type { Summary } from '../../../shared/summary.ts'
import type { Verbosity } from './remarks.ts'

/** Fed with the events of one run; disposed before its end, it restores the terminal. */
export interface View extends Disposable {
  event(event: MigrationEvent): void
  /** Prints a line that does not belong to an event, without disturbing the bars. */
  say(text: string, level?: LogLevel): void
  /** Pauses for a question until it is disposed; lines wait until then. */
  pause(): Disposable
  /** Prints the summary and ends the view. */
  end(summary: Summary): void
}

export interface ViewOptions {
  level?: Verbosity
  environment?: Record<string, string | undefined>
  /** The clock of the events. */
  now?: () => number
  /** Milliseconds between two frames, or between two lines of progress. */
  interval?: number
}
